"""ONNX networks on the CPU, run by the backend that has their precision."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import CheckpointError, ConfigurationError, first_line
from ocr_plugin.options import OnnxPrecision
from ocr_plugin.runtime.onnx_file import metadata_of, read_onnx, without_subnormals
from ocr_plugin.runtime.onnx_runtime import OnnxRuntimeNetwork
from ocr_plugin.runtime.openvino_runtime import OpenVinoNetwork


def onnx_name(kind: str, path: Path, precision: OnnxPrecision) -> str:
    """Returns a component's name: its kind, its file, and its precision unless float32."""
    return f"{kind}:{path.stem}" + ("" if precision == "float32" else f":{precision}")


class OnnxModel:
    """An ONNX network on the CPU. May be run from several threads at once.

    Args:
        path: of the file.
        threads: for each run; 0 for one per core.
        precision: float32 runs in ONNX Runtime, bfloat16 in OpenVINO.
        sha256: that the file must have; None for any.

    Attributes:
        metadata: of the file, by name.
        sha256: of the file's bytes.

    Raises:
        CheckpointError: the file is not an ONNX network, or not the one that it must be, or keeps
            weights in other files.
        ConfigurationError: the extra for bfloat16 is missing, or this CPU does not support it.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 0,
        precision: OnnxPrecision = "float32",
        sha256: str | None = None,
    ) -> None:
        backend = OnnxRuntimeNetwork if precision == "float32" else OpenVinoNetwork
        content, self.sha256 = read_onnx(path)
        if sha256 not in (None, self.sha256):
            raise CheckpointError(
                f"{path} is damaged or was changed: its sha256 is {self.sha256}, not {sha256};"
                " delete it and download it again"
            )
        try:
            self.metadata: dict[str, str] = metadata_of(content)
            self._network = backend(without_subnormals(content), threads)
        except ConfigurationError:
            raise
        except Exception as error:  # these libraries have no public base class of their errors
            raise CheckpointError(f"{path}: not a usable ONNX file: {first_line(error)}") from error
        self.path = path

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        return self._network.run(batch)

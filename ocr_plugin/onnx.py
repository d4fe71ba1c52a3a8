"""ONNX files and how they are run: one float tensor in, one out."""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from ocr_plugin.errors import CheckpointError, ConfigurationError, ModelUnavailable, first_line
from ocr_plugin.openvino_network import OpenVinoNetwork

OnnxPrecision = Literal["float32", "bfloat16"]


def bundled_model(name: str) -> Path:
    """Returns where the installed ``rapidocr`` wheel keeps one of its model files.

    Raises:
        ModelUnavailable: this release of rapidocr does not carry it.
    """
    path = Path(str(files("rapidocr"))) / "models" / name
    if not path.is_file():
        raise ModelUnavailable(
            f"{name} is not in the installed rapidocr; pip install rapidocr==3.10"
        )
    return path


def onnx_name(kind: str, path: Path, precision: OnnxPrecision) -> str:
    """Returns what a component is called that runs a file, with other numbers than float32's."""
    return f"{kind}:{path.stem}" + ("" if precision == "float32" else f":{precision}")


def precision_beside(precision: str | None, device: str | None) -> OnnxPrecision:
    """Returns the numbers of ONNX networks beside a PyTorch one.

    They are float32, unless the other is on the CPU in bfloat16 and the extra is installed, so that
    they can be so too.

    Args:
        precision: the other's; None for its default.
        device: the other's; None for the CPU.
    """
    asked = precision == "bfloat16" and device in (None, "cpu")
    return "bfloat16" if asked and find_spec("openvino") is not None else "float32"


class OnnxModel:
    """An ONNX network on the CPU. May be run from several threads at once.

    Args:
        path: of the file.
        threads: for each run; 0 takes one a core.
        precision: float32, for which ONNX Runtime runs it; or bfloat16, for which OpenVINO does.

    Attributes:
        metadata: the file's own remarks, by name.

    Raises:
        CheckpointError: the file is no ONNX network.
        ConfigurationError: the extra for bfloat16 is missing, or this CPU does not have it.
    """

    def __init__(
        self, path: Path, *, threads: int = 0, precision: OnnxPrecision = "float32"
    ) -> None:
        opened = OnnxRuntimeNetwork if precision == "float32" else OpenVinoNetwork
        try:
            network = onnx.load(path)
            _flush_subnormals(network)
            self._network = opened(network.SerializeToString(), threads)
        except ConfigurationError:
            raise
        except Exception as error:  # no package here has a public root of its own errors
            raise CheckpointError(f"{path}: not a usable ONNX file: {first_line(error)}") from error
        self.path = path
        self.metadata: dict[str, str] = {each.key: each.value for each in network.metadata_props}

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        return self._network.run(batch)


class OnnxRuntimeNetwork:
    """A network on the CPU in float32, run by ONNX Runtime; otherwise as `OpenVinoNetwork`."""

    def __init__(self, content: bytes, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # The plan of one input size is of no use for the next. The arena is: without it every run
        # faults its memory in anew and takes several times as long.
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return output


def _flush_subnormals(network: onnx.ModelProto) -> None:
    """Sets a network's subnormal weights to 0.

    Weights below 1.2e-38 change no result, but each multiplication by one takes an Intel processor
    a hundred times as long: PP-OCRv6 small detection has 256,000 of them and is three times as
    fast without. ONNX Runtime's own switch for this reaches only the first session of a process.
    """
    least = np.finfo(np.float32).tiny
    for weights in network.graph.initializer:
        if weights.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weights)
        subnormal = (np.abs(values) < least) & (values != 0)
        if subnormal.any():
            flushed = np.where(subnormal, np.float32(0), values)
            weights.CopyFrom(numpy_helper.from_array(flushed, weights.name))

"""ONNX files and how they are run: one float tensor in, one out."""

from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from ocr_plugin.errors import CheckpointError, ModelUnavailable, first_line
from ocr_plugin.hashes import sha256_of


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


class OnnxModel:
    """An ONNX network on the CPU. May be run from several threads at once."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Opens the file; raises `CheckpointError` where it is no ONNX network."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # The plan of one input size is of no use for the next. The arena is: without it every run
        # faults its memory in anew and takes several times as long.
        options.enable_mem_pattern = False
        try:
            self._session = onnxruntime.InferenceSession(
                _without_subnormals(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # neither package has a public root of its own errors
            raise CheckpointError(f"{path}: not a usable ONNX file: {first_line(error)}") from error
        self.path = path
        self._input = self._session.get_inputs()[0].name
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file."""
        return sha256_of(self.path)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return output


def _without_subnormals(path: Path) -> bytes:
    """Returns the network in a file, its subnormal weights set to 0.

    Weights below 1.2e-38 change no result, but each multiplication by one takes an Intel processor
    a hundred times as long: PP-OCRv6 small detection has 256,000 of them and is three times as
    fast without. ONNX Runtime's own switch for this reaches only the first session of a process.
    """
    network = onnx.load(path)
    least = np.finfo(np.float32).tiny
    for weights in network.graph.initializer:
        if weights.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weights)
        subnormal = (np.abs(values) < least) & (values != 0)
        if subnormal.any():
            flushed = np.where(subnormal, np.float32(0), values)
            weights.CopyFrom(numpy_helper.from_array(flushed, weights.name))
    content: bytes = network.SerializeToString()
    return content

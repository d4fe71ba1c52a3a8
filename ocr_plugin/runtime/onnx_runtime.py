"""Networks run by ONNX Runtime on the CPU."""

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper


class OnnxRuntimeNetwork:
    """A network on the CPU in float32; its interface is that of `OpenVinoNetwork`."""

    def __init__(self, content: bytes, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # A memory plan for one input size is useless for the next. The arena stays on: without it
        # every run page-faults its memory in again and takes several times as long.
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return output


def flush_subnormals(network: onnx.ModelProto) -> None:
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

"""Networks run by OpenVINO in bfloat16, on CPUs with native bfloat16.

https://docs.openvino.ai, Apache-2.0. In float32 it agrees with ONNX Runtime to 1e-4 and is hardly
faster, which would not be worth another package.
"""

import sys
import threading
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.runtime.threads import cores


@cache
def shared_core() -> Any:
    """Returns the one `openvino.Core` of this process, which is never let go.

    A core's CPU plugin gives the thread that makes it a stack for signals, and takes the memory
    away at its end. Where two cores do not end in the reverse order of their making, the thread is
    left without one, and the next signal that Python handles kills the process.

    Raises:
        ModuleNotFoundError: OpenVINO, or what it needs, is not installed.
    """
    # Without this package OpenVINO tells nobody that it was imported; it has a substitute.
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    return openvino.Core()


class OpenVinoNetwork:
    """A network on the CPU, with matrix products and activations in bfloat16.

    May be run from several threads at once.

    Args:
        content: of an ONNX file.
        threads: for each run; 0 for one per core.

    Raises:
        ConfigurationError: the extra is not installed, or this CPU has no native bfloat16.
        RuntimeError: OpenVINO cannot read the network.
    """

    def __init__(self, content: bytes, threads: int) -> None:
        try:
            core = shared_core()
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"precision 'bfloat16' needs {error.name} for detector and PP-OCR:"
                " pip install 'ocr-plugin[openvino]'"
            ) from error
        if not _has_bfloat16(core):
            raise ConfigurationError(
                "precision 'bfloat16' is slower than float32 on this CPU; use 'float32'"
            )
        # Parallel runs each need a stream, and all streams share these threads.
        streams = max(1, cores() // threads) if threads else 1
        self._model = core.compile_model(
            core.read_model(content),
            "CPU",
            {
                "NUM_STREAMS": streams,
                "INFERENCE_NUM_THREADS": streams * threads or cores(),
                "INFERENCE_PRECISION_HINT": "bf16",
                # Parallel processes would all be pinned to the first cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._own = threading.local()

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._model.create_infer_request()
        # A copy: the next run overwrites the request's output.
        return cast(NDArray[np.float32], request.infer({0: batch})[0].copy())


def _has_bfloat16(core: Any) -> bool:
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")

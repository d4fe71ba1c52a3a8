"""Networks run by ONNX Runtime on the CPU."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ocr_plugin.errors import CheckpointError, first_line
from ocr_plugin.runtime.memory import give_back

_lock = threading.Lock()
_is_shared = False


class OnnxRuntimeNetwork:
    """A network on the CPU in float32; its interface is that of `OpenVinoNetwork`."""

    def __init__(self, content: bytes, threads: int) -> None:
        self._session = _session(content, threads)
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the network's first output for a float32 batch."""
        output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return output


class OnnxGraph:
    """A graph with several inputs and outputs, run in the thread that asks. Threads may share it.

    Args:
        path: of the file.
        metadata: that the file must have.

    Raises:
        CheckpointError: the file is missing, or not such a graph.
    """

    def __init__(self, path: Path, metadata: Mapping[str, str]) -> None:
        try:
            self._session = _session(str(path), threads=1)
            own = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # the library has no public base class of its errors
            raise CheckpointError(f"{path}: not a usable graph: {first_line(error)}") from error
        for key, wanted in metadata.items():
            if own.get(key) != wanted:
                raise CheckpointError(f"{path}: its {key} is {own.get(key)}, not {wanted}")

    def run(self, outputs: Sequence[str], **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Returns the outputs that are named."""
        found: list[NDArray[np.float32]] = self._session.run(list(outputs), inputs)
        return found


class OnnxGraphs:
    """Graphs by name, each opened when it is first asked for.

    Args:
        path_of: gives the file of a graph.
        metadata: that every file must have.
    """

    def __init__(self, path_of: Callable[[str], Path], metadata: Mapping[str, str]) -> None:
        self._path_of, self._metadata = path_of, metadata
        self._open: dict[str, OnnxGraph] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> OnnxGraph:
        """Returns a graph.

        Raises:
            CheckpointError: as `OnnxGraph`.
        """
        with self._lock:
            if name not in self._open:
                self._open[name] = OnnxGraph(self._path_of(name), self._metadata)
            return self._open[name]


def _session(source: bytes | str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # A memory plan for one input size is useless for the next.
    options.enable_mem_pattern = False
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    # What parsing and optimising the network took, some 20 MB each.
    give_back()
    return session


def _share_memory() -> None:
    """Makes one arena of memory for all networks of this process, if there is none yet.

    Without an arena every run page-faults its memory in again and takes several times as long; with
    one for each network, every one keeps what its largest input ever took.
    """
    global _is_shared
    with _lock:
        if _is_shared:
            return
        place = onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        )
        # No limit, and the defaults for the sizes in which it grows.
        onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg(0, -1, -1, -1))
        _is_shared = True

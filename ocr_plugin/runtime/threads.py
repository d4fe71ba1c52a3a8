"""Numbers of threads, and the threads in which networks run that use one each."""

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import cv2


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_lock = threading.RLock()
_workers: ThreadPoolExecutor | None = None
_torch_workers: ThreadPoolExecutor | None = None


def workers() -> ThreadPoolExecutor:
    """Returns this process's threads for work in one thread each, one per core, shared by all."""
    global _workers
    with _lock:
        if _workers is None:
            _workers = ThreadPoolExecutor(cores(), "ocr-worker")
        return _workers


def torch_workers() -> ThreadPoolExecutor:
    """Returns this process's threads for single-threaded PyTorch, one per core, shared by all."""
    global _torch_workers
    # Made once, however many callers are the first: each pool would take the setting of another's
    # workers for the one to restore.
    with _lock:
        if _torch_workers is None:
            _torch_workers = _new_torch_workers()
        return _torch_workers


def _new_torch_workers() -> ThreadPoolExecutor:
    import torch

    before, count = torch.get_num_threads(), cores()
    pool = ThreadPoolExecutor(count, "ocr-torch", initializer=_keep_to_one_core)
    # Threads start on demand; the barrier makes all of them start now.
    list(pool.map(threading.Barrier(count).wait, [None] * count))
    # A worker's setting also becomes the initial one of other threads: restore that.
    torch.set_num_threads(before)
    return pool


def _keep_to_one_core() -> None:
    import torch

    torch.set_num_threads(1)
    torch.get_num_threads()  # on its first query a thread adopts the last setting


def _forget_threads() -> None:
    global _workers, _torch_workers, _lock, _limits
    _workers = _torch_workers = None
    _lock, _limits = threading.RLock(), _Limits()


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=_forget_threads)


@dataclass
class _Limits:
    """Bodies of `limited_threads` that are under way, and the numbers of threads before them."""

    users: int = 0
    opencv: int = 0
    torch: int | None = None


_limits = _Limits()

# Pages in parallel are faster than many threads per page, but each takes memory.
_MOST_READERS = 4


def shares(readers: int = 0) -> tuple[int, int]:
    """Returns how many pages are read in parallel, and how many threads each has.

    Args:
        readers: pages in parallel; 0 chooses by the number of cores.
    """
    readers = readers or min(cores(), _MOST_READERS)
    return readers, max(1, cores() // readers)


def limit_threads(threads: int) -> None:
    """Sets the number of threads of OpenCV and PyTorch, by default one per core."""
    cv2.setNumThreads(threads)
    if torch := sys.modules.get("torch"):  # already imported if the engine needs it
        torch.set_num_threads(threads)


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Applies `limit_threads` to the body.

    Where several bodies overlap, in threads, the last to end restores what the first found.
    """
    with _lock:
        if not _limits.users:
            torch = sys.modules.get("torch")
            _limits.opencv = cv2.getNumThreads()
            _limits.torch = torch.get_num_threads() if torch else None
        _limits.users += 1
        limit_threads(threads)
    try:
        yield
    finally:
        with _lock:
            _limits.users -= 1
            if not _limits.users:
                cv2.setNumThreads(_limits.opencv)
                if _limits.torch is not None:
                    sys.modules["torch"].set_num_threads(_limits.torch)

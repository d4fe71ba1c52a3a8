"""Numbers of threads, and the threads that PyTorch networks run in."""

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import cv2


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def torch_workers() -> ThreadPoolExecutor:
    """Returns this process's threads for single-threaded PyTorch, one per core, shared by all."""
    import torch

    before, count = torch.get_num_threads(), cores()
    workers = ThreadPoolExecutor(count, "ocr-torch", initializer=_keep_to_one_core)
    # Threads start on demand; the barrier makes all of them start now.
    list(workers.map(threading.Barrier(count).wait, [None] * count))
    # A worker's setting also becomes the initial one of other threads: restore that.
    torch.set_num_threads(before)
    return workers


def _keep_to_one_core() -> None:
    import torch

    torch.set_num_threads(1)
    torch.get_num_threads()  # on its first query a thread adopts the last setting


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=torch_workers.cache_clear)


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
    """Applies `limit_threads` to the body."""
    before, torch = cv2.getNumThreads(), sys.modules.get("torch")
    before_torch = torch.get_num_threads() if torch else before
    limit_threads(threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
        if torch:
            torch.set_num_threads(before_torch)

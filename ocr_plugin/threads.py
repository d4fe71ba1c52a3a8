"""How many cores there are, and threads that each keep to one.

PyTorch shares out every single operation among all cores and waits for the slowest. A small network
has thousands of operations, so that wherever something else runs on one core, all of them wait for
it again and again: a page takes ten times as long. Threads that each read a part of a batch by
themselves wait for nobody.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def torch_workers() -> ThreadPoolExecutor:
    """Returns the threads of this process in which each operation of PyTorch keeps to one core.

    There are as many as cores, and whoever has work for them shares them.
    """
    import torch

    before, count = torch.get_num_threads(), cores()
    workers = ThreadPoolExecutor(
        count, "ocr-torch", initializer=torch.set_num_threads, initargs=(1,)
    )
    # Threads are started when there is work for them; so all are now, which wait for each other.
    list(workers.map(threading.Barrier(count).wait, [None] * count))
    # What is set in a worker holds there, but is also what other threads begin with from then on.
    torch.set_num_threads(before)
    return workers


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=torch_workers.cache_clear)

"""Processes for work that may crash, stall or ask for too much memory; they are replaced."""

import multiprocessing
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from pebble import ProcessPool

from ocr_plugin.options import DEFAULT_MEMORY

Result = TypeVar("Result")

_IMPORTED_AHEAD = ["ocr_plugin.pages.decode", "ocr_plugin.pages.pdf"]


class WorkerProcesses:
    """Runs functions in processes that can be killed.

    Args:
        workers: how many.
        max_memory: gigabytes of address space of each, where the system can limit it (not on
            Windows).
    """

    def __init__(self, workers: int, max_memory: float = DEFAULT_MEMORY) -> None:
        self._workers, self._memory = workers, round(max_memory * 1e9)
        self._lock = threading.Lock()
        self._is_closed = False
        self._pool = self._made()

    def _made(self) -> ProcessPool:
        return ProcessPool(
            self._workers, initializer=_limit_memory, initargs=[self._memory], context=_context()
        )

    def ask(
        self, function: Callable[..., Result], *arguments: Any, time_limit: float
    ) -> "Future[Result]":
        """Returns the future of a call.

        It raises what the function raises; `pebble.ProcessExpired` if the process died at it, a
        `TimeoutError` past the limit, and `BrokenProcessPool` if the processes died, not at it:
        then it is to be asked again. Cancelling it kills the process that is at it.

        Args:
            function: of a module that the processes can import.
            arguments: of the function; they are pickled.
            time_limit: seconds.

        Raises:
            RuntimeError: the processes have been stopped.
        """
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the processes have been stopped")
            try:
                return self._pool.schedule(function, args=arguments, timeout=time_limit)
            except RuntimeError:  # killed from outside while they had nothing to do
                self._renew()
                return self._pool.schedule(function, args=arguments, timeout=time_limit)

    def _renew(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool = self._made()

    def stop(self) -> None:
        """Stops the processes, also in the middle of their work."""
        with self._lock:
            self._is_closed = True
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()


__all__ = ["BrokenProcessPool", "WorkerProcesses"]


def _context() -> BaseContext:
    """Returns how processes are begun.

    Not by forking this one: they would inherit locks that its threads hold. From a server that has
    imported what they need they begin in milliseconds, where there can be one.
    """
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED_AHEAD)
    return context


def _limit_memory(most: int) -> None:
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))

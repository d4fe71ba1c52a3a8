"""Reads decoded pages with one engine in several threads."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import inf
from typing import Generic, TypeVar

from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import OcrError
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.runtime.patience import Watch
from ocr_plugin.schema import Page, PageError

Mark = TypeVar("Mark")


class ReadersStalled(OcrError):
    """A thread neither ended a page nor made any progress for too long.

    It cannot be ended; only the process can.
    """


class Readers(Generic[Mark]):
    """Threads that read pages with one engine.

    Args:
        engine: reads the pages.
        threads: how many.
        room: pages that may wait, per thread.
        patience: seconds that a thread may be without progress.
        steps: tells how many steps a thread, given by its `ident`, has made within its pages; a
            page that it takes or ends is a step anyway.
    """

    def __init__(
        self,
        engine: Engine,
        threads: int,
        room: int = 4,
        *,
        patience: float = inf,
        steps: Callable[[int], int] = lambda thread: 0,
    ) -> None:
        self._engine, self._patience, self._steps = engine, patience, steps
        self._waiting: queue.Queue[tuple[PageImage, Mark] | None] = queue.Queue(threads * room)
        self._is_closed = threading.Event()
        self._is_stalled = False
        self._done: queue.Queue[tuple[Mark, Page | PageError] | BaseException] = queue.Queue()
        self._threads = self._started(threads)

    def _started(self, count: int) -> "list[_ReadingThread]":
        threads = [_ReadingThread(self._work, number, self._patience) for number in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def put(self, image: PageImage, mark: Mark) -> Iterator[tuple[Mark, Page | PageError]]:
        """Submits a page, once there is room; yields results that are ready meanwhile.

        Raises:
            ReadersStalled: a thread makes no progress.
        """
        yield from self._put((image, mark))
        yield from self.results()

    def results(self) -> Iterator[tuple[Mark, Page | PageError]]:
        """Yields the results that are ready.

        Raises:
            Exception: the error that ended a thread.
        """
        while True:
            try:
                found = self._done.get_nowait()
            except queue.Empty:
                return
            if isinstance(found, BaseException):
                raise found
            yield found

    def finish(self) -> Iterator[tuple[Mark, Page | PageError]]:
        """Yields all remaining results; no page can be submitted any more.

        Raises:
            ReadersStalled: a thread makes no progress.
        """
        for _ in self._threads:
            yield from self._put(None)
        while any(thread.is_alive() for thread in self._threads):
            self._check()
            yield from self.results()
            time.sleep(0.005)
        yield from self.results()

    def drain(self) -> Iterator[tuple[Mark, Page | PageError]]:
        """Yields all remaining results, as `finish`; then pages can be submitted again."""
        yield from self.finish()
        self._threads = self._started(len(self._threads))

    def close(self) -> None:
        """Ends the threads after their current pages; waiting pages are dropped.

        A process that exits while one of them is in native code would be aborted. Those that
        stalled are not waited for.
        """
        self._is_closed.set()
        while alive := [thread for thread in self._threads if thread.is_alive()]:
            with suppress(queue.Empty):
                while True:
                    self._waiting.get_nowait()
            with suppress(queue.Full):
                self._waiting.put_nowait(None)
            if self._is_stalled:
                return
            alive[0].join(0.02)

    def _put(self, item: tuple[PageImage, Mark] | None) -> Iterator[tuple[Mark, Page | PageError]]:
        while True:
            try:
                self._waiting.put(item, timeout=0.02)
                return
            except queue.Full:
                self._check()
                yield from self.results()

    def _check(self) -> None:
        for thread in self._threads:
            if thread.watch.has_stalled(self._steps(thread.ident or 0)):
                self._is_stalled = True
                raise ReadersStalled(f"reading made no progress in {self._patience:g} s")

    def _work(self, watch: Watch) -> None:
        marks: deque[Mark] = deque()

        def images() -> Iterator[PageImage]:
            while True:
                with watch.waiting():
                    item = self._waiting.get()
                if item is None or self._is_closed.is_set():
                    return
                marks.append(item[1])
                yield item[0]

        try:
            for result in self._engine.read_images(images()):
                watch.count += 1
                self._done.put((marks.popleft(), result))
        except BaseException as error:  # raised by `results`
            self._done.put(error)


class _ReadingThread(threading.Thread):
    """A thread that reads, and whether it makes progress."""

    def __init__(self, work: "Callable[[Watch], None]", number: int, patience: float) -> None:
        super().__init__(name=f"ocr-read-{number}", daemon=True)
        self._work, self.watch = work, Watch(patience)

    def run(self) -> None:
        with self.watch.working():
            self._work(self.watch)

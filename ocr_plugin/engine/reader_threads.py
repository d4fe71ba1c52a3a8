"""Reads decoded pages with one engine in several threads."""

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Generic, TypeVar

from ocr_plugin.engine.engine import Engine
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.schema import Page, PageError

Mark = TypeVar("Mark")


class Readers(Generic[Mark]):
    """Threads that read pages with one engine.

    Args:
        engine: reads the pages.
        threads: how many.
        room: pages that may wait, per thread.
    """

    def __init__(self, engine: Engine, threads: int, room: int = 4) -> None:
        self._engine = engine
        self._waiting: queue.Queue[tuple[PageImage, Mark] | None] = queue.Queue(threads * room)
        self._is_closed = threading.Event()
        self._done: queue.Queue[tuple[Mark, Page | PageError] | BaseException] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._work, name=f"ocr-read-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, image: PageImage, mark: Mark) -> Iterator[tuple[Mark, Page | PageError]]:
        """Submits a page, once there is room; yields results that are ready meanwhile."""
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
        """Yields all remaining results; no page can be submitted any more."""
        for _ in self._threads:
            yield from self._put(None)
        while any(thread.is_alive() for thread in self._threads):
            yield from self.results()
            time.sleep(0.005)
        yield from self.results()

    def close(self) -> None:
        """Ends the threads after their current pages; waiting pages are dropped.

        A process that exits while one of them is in native code would be aborted.
        """
        self._is_closed.set()
        while alive := [thread for thread in self._threads if thread.is_alive()]:
            with suppress(queue.Empty):
                while True:
                    self._waiting.get_nowait()
            with suppress(queue.Full):
                self._waiting.put_nowait(None)
            alive[0].join(0.02)

    def _put(self, item: tuple[PageImage, Mark] | None) -> Iterator[tuple[Mark, Page | PageError]]:
        while True:
            try:
                self._waiting.put(item, timeout=0.02)
                return
            except queue.Full:
                yield from self.results()

    def _work(self) -> None:
        marks: deque[Mark] = deque()

        def images() -> Iterator[PageImage]:
            while (item := self._waiting.get()) is not None and not self._is_closed.is_set():
                marks.append(item[1])
                yield item[0]

        try:
            for result in self._engine.read_images(images()):
                self._done.put((marks.popleft(), result))
        except BaseException as error:  # raised by `results`
            self._done.put(error)

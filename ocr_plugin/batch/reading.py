"""Decoded pages through the engine, in a few threads, and how long its recognizer takes."""

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from ocr_plugin.engine import Engine
from ocr_plugin.images import PageImage
from ocr_plugin.protocols import RGB, Reading, Recognizer, Unit
from ocr_plugin.schema import Component, Page, PageError

Mark = TypeVar("Mark")


class TimedRecognizer:
    """A recognizer that counts its crops and its seconds; otherwise the one it is given."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._lock = threading.Lock()
        self.crops, self.seconds = 0, 0.0

    @property
    def component(self) -> Component:
        """The recognizer's."""
        return self._recognizer.component

    @property
    def unit(self) -> Unit:
        """The recognizer's."""
        return self._recognizer.unit

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the recognizer's readings."""
        start = time.perf_counter()
        try:
            return self._recognizer.recognize(crops)
        finally:
            with self._lock:
                self.crops += len(crops)
                self.seconds += time.perf_counter() - start


def timed(engine: Engine) -> tuple[Engine, TimedRecognizer]:
    """Returns an engine like the one given, whose recognizer is timed, and that recognizer."""
    recognizer = TimedRecognizer(engine.recognizer)
    same = Engine(engine.detector, recognizer, splitter=engine.splitter, options=engine.options)
    return same, recognizer


class Readers(Generic[Mark]):
    """Threads that read pages with one engine.

    Args:
        engine: reads the pages.
        threads: how many streams of pages it works on at once.
        room: pages that may wait for each.
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
        """Hands in a page; yields what has been read meanwhile, while there is no room."""
        yield from self._put((image, mark))
        yield from self.results()

    def results(self) -> Iterator[tuple[Mark, Page | PageError]]:
        """Yields what has been read so far and was not yielded yet.

        Raises:
            Exception: what ended a thread.
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
        """Yields all that is still to come; nothing can be handed in any more."""
        for _ in self._threads:
            yield from self._put(None)
        while any(thread.is_alive() for thread in self._threads):
            yield from self.results()
            time.sleep(0.005)
        yield from self.results()

    def close(self) -> None:
        """Ends the threads, when what they are at is finished; what waits for them is dropped.

        A process that ends while one of them is in native code would be aborted.
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
        except BaseException as error:  # told to whoever asks for results
            self._done.put(error)

"""One engine for many callers, whose pages are read together.

Pages of all callers wait in one queue. While one batch is read the next one collects, so a single
page is read at once and many pages fill the recognizer's batches.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from operator import itemgetter
from types import TracebackType
from typing import NamedTuple, Self

from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.page_readers import PageReaders
from ocr_plugin.engine.page_task import PageRequest
from ocr_plugin.errors import OcrError
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import Source
from ocr_plugin.schema import Page, PageError


class PageFuture(Future[Page | PageError]):
    """The result of a page that was submitted.

    Attributes:
        is_wanted: whether anybody waits for it; a page that nobody does is not read any further.
        submitted: by `time.monotonic`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_wanted, self.submitted = True, time.monotonic()

    def give_up(self) -> None:
        """Cancels it; if the page is being read already, it is not read any further."""
        self.is_wanted = False
        self.cancel()


class _Task(NamedTuple):
    """A page, what reads it, the future of its result, and who submitted it."""

    image: PageImage
    readers: PageReaders
    future: PageFuture
    client: str


_WINDOW = 8


class Busy(OcrError):
    """The queue of waiting pages is full."""


class SharedEngine:
    """Reads pages that any number of threads submit, in batches.

    Args:
        engine: reads them; it may also be used directly.
        room: pages that may wait; `submit` blocks or raises for more.
        batch: most pages of a batch.
        readers: batches that are read in parallel; more than one is meant for a GPU, which the
            second keeps busy while regions of the first are cut out.
        room_pixels: of all pages that may wait together; a page of any size may wait alone.
        batch_pixels: of all pages of a batch; a page of any size may be a batch alone.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        room: int = 64,
        batch: int = 16,
        readers: int = 1,
        room_pixels: int = 200_000_000,
        batch_pixels: int = 100_000_000,
    ) -> None:
        self.engine = engine
        self._room, self._batch = room, batch
        self._room_pixels, self._batch_pixels = room_pixels, batch_pixels
        self._waiting: deque[_Task] = deque()
        self._begun: set[PageFuture] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"ocr-shared-{number}", daemon=True)
            for number in range(readers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Number of waiting pages."""
        return len(self._waiting)

    @property
    def longest_wait(self) -> float:
        """Seconds since the oldest page was submitted that is not read yet; 0 if there is none."""
        with self._changed:
            own = [task.future.submitted for task in self._waiting]
            own += [future.submitted for future in self._begun if future.is_wanted]
        return time.monotonic() - min(own) if own else 0.0

    @property
    def works(self) -> bool:
        """Whether all reader threads are alive."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(
        self,
        image: PageImage,
        timeout: float | None = 0,
        readers: PageReaders | None = None,
        client: str = "",
    ) -> PageFuture:
        """Submits a page; returns the future of its result.

        Args:
            image: a decoded page.
            timeout: seconds to wait for room; None waits without limit.
            readers: by `Engine.readers`; None for the engine's own guidance.
            client: who submits it. Of several clients each has as many pages in a batch as the
                others, as far as they wait; a client has its share of the room.

        Raises:
            Busy: the queue is full.
            RuntimeError: the engine has been closed.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(image, client), timeout):
                raise Busy(f"{self.waiting} pages are waiting; try again later")
            if self._closed:
                raise RuntimeError("the shared engine is closed")
            future = PageFuture()
            self._waiting.append(_Task(image, readers or self.engine.readers(), future, client))
            self._changed.notify_all()
            return future

    def read(self, source: Source) -> Generator[Page | PageError]:
        """Yields the pages of a source in order, submitting a few ahead; waits for room.

        Raises:
            UnreadableImage: the source as a whole cannot be read.
        """
        handed_in: deque[Future[Page | PageError] | PageError] = deque()
        try:
            for image in open_pages(source, self.engine.options.images):
                if isinstance(image, PageFailure):
                    handed_in.append(image.as_error())
                else:
                    handed_in.append(self.submit(image, timeout=None))
                if len(handed_in) >= _WINDOW:
                    yield _result(handed_in.popleft())
            while handed_in:
                yield _result(handed_in.popleft())
        finally:
            for item in handed_in:
                if isinstance(item, Future):
                    item.cancel()

    def close(self, patience: float | None = None) -> None:
        """Reads the waiting pages, then stops; `submit` raises from now on.

        Args:
            patience: seconds to wait for that; None waits without limit.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = None if patience is None else time.monotonic() + patience
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _has_room(self, image: PageImage, client: str) -> bool:
        if self._closed or not self._waiting:
            return True
        pixels = sum(_size(task.image) for task in self._waiting) + _size(image)
        if pixels > self._room_pixels:
            return False
        waiting = Counter(task.client for task in self._waiting)
        share = self._room // len(waiting.keys() | {client})
        return len(self._waiting) < self._room or waiting[client] < share // 2

    def _work(self) -> None:
        while tasks := self._taken():
            self._read(tasks)

    def _taken(self) -> deque[_Task]:
        """Waits for pages and takes the oldest of each client; empty once the engine is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            tasks: deque[_Task] = deque()
            pixels = 0
            for task in _in_turn(self._waiting):
                pixels += _size(task.image)
                if len(tasks) == self._batch or (tasks and pixels > self._batch_pixels):
                    break
                tasks.append(task)
            taken = set(map(id, tasks))
            self._waiting = deque(task for task in self._waiting if id(task) not in taken)
            self._changed.notify_all()
            return tasks

    def _read(self, tasks: deque[_Task]) -> None:
        begun: deque[PageFuture] = deque()

        def requests() -> Iterator[PageRequest]:
            while tasks:
                image, readers, future, _ = tasks.popleft()
                # A page that was cancelled while it waited is not read.
                if future.set_running_or_notify_cancel():
                    begun.append(future)
                    with self._changed:
                        self._begun.add(future)
                    yield PageRequest(image, readers, partial(getattr, future, "is_wanted"))

        try:
            for result in self.engine.read_guided(requests()):
                future = begun.popleft()
                with self._changed:
                    self._begun.discard(future)
                future.set_result(result)
        except BaseException as error:  # passed to every waiting caller
            with self._changed:
                self._begun.difference_update(begun)
            for future in (*begun, *(task.future for task in tasks)):
                with suppress(InvalidStateError):
                    future.set_exception(error)


def _in_turn(waiting: Iterable[_Task]) -> list[_Task]:
    """Returns tasks so that the first of every client comes before the second of any."""
    before = Counter[str]()
    ranked = []
    for task in waiting:
        ranked.append((before[task.client], task))
        before[task.client] += 1
    return [task for _, task in sorted(ranked, key=itemgetter(0))]


def _size(image: PageImage) -> int:
    """Returns how many pixels a page has."""
    return image.pixels.size // 3


def _result(item: Future[Page | PageError] | PageError) -> Page | PageError:
    return item.result() if isinstance(item, Future) else item

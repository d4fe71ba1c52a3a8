"""Pages decoded in processes of their own, so that a picture that kills one kills nothing else."""

import multiprocessing
import tempfile
from collections.abc import Iterator, Set
from concurrent.futures import Future
from concurrent.futures import TimeoutError as DecodingTimeout
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from ocr_plugin.errors import OcrError, UnreadableImage
from ocr_plugin.images import PageImage, open_pages
from ocr_plugin.options import ImageOptions

PREFIX = "ocr-batch-"
"""What the names of folders begin with in which documents lie while they are decoded."""
# Pages of a document that a process is asked for at once.
_CHUNK = 4
# So many pages of a document that fail one after another by killing or stalling their process are
# taken for all that follow.
_HOPELESS = 3


@dataclass(frozen=True)
class BadPage:
    """A page that cannot be decoded, and why.

    Attributes:
        index: counted from 0; -1 where the file as a whole cannot be.
        kind: the error's class.
        reason: one line.
    """

    index: int
    kind: str
    reason: str


@dataclass(frozen=True)
class _Chunk:
    pages: list[PageImage | BadPage]
    is_last: bool


class Decoder:
    """Decodes files, several at once; holds a bounded number of their pages.

    Args:
        options: limits of a page, and the resolution of PDFs.
        workers: processes.
        time_limit: seconds that a page may take.
        folder: where documents lie while they are decoded; by default that of the system for
            temporary files.

    Raises:
        OcrError: the folder cannot be written.
    """

    def __init__(
        self, options: ImageOptions, workers: int, time_limit: float, folder: Path | None = None
    ) -> None:
        self._options, self._time_limit = options, time_limit
        with _writing(folder):
            self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder)
        # Forked processes would inherit locks that the threads of this one hold.
        self._pool = ProcessPool(workers, context=multiprocessing.get_context("spawn"))
        self._count = 0

    def close(self) -> None:
        """Stops the processes, whatever they are at."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
        self._folder.cleanup()

    def begin(self, name: str, content: bytes, sha256: str) -> "Decoding":
        """Returns a file's decoding, which has begun.

        Args:
            name: what its pages are to be called.
            content: the file.
            sha256: of the content.

        Raises:
            OcrError: a document cannot be put on the disk.
        """
        place = None
        if _has_pages(content):
            # A document is asked for chunk by chunk; it goes to the processes by way of the disk.
            self._count += 1
            place = Path(self._folder.name, str(self._count))
            with _writing(place):
                place.write_bytes(content)
        task = _Task(place or content, sha256, name, self._options)
        return Decoding(self, task, place)

    def _ask(self, task: "_Task", first: int, count: int) -> "Future[_Chunk]":
        limit = self._time_limit * count
        return self._pool.schedule(_decoded, args=(task, first, count), timeout=limit)


class Decoding:
    """A file that is being decoded.

    Attributes:
        page_count: pages until here, with those that cannot be decoded.
    """

    def __init__(self, decoder: Decoder, task: "_Task", place: Path | None) -> None:
        self._decoder, self._task, self._place = decoder, task, place
        self.page_count, self._count, self._failures = 0, _CHUNK, 0
        self._future: Future[_Chunk] | None = None
        self._ask()

    def pages(self, skipped: Set[int]) -> "list[PageImage | BadPage] | None":
        """Returns the next few pages, waiting for them; None after the last.

        Args:
            skipped: pages that nobody needs.
        """
        if self._future is None:
            return None
        future, self._future = self._future, None
        try:
            chunk = future.result()
        except (ProcessExpired, DecodingTimeout) as error:
            return self._failed(error)
        self._failures = 0
        self.page_count += len(chunk.pages)
        self._count = _CHUNK
        if not chunk.is_last:
            self._ask()
        else:
            self.close()
        return [page for page in chunk.pages if _index(page) not in skipped]

    @property
    def is_ready(self) -> bool:
        """Whether `pages` has an answer without waiting for it."""
        return self._future is None or self._future.done()

    def close(self) -> None:
        """Gives up what is left."""
        if self._future is not None:
            self._future.cancel()
            self._future = None
        if self._place is not None:
            self._place.unlink(missing_ok=True)

    def _ask(self) -> None:
        self._future = self._decoder._ask(self._task, self.page_count, self._count)

    def _failed(self, error: Exception) -> list[PageImage | BadPage]:
        """Asks again page by page; returns the page that fails alone."""
        if self._count > 1:
            self._count = 1
            self._ask()
            return []
        if isinstance(error, ProcessExpired):
            kind, reason = "DecoderDied", f"decoding it ended its process ({error.exitcode})"
        else:
            kind, reason = "TimeLimit", f"decoding took more than {self._decoder._time_limit:g} s"
        self._failures += 1
        bad = BadPage(self.page_count, kind, reason)
        self.page_count += 1
        if self._place is None:
            self.close()
        elif self._failures < _HOPELESS:
            self._ask()
        else:
            self.close()
            bad = BadPage(bad.index, kind, f"{reason}; pages after it were not tried")
        return [bad]


@contextmanager
def _writing(place: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = place or Path(tempfile.gettempdir())
        raise OcrError(f"{place}: cannot be written: {error.strerror}") from error


def _index(page: PageImage | BadPage) -> int:
    return page.page_index if isinstance(page, PageImage) else page.index


def _has_pages(content: bytes) -> bool:
    return b"%PDF-" in content[:1024] or content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class _Task:
    """A file, as its decoding process is told of it."""

    source: bytes | Path
    sha256: str
    name: str
    options: ImageOptions


def _decoded(task: _Task, first: int, count: int) -> _Chunk:
    """Decodes some pages of a file; runs in a process of the pool."""
    pages: list[PageImage | BadPage] = []
    try:
        for page in open_pages(task.source, task.options, first, task.sha256):
            if isinstance(page, UnreadableImage):
                index = -1 if page.page_index is None else page.page_index
                pages.append(BadPage(index, type(page).__name__, page.reason))
            else:
                pages.append(replace(page, name=task.name))
            if len(pages) == count:
                return _Chunk(pages, is_last=False)
    except UnreadableImage as error:
        pages.append(BadPage(-1, type(error).__name__, error.reason))
    return _Chunk(pages, is_last=True)

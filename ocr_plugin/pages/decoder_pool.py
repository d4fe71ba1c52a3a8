"""Decodes pages in separate processes, so that a file that crashes one crashes nothing else."""

import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Set
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as DecodingTimeout
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pebble import ProcessExpired

from ocr_plugin.errors import OcrError, UnreadableImage, one_line
from ocr_plugin.options import DEFAULT_MEMORY, ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import TIFF_STARTS
from ocr_plugin.pages.worker_processes import BrokenProcessPool, WorkerProcesses
from ocr_plugin.schema import PageError

PREFIX = "ocr-batch-"
"""Prefix of the temporary folders that hold documents while they are decoded."""
# Pages of a document per request to a process, after the first, which may tell that it is hostile;
# and in what part of a page's time limit further ones of a request may begin. So each page has its
# whole limit, and no request takes much more.
_CHUNK, _BEGUN_WITHIN = 4, 0.25
MOST_DEATHS = 3
"""How often work is asked for again whose processes were killed from outside."""
# A document is given up after this many consecutive pages that crash or stall their process.
_HOPELESS = 3


WHOLE_FILE = -1
"""The page's number, in records, of a file that could not be read as a whole."""


def index_of(page: PageImage | PageError) -> int:
    """Returns a page's number, counted from 0, or `WHOLE_FILE`."""
    return WHOLE_FILE if page.page_index is None else page.page_index


@dataclass(frozen=True)
class _Chunk:
    pages: list[PageImage | PageError]
    is_last: bool


class Decoder:
    """Decodes files, several at once; holds a bounded number of their pages.

    Args:
        options: limits of a page, and the resolution of PDFs.
        workers: processes.
        time_limit: seconds that a page may take.
        folder: for documents while they are decoded; by default the system's for temporary files.
        max_memory: gigabytes of address space of each process.

    Raises:
        OcrError: the folder cannot be written.
    """

    def __init__(
        self,
        options: ImageOptions,
        workers: int,
        time_limit: float,
        folder: Path | None = None,
        max_memory: float = DEFAULT_MEMORY,
    ) -> None:
        self._options, self._time_limit = options, time_limit
        with _writing(folder):
            self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder)
        self.processes = WorkerProcesses(workers, max_memory)
        self._count, self._lock = 0, threading.Lock()

    def close(self) -> None:
        """Stops the processes, also in the middle of a page."""
        self.processes.stop()
        self._folder.cleanup()

    def begin(
        self, name: str, content: bytes, sha256: str, options: ImageOptions | None = None
    ) -> "Decoding":
        """Starts to decode a file.

        Args:
            name: of its pages.
            content: the file.
            sha256: of the content.
            options: in place of the decoder's.

        Raises:
            OcrError: a document cannot be written to disk.
        """
        place = None
        if _has_pages(content):
            # A document is decoded in several requests; the processes read it from disk.
            with self._lock:
                self._count += 1
                place = Path(self._folder.name, str(self._count))
            with _writing(place):
                place.write_bytes(content)
        task = _Task(
            place or content,
            sha256,
            name,
            options or self._options,
            begun_within=_BEGUN_WITHIN * self._time_limit,
        )
        return Decoding(self, task, place)

    def _ask(self, task: "_Task", first: int, count: int) -> "Future[bytes]":
        limit = self._time_limit + (task.begun_within if count > 1 else 0)
        return self.processes.ask(_packed, _decoded, task, first, count, time_limit=limit)


class Decoding:
    """A file that is being decoded.

    Attributes:
        page_count: pages so far, including those that could not be decoded.
    """

    def __init__(self, decoder: Decoder, task: "_Task", place: Path | None) -> None:
        self._decoder, self._task, self._place = decoder, task, place
        self.page_count, self._count, self._failures, self._deaths = 0, 1, 0, 0
        self._is_closed = self._has_failed = False
        self._future: Future[bytes] | None = None
        self._ask()

    def pages(self, skipped: Set[int]) -> "list[PageImage | PageError] | None":
        """Waits for the next few pages and returns them; None after the last.

        Args:
            skipped: numbers of pages to leave out.
        """
        if self._future is None:
            return None
        future = self._future  # kept while it is waited for: closing cancels it
        try:
            chunk: _Chunk = pickle.loads(future.result())
        except BrokenProcessPool as error:
            return self._asked_again(error)
        except CancelledError:  # closed from another thread
            return None
        except Exception as error:  # a defect at one file, here or in a library, ends nothing else
            return self._failed(error)
        self._failures = self._deaths = 0
        self.page_count += len(chunk.pages)
        # One that has failed may fail again: page by page, that costs one time limit, not two.
        self._count, self._future = 1 if self._has_failed else _CHUNK, None
        if not chunk.is_last:
            self._ask()
        else:
            self.close()
        return [page for page in chunk.pages if index_of(page) not in skipped]

    @property
    def is_ready(self) -> bool:
        """Whether `pages` would return without waiting."""
        return self._future is None or self._future.done()

    def close(self) -> None:
        """Drops the remaining pages; also from another thread while this one waits for them."""
        self._is_closed = True
        if self._future is not None:
            self._future.cancel()
            self._future = None
        if self._place is not None:
            self._place.unlink(missing_ok=True)

    def _ask(self) -> None:
        if self._is_closed:
            self._future = None
            return
        self._future = self._decoder._ask(self._task, self.page_count, self._count)

    def _asked_again(self, error: Exception) -> list[PageImage | PageError]:
        """Asks once more for what no process was at when the processes died."""
        self._deaths += 1
        if self._deaths > MOST_DEATHS:
            return self._failed(error)
        self._ask()
        return []

    def _failed(self, error: Exception) -> list[PageImage | PageError]:
        """Retries page by page; returns the error of a page that fails by itself."""
        self._has_failed = True
        if self._count > 1:
            self._count = 1
            self._ask()
            return []
        if isinstance(error, ProcessExpired):
            kind, reason = "DecoderDied", f"the decoder process died, exit code {error.exitcode}"
        elif isinstance(error, MemoryError):
            kind, reason = "MemoryLimit", "decoding it takes more memory than is allowed"
        elif isinstance(error, BrokenProcessPool):
            kind, reason = "DecoderDied", "the decoder processes died again and again"
        elif isinstance(error, DecodingTimeout):
            kind, reason = "TimeLimit", f"decoding took more than {self._decoder._time_limit:g} s"
        else:
            kind, reason = type(error).__name__, f"decoding failed: {one_line(error)}"
        self._failures, self._future = self._failures + 1, None
        index = self.page_count
        self.page_count += 1
        if self._place is None:
            self.close()
        elif self._failures < _HOPELESS:
            self._ask()
        else:
            self.close()
            reason += "; pages after it were not tried"
        return [PageError(name=self._task.name, page_index=index, kind=kind, message=reason)]


@contextmanager
def _writing(place: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = place or Path(tempfile.gettempdir())
        raise OcrError(f"{place}: cannot be written: {error.strerror}") from error


def _has_pages(content: bytes) -> bool:
    return b"%PDF-" in content[:1024] or content.startswith(TIFF_STARTS)


@dataclass(frozen=True)
class _Task:
    """A file to decode, as sent to a process; pages of a request begin within so many seconds."""

    source: bytes | Path
    sha256: str
    name: str
    options: ImageOptions
    begun_within: float


def _packed(
    decode: Callable[["_Task", int, int], _Chunk], task: "_Task", first: int, count: int
) -> bytes:
    """Returns a chunk, pickled with less memory than it would take on the way to this process.

    Too little memory is an error here, where later it would end the process that decodes.
    """
    return pickle.dumps(decode(task, first, count), protocol=5)


def _decoded(task: _Task, first: int, count: int) -> _Chunk:
    """Decodes some pages of a file, at least one; runs in a process of the pool."""
    pages: list[PageImage | PageError] = []
    until = time.monotonic() + task.begun_within
    try:
        for page in open_pages(task.source, task.options, first, task.sha256, task.name):
            if isinstance(page, PageFailure):
                pages.append(_record(task, page.page_index, page.error))
            else:
                pages.append(page)
            if len(pages) == count or time.monotonic() > until:
                return _Chunk(pages, is_last=False)
    except UnreadableImage as error:
        pages.append(_record(task, None, error))
    return _Chunk(pages, is_last=True)


def _record(task: _Task, index: int | None, error: Exception) -> PageError:
    """Returns the record of a failure; the exceptions have causes that cannot be pickled."""
    reason = error.reason if isinstance(error, UnreadableImage) else one_line(error)
    return PageError(name=task.name, page_index=index, kind=type(error).__name__, message=reason)

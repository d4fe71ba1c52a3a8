"""Pictures and documents in a Ray dataset, read by a pool of actors with an engine each.

Needs the extra ``ray``. Each page is a row, also if it cannot be read; only a fault of Ray's own
ends the dataset.
"""

import hashlib
import logging
import signal
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from ocr_plugin.adapters.ray_deaths import Deaths, Notes, end_when_stalled
from ocr_plugin.batch.engines import make_engine, timed
from ocr_plugin.batch.options import JobOptions
from ocr_plugin.batch.records.journal import READER_DIED
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import DEFAULT_MEMORY, LEAST_MEMORY, MAX_MEMORY, Options
from ocr_plugin.pages.decoder_pool import Decoder, Decoding, index_of
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.runtime.memory import Trimmer
from ocr_plugin.runtime.patience import Watch
from ocr_plugin.runtime.threads import limit_threads
from ocr_plugin.schema import Page, PageError

if TYPE_CHECKING:
    from ray.data import Dataset

# Rows that leave an actor together; a long document's must not wait for its end.
_ROWS = 32
# Columns that are this module's; of the first two, what comes with a row stays.
_OWN = ("error_kind", "error_message", "page_index", "sha256", "page", "page_count", "crops",
        "recognizer_seconds")  # fmt: skip
Batch = dict[str, np.ndarray[Any, Any]]


class RayOptions(Options):
    """How many actors read, and the resources of each."""

    actors: int = Field(
        default=0,
        ge=0,
        description="Actors that read; 0 for as many as fit the cluster.",
    )
    cpus: float = Field(default=1.0, gt=0, description="CPUs per actor; it runs as many threads.")
    gpus: float = Field(default=0.0, ge=0, description="GPUs per actor; fractions share one.")
    files: int = Field(default=16, ge=1, description="Files that an actor takes at once.")
    page_seconds: float = Field(
        default=60.0, gt=0, description="Time limit for decoding a page, in seconds."
    )
    max_memory: float = Field(default=DEFAULT_MEMORY, ge=LEAST_MEMORY, description=MAX_MEMORY)
    read_seconds: float = Field(
        default=600.0,
        gt=0,
        description="Seconds without progress after which an actor that reads is replaced.",
    )


def read_pages(
    dataset: "Dataset",
    options: JobOptions | None = None,
    ray_options: RayOptions | None = None,
    *,
    content: str = "bytes",
    name: str = "path",
) -> "Dataset":
    """Reads the pictures and documents of a dataset.

    Args:
        dataset: a row a file, as `ray.data.read_binary_files(..., include_paths=True)` gives. What
            has an ``error_kind`` and an ``error_message`` already keeps them and is not read.
        options: detector, recognizer and limits; its sources are ignored.
        ray_options: how many actors read.
        content: the column of the files' bytes.
        name: the column of what the pages are called; it may be missing.

    Returns:
        A row a page: all columns but that of the bytes, and ``page_index`` (-1 where a whole file
        is unreadable), ``sha256`` of the file, ``page`` (JSON, as `Page` has it; empty after an
        error), ``error_kind``, ``error_message`` (empty if there was none), ``page_count`` (the
        number of rows of this file, on its last; else 0), ``crops`` and ``recognizer_seconds``
        (spent since the row before). Rows of different files come in any order.

    Raises:
        ConfigurationError: Ray is not installed.
    """
    ray, how = ray_module(), ray_options or RayOptions()
    most = how.actors or max(1, int(ray.cluster_resources().get("CPU", 1) / how.cpus))
    deaths = ray.remote(num_cpus=0)(Deaths).remote()
    return dataset.map_batches(
        PageReader,
        fn_constructor_args=(options or JobOptions(), how, content, name, deaths),
        batch_size=how.files,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(min_size=how.actors or 1, max_size=most),
        num_cpus=how.cpus,
        num_gpus=how.gpus or None,
    )


def ray_module() -> Any:
    """Returns Ray, connected to the cluster that the environment names, or to a new one.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import ray
        import ray.data
    except ModuleNotFoundError:
        raise ConfigurationError("ray is missing: pip install 'ocr-plugin[ray]'") from None
    if not ray.is_initialized():
        with _own_handler():
            ray.init(logging_level=logging.ERROR, include_dashboard=False, log_to_driver=False)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


@contextmanager
def _own_handler() -> Iterator[None]:
    """Keeps the handler of SIGTERM, which Ray would replace."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


class PageReader:
    """The actor: decodes files in a separate process, and reads their pages."""

    def __init__(
        self, options: JobOptions, how: RayOptions, content: str, name: str, deaths: Any
    ) -> None:
        import ray

        threads = max(1, round(how.cpus))
        self._engine, self._timed = timed(make_engine(options, threads))
        limit_threads(threads)
        self._decoder = Decoder(
            options.engine.images, 1, how.page_seconds, max_memory=how.max_memory
        )
        self._content, self._name = content, name
        self._memory = Trimmer()
        self._notes, self._limit = Notes(ray, deaths), how.read_seconds
        self._watch = Watch(how.read_seconds)
        end_when_stalled(self._watch, lambda: self._timed.calls)

    def __call__(self, batch: Batch) -> Iterator[Batch]:
        """Yields the rows of a batch of files, a few at a time."""
        files = [
            (str(batch[self._name][number]) if self._name in batch else "", len(content or b""))
            for number, content in enumerate(batch[self._content])
        ]
        # Where an actor died at them, they are read page by page, to find which it was.
        alone = self._notes.begin(files)
        rows: list[dict[str, Any]] = []
        for row in self._rows(batch, alone):
            rows.append(row)
            if len(rows) == _ROWS:
                yield columns(rows)
                rows = []
        if rows:
            yield columns(rows)
        self._notes.end(files)

    def _rows(self, batch: Batch, alone: bool) -> Iterator[dict[str, Any]]:
        kept = [column for column in batch if column not in (self._content, *_OWN)]
        crops, seconds = self._timed.crops, self._timed.seconds
        held: dict[str, Any] | None = None
        number_held = count = 0
        for outcome in self._outcomes(batch, alone):
            self._memory.tick()
            # A row is held back until it is known whether another of its file follows.
            if held is not None:
                if outcome.number != number_held:
                    held["page_count"], count = count, 0
                yield held
            number_held, count = outcome.number, count + 1
            now = self._timed.crops, self._timed.seconds
            held = {column: batch[column][outcome.number] for column in kept}
            held |= {
                "page_index": outcome.index,
                "sha256": outcome.sha256,
                "page": outcome.page.model_dump_json() if outcome.page else "",
                "error_kind": outcome.bad.kind if outcome.bad else "",
                "error_message": outcome.bad.message if outcome.bad else "",
                "page_count": 0,
                "crops": now[0] - crops,
                "recognizer_seconds": now[1] - seconds,
            }
            crops, seconds = now
        if held is not None:
            held["page_count"] = count
            yield held

    def _outcomes(self, batch: Batch, alone: bool) -> Iterator["_Outcome"]:
        """Yields the outcome of every page, file by file."""
        turns: deque[_Outcome] = deque()
        pages = self._taken(self._pages(batch, turns))
        results = self._one_by_one(pages, turns) if alone else self._engine.read_images(pages)
        for result in self._watched(results):
            while turns[0].bad is not None:
                yield turns.popleft()
            turn = turns.popleft()
            if isinstance(result, PageError):
                yield replace(turn, bad=result)
            else:
                yield replace(turn, page=result)
        yield from turns

    def _one_by_one(
        self, pages: Iterator[PageImage], turns: "deque[_Outcome]"
    ) -> Iterator[Page | PageError]:
        """Yields the result of each page, read by itself unless an actor died at it before."""
        for page in pages:
            which = turns[-1].sha256, page.page_index
            if self._notes.begin(*which):
                reason = f"reading ended the actor, or made no progress in {self._limit:g} s"
                yield PageError(
                    name=page.name,
                    page_index=page.page_index,
                    kind=READER_DIED,
                    message=reason,
                )
            else:
                (result,) = self._engine.read_images([page])
                self._notes.end(*which)
                yield result

    def _taken(self, pages: Iterator[PageImage]) -> Iterator[PageImage]:
        """Yields the pages; while they are decoded, no progress of the engine is expected."""
        while True:
            with self._watch.waiting():
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _watched(self, results: Iterator[Page | PageError]) -> Iterator[Page | PageError]:
        while True:
            with self._watch.working():
                result = next(results, None)
            if result is None:
                return
            yield result

    def _pages(self, batch: Batch, turns: "deque[_Outcome]") -> Iterator[PageImage]:
        """Yields the pages that can be decoded; queues the outcome of each page in `turns`."""
        begun: deque[tuple[int, str, Decoding | PageError]] = deque()
        try:
            for number, content in enumerate(batch[self._content]):
                begun.append(self._begun(batch, number, content))
                if len(begun) > 1:  # the next file is decoded while this one's pages are read
                    yield from _pages_of(*begun.popleft(), turns)
            while begun:
                yield from _pages_of(*begun.popleft(), turns)
        finally:
            for _, _, decoding in begun:
                if isinstance(decoding, Decoding):
                    decoding.close()

    def _begun(
        self, batch: Batch, number: int, content: bytes | None
    ) -> "tuple[int, str, Decoding | PageError]":
        name = str(batch[self._name][number]) if self._name in batch else ""
        kind = batch["error_kind"][number] if "error_kind" in batch else ""
        if kind:
            message = str(batch["error_message"][number])
            return number, "", PageError(name=name, kind=kind, message=message)
        if content is None:
            return number, "", PageError(name=name, kind="BadMember", message="there is no content")
        sha256 = hashlib.sha256(content).hexdigest()
        return number, sha256, self._decoder.begin(name, bytes(content), sha256)


@dataclass(frozen=True)
class _Outcome:
    """A page in the order of output, and its result."""

    number: int
    index: int
    sha256: str
    page: Page | None = None
    bad: PageError | None = None


def _pages_of(
    number: int, sha256: str, decoding: Decoding | PageError, turns: deque[_Outcome]
) -> Iterator[PageImage]:
    if isinstance(decoding, PageError):
        turns.append(_Outcome(number, index_of(decoding), sha256, bad=decoding))
        return
    while (pages := decoding.pages(set())) is not None:
        for page in pages:
            if isinstance(page, PageError):
                turns.append(_Outcome(number, index_of(page), sha256, bad=page))
            else:
                turns.append(_Outcome(number, page.page_index, sha256))
                yield page


def columns(rows: list[dict[str, Any]]) -> Batch:
    """Returns rows as columns; at least one row is needed."""
    batch = {}
    for name, first in rows[0].items():
        values = [row[name] for row in rows]
        # As fixed-width strings, bytes would lose the zeros at their ends.
        batch[name] = np.array(values, dtype=object if isinstance(first, str | bytes) else None)
    return batch

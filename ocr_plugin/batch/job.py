"""A job: a folder in which the records of all that was read come together.

    members ──> content ──> decoding processes ──> engine ──> groups of records ──> manifest

Everything between is bounded. Killed at any moment and run again, it does what is missing.
"""

import hashlib
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
from filelock import FileLock, Timeout

from ocr_plugin.batch.decoding import BadPage, Decoder, Decoding
from ocr_plugin.batch.manifest import ERRORS, FileKey, Manifest, PageRow
from ocr_plugin.batch.members import BadMember, Member
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.reading import Readers, TimedRecognizer
from ocr_plugin.batch.records import RecordWriter, read_group
from ocr_plugin.batch.sources import members
from ocr_plugin.engine import Engine
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.registry import make_detector, make_recognizer
from ocr_plugin.schema import Page, PageError

JOB_NAME = "job.json"
_LOCK_NAME = "lock"
# The error rate of fewer pages than this says nothing.
_TELLING = 100
_WHOLE_FILE = -1
# Side by side beats many threads a page, but every page that is read takes memory.
_MOST_READERS = 4
# Plugins that can be told how many threads to run.
_THREADED = {"dbnet", "ppocr", "second_opinion"}


class TooManyErrors(OcrError):
    """More of a run's pages failed than it was allowed."""


@dataclass
class Progress:
    """What a run has done so far.

    Attributes:
        pages: read.
        errors: pages and files that could not be.
        skipped: files that were done before.
        duplicates: pages that were recorded without reading them again.
        seconds: since the run began.
        crops: what the recognizer was given.
        recognizer_seconds: what it took, all threads together.
        stopped: whether the run ended before its sources did.
    """

    pages: int = 0
    errors: int = 0
    skipped: int = 0
    duplicates: int = 0
    seconds: float = 0.0
    crops: int = 0
    recognizer_seconds: float = 0.0
    stopped: bool = False


@dataclass(eq=False)
class _File:
    """A file of which pages are still open."""

    key: FileKey
    fingerprint: str
    open_pages: int = 0
    decoded: bool = False
    failed: bool = False
    twins: "list[tuple[FileKey, str]]" = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.decoded and self.open_pages == 0


@dataclass(frozen=True)
class _Record:
    file: _File
    page_index: int
    content: bytes
    is_error: bool


class Job:
    """A batch job in a folder.

    Args:
        folder: made if it is not there.
        options: what decides the records.

    Raises:
        ConfigurationError: the folder is no job's, or is in use.
    """

    def __init__(self, folder: Path, options: JobOptions) -> None:
        self.folder, self.options = folder, options

    def run(
        self,
        sources: Iterable[str],
        run: RunOptions | None = None,
        *,
        tell: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
        engine: Engine | None = None,
    ) -> Progress:
        """Reads what of the sources is not done yet.

        Args:
            sources: as `sources.members` takes them.
            run: how.
            tell: called now and then with what was done so far.
            stop: asked before every page; where it says so, what was begun is finished and the
                run ends.
            engine: reads the pages instead of one that is made of the options.

        Raises:
            ConfigurationError: the job was begun with other options or models, another run is at
                it, or there is no such source.
            TooManyErrors: more pages failed than `max_error_rate`.
            OcrError: the folder cannot be written.
        """
        run = run or RunOptions()
        with ExitStack() as stack:
            stack.enter_context(_made_and_locked(self.folder))
            readers = run.readers or min(_cores(), _MOST_READERS)
            threads = max(1, _cores() // readers)
            engine, timed = self._engine(engine, threads)
            stack.enter_context(_threads(threads))
            self._settle(engine, run.accept_changes)
            manifest = stack.enter_context(Manifest(self.folder))
            if run.retry_errors:
                manifest.forget_errors()
            writer = RecordWriter(self.folder, manifest.sizes(), run.shard_bytes)
            stack.callback(writer.close)
            decoder = Decoder(self.options.engine.images, run.decoders, run.page_seconds)
            stack.callback(decoder.close)
            run = run.model_copy(update={"readers": readers})
            current = _Run(self.folder, run, manifest, writer, decoder, engine, timed, tell, stop)
            return current.through(members(sources, self.options.sources))

    def _engine(self, engine: Engine | None, threads: int) -> tuple[Engine, TimedRecognizer]:
        options = self.options
        if engine is None:
            # How many threads there are decides no record, so it is none of the job's options.
            own, other = ({"threads": threads} if name in _THREADED else {}
                          for name in (options.detector, options.recognizer))  # fmt: skip
            detector = make_detector(options.detector, **(own | options.detector_options))
            recognizer = make_recognizer(options.recognizer, **(other | options.recognizer_options))
            engine = Engine(detector, recognizer, options=options.engine)
        timed = TimedRecognizer(engine.recognizer)
        return (
            Engine(engine.detector, timed, splitter=engine.splitter, options=engine.options),
            timed,
        )

    def _settle(self, engine: Engine, accept_changes: bool) -> None:
        """Writes down what decides the records, or compares it with what was written."""
        path = self.folder / JOB_NAME
        now: dict[str, Any] = {
            "options": self.options.model_dump(mode="json"),
            "engine": engine.info.model_dump(mode="json"),
        }
        if path.exists():
            try:
                before = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"{path}: cannot be read: {error}") from error
            changes = list(_changes(before, now))
            if not changes:
                return
            if not accept_changes:
                raise ConfigurationError(
                    f"{self.folder} was begun differently: {'; '.join(changes)}"
                    " (--accept-changes goes on all the same)"
                )
        elif any(self.folder.glob("*.sqlite")) or any(self.folder.glob("pages-*")):
            raise ConfigurationError(f"{self.folder} has records, but no {JOB_NAME}")
        now["begun"] = datetime.now(UTC).isoformat(timespec="seconds")
        draft = path.with_suffix(".new")
        try:
            draft.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise OcrError(f"{path}: cannot be written: {error.strerror}") from error


class _Run:
    """One run of a job."""

    def __init__(
        self,
        folder: Path,
        options: RunOptions,
        manifest: Manifest,
        writer: RecordWriter,
        decoder: Decoder,
        engine: Engine,
        timed: TimedRecognizer,
        tell: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> None:
        self._folder, self._options = folder, options
        self._manifest, self._writer, self._decoder = manifest, writer, decoder
        self._timed, self._tell, self._stop = timed, tell, stop
        self._readers: Readers[tuple[_File, int]] = Readers(engine, options.readers)
        self._begun: deque[tuple[_File, Decoding, set[int]]] = deque()
        self._open: dict[str, _File] = {}
        self._group: list[_Record] = []
        self._complete: list[_File] = []
        self._progress = Progress()
        self._start = self._written = time.monotonic()
        self._handed_in = 0

    def through(self, found: Iterator[Member]) -> Progress:
        """Reads all members; returns what was done."""
        try:
            for member in found:
                if self._is_over():
                    self._progress.stopped = True
                    break
                self._begin(member)
                self._advance_to(self._options.decoders)
            self._advance_to(0)
        finally:
            for _, decoding, _ in self._begun:
                decoding.close()
        self._take(self._readers.finish())
        self._write()
        self._report()
        return self._progress

    def _advance_to(self, most: int) -> None:
        """Hands in pages until no more than so many files are begun, or the run is to stop."""
        while len(self._begun) > most and not self._progress.stopped:
            self._advance()

    def _is_over(self) -> bool:
        limit = self._options.limit
        return self._stop() or (limit is not None and self._handed_in >= limit)

    def _begin(self, member: Member) -> None:
        """Begins to decode a member, unless that is not needed."""
        if self._manifest.is_complete(member.source, member.name, member.fingerprint):
            self._progress.skipped += 1
            return
        try:
            content = member.read()
        except BadMember as error:
            file = _File(FileKey(member.source, member.name, ""), member.fingerprint)
            if not self._manifest.done_pages(file.key)[0]:
                self._fail(file, BadPage(_WHOLE_FILE, "BadMember", str(error)))
                self._end(file)
            return
        key = FileKey(member.source, member.name, hashlib.sha256(content).hexdigest())
        done, complete = self._manifest.done_pages(key)
        if complete:
            self._progress.skipped += 1
        elif key.sha256 in self._open:
            self._open[key.sha256].twins.append((key, member.fingerprint))
        elif not done and (rows := self._manifest.twin(key.sha256)):
            self._copy(rows, [(key, member.fingerprint)])
        else:
            file = self._open[key.sha256] = _File(key, member.fingerprint)
            self._begun.append((file, self._decoder.begin(member.place, content), done))

    def _advance(self) -> None:
        """Hands in the next pages of the file that was begun first."""
        file, decoding, done = self._begun[0]
        pages = decoding.pages(done)
        if pages is None:
            self._begun.popleft()
            file.decoded = True
            if file.is_done:
                self._end(file)
            return
        for page in pages:
            if self._is_over():
                self._progress.stopped = True
                return
            self._handed_in += 1
            if isinstance(page, BadPage):
                self._fail(file, page)
                continue
            file.open_pages += 1
            self._take(self._readers.put(page, (file, page.page_index)))
        self._take(self._readers.results())

    def _take(self, results: Iterator[tuple[tuple[_File, int], Page | PageError]]) -> None:
        for (file, index), result in results:
            file.open_pages -= 1
            if isinstance(result, PageError):
                self._fail(file, BadPage(index, result.kind, result.message))
            else:
                self._progress.pages += 1
                self._keep(file, index, page=result.model_dump(mode="json"))
            if file.is_done:
                self._end(file)

    def _fail(self, file: _File, bad: BadPage) -> None:
        file.failed = True
        self._progress.errors += 1
        self._keep(file, bad.index, error={"kind": bad.kind, "message": bad.reason})
        rate, pages = self._options.max_error_rate, self._progress.pages + self._progress.errors
        if rate is not None and pages >= _TELLING and self._progress.errors > rate * pages:
            self._write()
            raise TooManyErrors(
                f"{self._progress.errors} of {pages} pages failed; see errors.jsonl"
            )

    def _keep(self, file: _File, index: int, **content: Any) -> None:
        key = file.key
        record = {
            "source": key.source,
            "member": key.member,
            "page_index": None if index == _WHOLE_FILE else index,
            "sha256": key.sha256 or None,
            **content,
        }
        coded = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogateescape"
        )
        self._group.append(_Record(file, index, coded, "error" in content))
        late = time.monotonic() - self._written > self._options.group_seconds
        if late or len(self._group) >= self._options.group:
            self._write()

    def _end(self, file: _File) -> None:
        """Notes that nothing of a file is missing, and records it at its other places."""
        self._open.pop(file.key.sha256, None)
        self._complete.append(file)
        if file.twins:
            self._write()
            self._copy(list(self._manifest.twin(file.key.sha256)), file.twins)

    def _copy(self, rows: list[PageRow], places: list[tuple[FileKey, str]]) -> None:
        """Records what was read of a file as that of others with the same content."""
        for key, fingerprint in places:
            twin = _File(key, fingerprint, decoded=True)
            for row in rows:
                line = read_group(self._folder, row.shard, row.frame)[row.line]
                record = json.loads(line)
                if row.shard == ERRORS:
                    self._keep(twin, row.page_index, error=record["error"])
                    self._progress.errors += 1
                    continue
                page = record["page"]
                page["source"]["name"] = f"{key.source}!/{key.member}" if key.member else key.source
                self._keep(twin, row.page_index, page=page)
                self._progress.duplicates += 1
            self._end(twin)

    def _write(self) -> None:
        """Puts the group on the disk, then into the manifest."""
        self._written = time.monotonic()
        if not self._group and not self._complete:
            return
        records = [record for record in self._group if not record.is_error]
        errors = [record for record in self._group if record.is_error]
        (shard, frame), error_frame, sizes = self._writer.write(
            [record.content for record in records], [record.content for record in errors]
        )
        rows = [
            PageRow(record.file.key, record.file.fingerprint, record.page_index, *place, line)
            for group, place in ((records, (shard, frame)), (errors, (ERRORS, error_frame)))
            for line, record in enumerate(group)
        ]
        self._manifest.commit(rows, [file.key for file in self._complete], sizes)
        self._group, self._complete = [], []
        self._report()

    def _report(self) -> None:
        self._progress.seconds = time.monotonic() - self._start
        self._progress.crops = self._timed.crops
        self._progress.recognizer_seconds = self._timed.seconds
        self._tell(self._progress)


@contextmanager
def _made_and_locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK_NAME, timeout=0):
            yield
    except Timeout:
        raise ConfigurationError(f"{folder}: another run is at it") from None
    except OSError as error:
        raise OcrError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    """Has OpenCV and PyTorch run so many threads; by default they take all cores for each call."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    torch = sys.modules.get("torch")  # there by now, if the engine needs it
    before_torch = torch.get_num_threads() if torch else 0
    if torch:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
        if torch:
            torch.set_num_threads(before_torch)


def _changes(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yields what is different, by name, in one line each."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted((before.keys() | now.keys()) - {"begun"}):
            yield from _changes(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif before != now:
        yield f"{name} {json.dumps(before)} -> {json.dumps(now)}"

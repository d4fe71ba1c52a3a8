"""What becomes of pages, into the record files and the manifest, a group at a time."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocr_plugin.batch.decoding import BadPage
from ocr_plugin.batch.manifest import Manifest
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records import RecordWriter, read_documents
from ocr_plugin.batch.rows import ERRORS, FileKey, FileRow, PageRow
from ocr_plugin.errors import OcrError

WHOLE_FILE = -1
"""The page index of an error that is a whole file's."""
# Seconds between two reports of a run in which nothing is written.
_TOLD_EVERY_S = 1.0
# The error rate of fewer pages than this says nothing.
_TELLING = 100


class TooManyErrors(OcrError):
    """More of a run's pages failed than it was allowed."""


@dataclass(eq=False)
class OpenFile:
    """A file of which pages are still missing.

    Attributes:
        key: which.
        fingerprint: as `members.Member` has it.
        open_pages: how many pages are being read.
        decoded: whether no further pages are to come.
        page_count: all pages, once they are decoded; errors are such.
        twins: places with the same content, to be recorded when this one is done.
    """

    key: FileKey
    fingerprint: str
    open_pages: int = 0
    decoded: bool = False
    page_count: int = 0
    twins: list[tuple[FileKey, str]] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether nothing of the file is missing."""
        return self.decoded and self.open_pages == 0

    def is_at(self, key: FileKey) -> bool:
        """Returns whether this is the file, or one of those with the same content, at a place."""
        return key == self.key or any(key == twin for twin, _ in self.twins)


@dataclass(frozen=True)
class _Record:
    file: OpenFile
    page_index: int
    content: bytes
    is_error: bool


class Recorder:
    """Records pages and errors; they are on the disk after the next `write`.

    Args:
        folder: of the job.
        options: size of the groups, and what share of errors is too much.
        manifest: of the job.
        writer: of its record files.
        tell: called with `progress` whenever a group was written.
    """

    def __init__(
        self,
        folder: Path,
        options: RunOptions,
        manifest: Manifest,
        writer: RecordWriter,
        tell: Callable[[Progress], None],
    ) -> None:
        self.manifest = manifest
        self.progress = Progress()
        self._folder, self._options = folder, options
        self._writer, self._tell = writer, tell
        self._open: dict[str, OpenFile] = {}
        self._group: list[_Record] = []
        self._complete: list[FileRow] = []
        self._failed = {source for source, _ in manifest.failed()}
        self._met: set[str] = set()
        self._start = self._written = self._told = time.monotonic()

    def meet(self, source: str) -> None:
        """Notes that a source is read in this run."""
        if source in self._failed:
            self._met.add(source)

    def begin(self, key: FileKey, fingerprint: str) -> OpenFile | None:
        """Returns a file that has to be read, or None where its pages are, or will be, recorded.

        They are where all of the file was done before, or where the same content was read, or is
        being read, somewhere else.
        """
        if any(file.key.sha256 == key.sha256 for file in self._complete):
            self.write()
        self.manifest.forget_errors(key.source, key.member)
        state, begun = self.manifest.state(key), self._open.get(key.sha256)
        if state.is_complete or (begun is not None and begun.is_at(key)):
            self.progress.skipped += 1
            if begun is None and state.fingerprint != fingerprint:
                self.touch(key, fingerprint)
        elif begun is not None:
            begun.twins.append((key, fingerprint))
        elif not state.pages and (rows := self.manifest.twin(key.sha256)):
            self._copy(rows, [(key, fingerprint)])
        else:
            file = self._open[key.sha256] = OpenFile(key, fingerprint)
            return file
        return None

    def touch(self, key: FileKey, fingerprint: str) -> None:
        """Notes another fingerprint of a file whose content is the same and done."""
        self._complete.append(FileRow(key, fingerprint, None))
        if len(self._complete) >= self._options.group:
            self.write()

    def twin(self, key: FileKey, fingerprint: str) -> None:
        """Records a file of the same content as one that was read, or is being read.

        If there is none such, it is left to the next run.
        """
        file = self.begin(key, fingerprint)
        if file is not None:
            del self._open[key.sha256]

    def unreadable(self, key: FileKey, fingerprint: str, bad: BadPage) -> None:
        """Records that a file cannot be read at all, once."""
        file = OpenFile(key, fingerprint, decoded=True, page_count=1)
        self.manifest.forget_errors(key.source, key.member)
        state = self.manifest.state(key)
        if state.is_complete or any(ended.key == key for ended in self._complete):
            return
        # Of a run that was killed, the error may be noted without the end of the file.
        if not state.pages:
            self.fail(file, bad)
        self.end(file)

    def keep(self, file: OpenFile, page_index: int, page: dict[str, Any]) -> None:
        """Records a page that was read, as `Page.model_dump` gives it."""
        self.progress.pages += 1
        self._keep(file, page_index, page=page)

    def fail(self, file: OpenFile, bad: BadPage) -> None:
        """Records an error.

        Raises:
            TooManyErrors: that is one more than `max_error_rate` allows.
        """
        self.progress.errors += 1
        self._keep(file, bad.index, error={"kind": bad.kind, "message": bad.reason})
        pages = self.progress.pages + self.progress.errors
        rate = self._options.max_error_rate
        if rate is not None and pages >= _TELLING and self.progress.errors > rate * pages:
            self.write()
            raise TooManyErrors(f"{self.progress.errors} of {pages} pages failed; see errors.jsonl")

    def end(self, file: OpenFile) -> None:
        """Notes that nothing of a file is missing, and records it at its other places."""
        self._open.pop(file.key.sha256, None)
        self._complete.append(FileRow(file.key, file.fingerprint, file.page_count))
        if file.twins:
            self.write()
            self._copy(self.manifest.twin(file.key.sha256), file.twins)

    def write(self) -> None:
        """Puts the group on the disk, then into the manifest."""
        self._written = time.monotonic()
        if not self._group and not self._complete:
            return
        # Pages first, as `False` sorts before `True`.
        records = sorted(self._group, key=lambda record: record.is_error)
        errors = [record.content for record in records if record.is_error]
        pages = [record.content for record in records if not record.is_error]
        groups = self._writer.write(pages, errors)
        places = [(group, line) for group in groups for line in range(group.records)]
        rows = [
            PageRow(record.file.key, record.file.fingerprint, record.page_index, group, line)
            for record, (group, line) in zip(records, places, strict=True)
        ]
        self.manifest.commit(groups, rows, self._complete)
        self._group, self._complete = [], []
        self.report()

    def tick(self) -> None:
        """Writes a group that has waited long enough; tells the progress if that is due."""
        if self._is_late:
            self.write()
        if time.monotonic() - self._told > _TOLD_EVERY_S:
            self.report()

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self._written > self._options.group_seconds

    def end_run(self) -> None:
        """Writes what is left, and tells the progress for the last time.

        What was to be tried again, but is not in its source any more, is forgotten: the end of an
        archive that is whole by now, for one.
        """
        self.write()
        for source, member in self.manifest.failed() if not self.progress.stopped else ():
            if source in self._met:
                self.manifest.forget_errors(source, member)
        self.progress.is_over = True
        self.report()

    def report(self) -> None:
        """Tells the progress."""
        self._told = time.monotonic()
        self.progress.seconds = time.monotonic() - self._start
        self._tell(self.progress)

    def _keep(self, file: OpenFile, index: int, **content: Any) -> None:
        key = file.key
        record = {
            "source": key.source,
            "member": key.member,
            "page_index": None if index == WHOLE_FILE else index,
            "sha256": key.sha256 or None,
            **content,
        }
        coded = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        self._group.append(_Record(file, index, coded, "error" in content))
        if self._is_late or len(self._group) >= self._options.group:
            self.write()

    def _copy(self, rows: Sequence[PageRow], places: Iterable[tuple[FileKey, str]]) -> None:
        """Records what was read of a file as that of others with the same content."""
        for key, fingerprint in places:
            twin = OpenFile(key, fingerprint, decoded=True, page_count=len(rows))
            for row, record in zip(rows, read_documents(self._folder, rows), strict=True):
                if row.group.shard == ERRORS:
                    self.progress.errors += 1
                    self._keep(twin, row.page_index, error=record["error"])
                    continue
                page = record["page"]
                page["source"]["name"] = key.place
                self.progress.duplicates += 1
                self._keep(twin, row.page_index, page=page)
            self.end(twin)

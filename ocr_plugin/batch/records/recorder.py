"""Writes pages and errors to the record files and the manifest, a group at a time."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.rows import ERRORS, FileKey, FileRow, PageRow
from ocr_plugin.batch.records.shards import RecordWriter, read_documents
from ocr_plugin.errors import OcrError
from ocr_plugin.pages.decoder_pool import WHOLE_FILE, index_of
from ocr_plugin.schema import PageError

# Seconds between two reports of a run in which nothing is written.
_REPORT_EVERY_S = 1.0
# The error rate of fewer pages is not significant.
_TELLING = 100


class TooManyErrors(OcrError):
    """More of a run's pages failed than `max_error_rate` allows."""


@dataclass(eq=False)
class OpenFile:
    """A file of which pages are still missing.

    Attributes:
        key: which.
        fingerprint: as `members.Member` has it.
        open_pages: how many pages are being read.
        decoded: whether all of its pages are decoded.
        page_count: of all pages, errors included; 0 until decoded.
        duplicates: members with the same content, recorded when this one is done.
    """

    key: FileKey
    fingerprint: str
    open_pages: int = 0
    decoded: bool = False
    page_count: int = 0
    duplicates: list[tuple[FileKey, str]] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether nothing of the file is missing."""
        return self.decoded and self.open_pages == 0

    def is_at(self, key: FileKey) -> bool:
        """Returns whether a key is this file's or one of its duplicates'."""
        return key == self.key or any(key == duplicate for duplicate, _ in self.duplicates)


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
        options: size of the groups, and limit of errors.
        manifest: of the job.
        writer: of its record files.
        tell: called with `progress` whenever a group was written.
        progress: with which it begins.
    """

    def __init__(
        self,
        folder: Path,
        options: RunOptions,
        manifest: Manifest,
        writer: RecordWriter,
        tell: Callable[[Progress], None],
        progress: Progress | None = None,
    ) -> None:
        self.manifest = manifest
        self.progress = progress or Progress()
        self._folder, self._options = folder, options
        self._writer, self._tell = writer, tell
        self._open: dict[str, OpenFile] = {}
        self._group: list[_Record] = []
        self._complete: list[FileRow] = []
        self._failed = {source for source, _ in manifest.failed()}
        self._met: set[str] = set()
        self._written = self._reported = time.monotonic()
        self._start = self._written - self.progress.seconds

    def note_source(self, source: str) -> None:
        """Marks a source as read in this run."""
        if source in self._failed:
            self._met.add(source)

    def begin(self, key: FileKey, fingerprint: str) -> OpenFile | None:
        """Returns a file that has to be read, or None where its pages are, or will be, recorded.

        They are if the file is complete, or if the same content was read, or is being read,
        elsewhere.
        """
        if any(file.key.sha256 == key.sha256 for file in self._complete):
            self.write()
        self.manifest.forget_errors(key.source, key.member)
        state, begun = self.manifest.state(key), self._open.get(key.sha256)
        if state.is_complete or (begun is not None and begun.is_at(key)):
            self.progress.skipped += 1
            if begun is None and state.fingerprint != fingerprint:
                self.update_fingerprint(key, fingerprint)
        elif begun is not None:
            begun.duplicates.append((key, fingerprint))
        elif not state.pages and (rows := self.manifest.pages_of_content(key.sha256)):
            self._copy(rows, [(key, fingerprint)])
        else:
            file = self._open[key.sha256] = OpenFile(key, fingerprint)
            return file
        return None

    def update_fingerprint(self, key: FileKey, fingerprint: str) -> None:
        """Stores the new fingerprint of a complete file whose content is unchanged."""
        self._complete.append(FileRow(key, fingerprint, None))
        if len(self._complete) >= self._options.group:
            self.write()

    def record_duplicate(self, key: FileKey, fingerprint: str) -> None:
        """Records a file of the same content as one that was read, or is being read.

        If there is none, the file is left to the next run.
        """
        file = self.begin(key, fingerprint)
        if file is not None:
            del self._open[key.sha256]

    def unreadable(self, key: FileKey, fingerprint: str, bad: PageError) -> None:
        """Records that a file cannot be read at all, once."""
        file = OpenFile(key, fingerprint, decoded=True, page_count=1)
        self.manifest.forget_errors(key.source, key.member)
        state = self.manifest.state(key)
        if state.is_complete or any(ended.key == key for ended in self._complete):
            return
        # A killed run may have recorded the error without completing the file.
        if not state.pages:
            self.fail(file, bad)
        self.end(file)

    def keep(self, file: OpenFile, page_index: int, page: dict[str, Any]) -> None:
        """Records a page that was read, as `Page.model_dump` gives it."""
        self.progress.pages += 1
        self._keep(file, page_index, page=page)

    def fail(self, file: OpenFile, bad: PageError) -> None:
        """Records an error.

        Raises:
            TooManyErrors: more pages failed than `max_error_rate` allows.
        """
        self.progress.errors += 1
        self._keep(file, index_of(bad), error={"kind": bad.kind, "message": bad.message})
        pages = self.progress.pages + self.progress.errors
        rate = self._options.max_error_rate
        if rate is not None and pages >= _TELLING and self.progress.errors > rate * pages:
            self.write()
            raise TooManyErrors(f"{self.progress.errors} of {pages} pages failed; see errors.jsonl")

    def end(self, file: OpenFile) -> None:
        """Marks a file as complete and records its duplicates."""
        self._open.pop(file.key.sha256, None)
        self.progress.files += 1
        self._complete.append(FileRow(file.key, file.fingerprint, file.page_count))
        if file.duplicates:
            self.write()
            self._copy(self.manifest.pages_of_content(file.key.sha256), file.duplicates)

    def write(self) -> None:
        """Writes the group to disk, then commits it to the manifest."""
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
        """Writes a group that is overdue; reports the progress if that is due."""
        if self._is_late:
            self.write()
        if time.monotonic() - self._reported > _REPORT_EVERY_S:
            self.report()

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self._written > self._options.group_seconds

    def end_run(self) -> None:
        """Writes what is left, and reports the final progress.

        Errors to be retried that are no longer in their source are forgotten, such as the damaged
        end of an archive that is whole by now.
        """
        self.write()
        for source, member in self.manifest.failed() if not self.progress.stopped else ():
            if source in self._met:
                self.manifest.forget_errors(source, member)
        self.progress.is_over = True
        self.report()

    def report(self) -> None:
        """Reports the progress."""
        self._reported = time.monotonic()
        self.progress.seconds = time.monotonic() - self._start
        self.progress.is_written = not (self._group or self._complete)
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
        """Records the pages of a file for others with the same content."""
        for key, fingerprint in places:
            duplicate = OpenFile(key, fingerprint, decoded=True, page_count=len(rows))
            for row, record in zip(rows, read_documents(self._folder, rows), strict=True):
                if row.group.shard == ERRORS:
                    self.progress.errors += 1
                    self._keep(duplicate, row.page_index, error=record["error"])
                    continue
                page = record["page"]
                page["source"]["name"] = key.place
                self.progress.duplicates += 1
                self._keep(duplicate, row.page_index, page=page)
            self.end(duplicate)

"""A batch job whose pages are read on a Ray cluster; its folder stays with the driver.

    parts of sources ──> members' bytes ──> actors with an engine each ──> driver: the job's folder
       (driver)          (tasks)            (`ray_dataset.read_pages`)

Bytes never pass through the driver, so every machine must see the sources at the same paths.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from ocr_plugin.adapters.ray_dataset import Batch, RayOptions, columns, ray_module, read_pages
from ocr_plugin.batch.engines import make_engine
from ocr_plugin.batch.inputs.members import BadMember, Member, SourceOptions, text_of
from ocr_plugin.batch.inputs.sources import Place, SourceFile, checked, split
from ocr_plugin.batch.inputs.total_bytes import ByteCounter
from ocr_plugin.batch.job_folder import locked, recording
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.recorder import OpenFile, Recorder
from ocr_plugin.batch.records.rows import FileKey
from ocr_plugin.errors import OcrError, one_line
from ocr_plugin.pages.decoder_pool import WHOLE_FILE
from ocr_plugin.schema import EngineInfo, PageError

# Files that the driver hands to the cluster at once, and to a task.
_WAVE, _PARTS = 4096, 32
# Bytes of members that leave a task together.
_BLOCK, _MOST_ROWS = 64_000_000, 64
# In place of an error: the member's content is read elsewhere, or is done already.
_DUPLICATE, _CHANGED = "Duplicate", "Changed"


class RayJob:
    """A batch job that a Ray cluster reads; its records are those of `batch.job.Job`.

    Args:
        folder: made if it is not there.
        options: what decides the records.
        ray_options: how many actors read.
    """

    def __init__(
        self, folder: Path, options: JobOptions, ray_options: RayOptions | None = None
    ) -> None:
        self.folder, self.options = folder, options
        self.ray_options = ray_options or RayOptions()

    def run(
        self,
        sources: Iterable[str],
        run: RunOptions | None = None,
        *,
        tell: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Progress:
        """Reads the pages of the sources that are not done yet; see `batch.job.Job.run`.

        If `stop` returns true, pages in progress are left to the next run.

        Raises:
            ConfigurationError: as there, or Ray is not installed.
            TooManyErrors: as there.
            OcrError: as there, or the cluster fails.
        """
        run, sources = run or RunOptions(), checked(sources)
        ray = ray_module()
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder))
            try:
                info = EngineInfo.model_validate(self._engine_info(ray))
                recorder = stack.enter_context(
                    recording(self.folder, self.options, info, run, tell)
                )
                counter = ByteCounter(sources, self.options.sources)
                stack.callback(counter.close)
                current = _Run(ray, self.options, self.ray_options, run, recorder, counter, stop)
                return current.through(split(sources, self.options.sources))
            except ray.exceptions.RayTaskError as error:
                cause = error.cause
                if isinstance(cause, OcrError):
                    raise type(cause)(str(cause)) from error
                raise OcrError(f"Ray: {one_line(cause)}") from error
            except ray.exceptions.RayError as error:
                raise OcrError(f"Ray: {one_line(error)}") from error

    def _engine_info(self, ray: Any) -> dict[str, Any]:
        """Returns the info of the cluster's engines, from one of its machines."""
        how = self.ray_options
        told = ray.remote(num_cpus=how.cpus, num_gpus=how.gpus)(_engine_info)
        info: dict[str, Any] = ray.get(told.remote(self.options))
        return info


class _Run:
    """One run of a job."""

    def __init__(
        self,
        ray: Any,
        options: JobOptions,
        ray_options: RayOptions,
        run: RunOptions,
        recorder: Recorder,
        counter: ByteCounter,
        stop: Callable[[], bool],
    ) -> None:
        self._ray, self._options, self._ray_options = ray, options, ray_options
        self._run, self._recorder, self._counter, self._stop = run, recorder, counter, stop
        self._progress = recorder.progress
        self._claims = ray.remote(num_cpus=0)(_Claims).remote()
        self._files: dict[FileKey, _Begun] = {}
        self._duplicates: list[tuple[FileKey, str]] = []
        self._taken = 0

    def through(self, found: Iterator[SourceFile | Member]) -> Progress:
        """Reads all files; returns the progress."""
        missing = self._missing(found)
        while not self._progress.stopped and (wave := list(islice(missing, _WAVE))):
            self._read(wave)
        self._recorder.end_run()
        return self._progress

    def _missing(self, found: Iterator[SourceFile | Member]) -> Iterator[dict[str, Any]]:
        """Yields the files that may be incomplete, and what of them is done."""
        manifest = self._recorder.manifest
        for item in found:
            self._recorder.tick()
            self._recorder.note_source(
                item.source if isinstance(item, Member) else item.place.named
            )
            if isinstance(item, Member):
                key = FileKey(item.source, item.name, "")
                self._recorder.unreadable(key, item.fingerprint, _reason(item))
                continue
            done = manifest.complete_files(item.place.named, text_of(item.name))
            self._progress.skipped += len(done)
            fingerprint = item.fingerprint
            if fingerprint and any(
                known[:2] == (text_of(item.name), fingerprint) for known in done
            ):
                self._progress.volume += item.volume
                self._progress.skipped_volume += item.volume
                continue
            yield {
                # Names of files need not be text.
                "source": os.fsencode(item.place.source),
                "part": os.fsencode(item.name),
                "done": json.dumps(done),
            }

    def _read(self, wave: list[dict[str, Any]]) -> None:
        """Reads some files; leaves none of them open unless the run is stopped."""
        data = self._ray.data
        data.DataContext.get_current().enable_progress_bars = False
        found = data.from_items(wave, override_num_blocks=-(-len(wave) // _PARTS)).map_batches(
            _contents,
            fn_args=(self._options.sources, self._claims),
            batch_size=1,
            batch_format="numpy",
            num_cpus=0,  # it mostly waits, and must find room beside the actors
        )
        for row in read_pages(found, self._options, self._ray_options, name="place").iter_rows():
            limit = self._run.limit
            if self._stop() or (limit is not None and self._taken >= limit):
                self._progress.stopped = True
                return
            self._take(row)
            self._recorder.tick()
        self._copy_duplicates()

    def _take(self, row: dict[str, Any]) -> None:
        """Records a row unless it was recorded before: Ray repeats tasks that failed."""
        self._measure(row)
        key = FileKey(row["source"], row["member"], row["sha256"])
        fingerprint, index = row["fingerprint"], int(row["page_index"])
        bad = PageError(
            name=key.place,
            page_index=None if index == WHOLE_FILE else index,
            kind=row["error_kind"],
            message=row["error_message"],
        )
        if bad.kind == _DUPLICATE:
            self._duplicates.append((FileKey(key.source, key.member, bad.message), fingerprint))
            return
        if bad.kind == _CHANGED:
            self._recorder.update_fingerprint(
                FileKey(key.source, key.member, bad.message), fingerprint
            )
            return
        if not key.sha256:
            self._recorder.unreadable(key, fingerprint, bad)
            return
        begun = self._files.get(key)
        if begun is None:
            file = self._recorder.begin(key, fingerprint)
            done = self._recorder.manifest.state(key).pages
            begun = self._files[key] = _Begun(file, done)
        if index in begun.seen:
            return
        begun.seen.add(index)
        begun.count = begun.count or int(row["page_count"])
        file = begun.file
        if file is not None and index not in begun.done:
            self._taken += 1
            if bad.kind:
                self._recorder.fail(file, bad)
            else:
                self._recorder.keep(file, index, json.loads(row["page"]))
        if begun.count == len(begun.seen):
            del self._files[key]
            if file is not None:
                file.page_count = begun.count
                self._recorder.end(file)

    def _copy_duplicates(self) -> None:
        """Records the duplicates of what was read."""
        self._recorder.write()
        duplicates, self._duplicates = self._duplicates, []
        for key, fingerprint in duplicates:
            self._recorder.record_duplicate(key, fingerprint)

    def _measure(self, row: dict[str, Any]) -> None:
        progress = self._progress
        progress.crops += int(row["crops"])
        progress.recognizer_seconds += float(row["recognizer_seconds"])
        progress.total_volume = self._counter.total
        if row["page_count"]:
            progress.volume += int(row["volume"]) + int(row["skipped_volume"])
            progress.skipped_volume += int(row["skipped_volume"])


@dataclass
class _Begun:
    """A file of which rows are still to come; `file` is None if they are not needed."""

    file: OpenFile | None
    done: frozenset[int]
    seen: set[int] = field(default_factory=set)
    count: int = 0


class _Claims:
    """Tells which member was the first with a content; an actor."""

    def __init__(self) -> None:
        self._first: dict[bytes, bytes] = {}

    def claim(self, sha256: bytes, place: str) -> bool:
        """Returns whether this place is the first; asked again, it answers the same."""
        short = hashlib.sha256(place.encode()).digest()[:8]
        return self._first.setdefault(sha256, short) == short


def _engine_info(options: JobOptions) -> dict[str, Any]:
    return make_engine(options, threads=1).info.model_dump(mode="json")


def _contents(batch: Batch, options: SourceOptions, claims: Any) -> Iterator[Batch]:
    """Yields the members of a file that are missing, with their bytes; runs in a task."""
    import ray

    place = _place(os.fsdecode(batch["source"][0]))
    done = {tuple(known) for known in json.loads(batch["done"][0])}
    states = {known[:2] for known in done}
    hashes = {(name, sha256) for name, _, sha256 in done}
    rows: list[dict[str, Any]] = []
    size = skipped = 0
    for member in place.file(os.fsdecode(batch["part"][0]), options):
        if member.fingerprint and (member.name, member.fingerprint) in states:
            skipped += member.volume
            continue
        content, kind, reason = b"", "", ""
        try:
            content = member.read()
        except BadMember as error:
            kind, reason = type(error).__name__, str(error)
        else:
            sha256 = hashlib.sha256(content)
            if (member.name, sha256.hexdigest()) in hashes:
                skipped += member.volume
                if not member.fingerprint:
                    continue
                content, kind, reason = b"", _CHANGED, sha256.hexdigest()
            elif not ray.get(claims.claim.remote(sha256.digest(), member.place)):
                content, kind, reason = b"", _DUPLICATE, sha256.hexdigest()
        rows.append(_row(member, content, kind, reason, skipped))
        size, skipped = size + len(content), 0
        if size > _BLOCK or len(rows) == _MOST_ROWS:
            yield columns(rows)
            rows, size = [], 0
    if rows:
        yield columns(rows)


def _row(member: Member, content: bytes, kind: str, reason: str, skipped: int) -> dict[str, Any]:
    return {
        "place": member.place,
        "source": member.source,
        "member": member.name,
        "fingerprint": member.fingerprint,
        "volume": member.volume,
        "skipped_volume": skipped,
        "bytes": content,
        "error_kind": kind,
        "error_message": reason,
    }


@lru_cache(4)
def _place(source: str) -> Place:
    return Place(source)


def _reason(member: Member) -> PageError:
    """Returns why a broken member cannot be read."""
    try:
        member.read()
    except BadMember as error:
        return PageError(name=member.name, kind=type(error).__name__, message=str(error))
    raise AssertionError("it can be read")

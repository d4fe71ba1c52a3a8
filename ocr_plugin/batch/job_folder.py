"""A job's folder: its lock, and the options and models its records were made with."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.error_file import drop_retried
from ocr_plugin.batch.records.journal import Journal
from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.recorder import Recorder
from ocr_plugin.batch.records.rows import ERRORS
from ocr_plugin.batch.records.shards import RecordWriter, shard_numbers, shard_path, sync_folder
from ocr_plugin.engine.reader_threads import ReadersStalled
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.pages.decoder_pool import PREFIX
from ocr_plugin.runtime.weights import sha256_of
from ocr_plugin.schema import EngineInfo

JOB_NAME = "job.json"
_LOCK_NAME = "lock"
# Libraries that decode and read, beside the models.
_LIBRARIES = (
    "onnxruntime",
    "openvino",
    "torch",
    "rapidocr",
    "pillow",
    "pypdfium2",
    "opencv-python-headless",
)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Creates the folder if needed and locks it against other runs.

    Raises:
        ConfigurationError: another run uses it.
        OcrError: it cannot be written.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(folder / _LOCK_NAME, timeout=0))
        except Timeout:
            raise ConfigurationError(f"{folder}: in use by another run") from None
        except OSError as error:
            raise OcrError(f"{folder}: cannot be written: {error.strerror or error}") from error
        for left in folder.glob(f"{PREFIX}*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def journalling(folder: Path, run: RunOptions, after: Progress | None) -> Iterator[Journal]:
    """Yields the journal of a run, for a folder that is `locked`.

    Args:
        folder: of the job.
        run: options of the run.
        after: the progress of the run that this one goes on with.

    Raises:
        OcrError: it cannot be read or written.
    """
    journal = Journal(folder, forgive=run.retry_errors and after is None)
    try:
        yield journal
    except ReadersStalled:  # one of the pages that were begun is the cause
        journal.close()
        raise
    except BaseException:
        journal.end_run()
        raise
    journal.end_run()


@contextmanager
def recording(
    folder: Path,
    options: JobOptions,
    engine: EngineInfo,
    run: RunOptions,
    tell: Callable[[Progress], None],
    after: Progress | None = None,
) -> Iterator[Recorder]:
    """Yields the recorder of a run, for a folder that is `locked`.

    Args:
        folder: of the job.
        options: what decides the records.
        engine: likewise.
        run: options of the run.
        tell: called with the progress.
        after: what was written of the run that this one goes on with.

    Raises:
        ConfigurationError: the job was begun with other options or models.
        OcrError: the folder is damaged, or cannot be written.
    """
    _settle(folder, options, engine, run.accept_changes)
    with Manifest(folder) as manifest:
        progress = after.carried_on() if after else Progress()
        if after is None:  # else errors must stay where they are: some may be still to be retried
            drop_retried(folder, manifest)
        if run.retry_errors:
            progress.retried = manifest.retry_errors(after.retried if after else None)
            tell(progress)  # what is retried must be known if the process dies before it writes
        writer = RecordWriter(folder, manifest.sizes(), run.shard_bytes)
        try:
            yield Recorder(folder, run, manifest, writer, tell, progress)
        finally:
            writer.close()
        drop_retried(folder, manifest)


def _settle(folder: Path, options: JobOptions, engine: EngineInfo, accept_changes: bool) -> None:
    """Stores the options that decide the records, or compares them with those stored."""
    path, time = folder / JOB_NAME, datetime.now(UTC).isoformat(timespec="seconds")
    now: dict[str, Any] = {
        "options": _deciding(options),
        "engine": engine.model_dump(mode="json"),
    }
    told = now | {"versions": _versions(), "begun": time, "history": []}
    if path.exists():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            decided = {name: before[name] for name in now}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}: cannot be read: {error}") from error
        changes = list(_changes(decided, now))
        if changes and not accept_changes and _has_records(folder):
            raise ConfigurationError(
                f"{folder} was begun with other options or models: {'; '.join(changes)}"
                " (--accept-changes continues anyway)"
            )
        # Another release of a library may change a record, but seldom does.
        changes += _changes(before.get("versions", {}), told["versions"])
        if not changes:
            return
        told["begun"] = before.get("begun", time)
        told["history"] = [*before.get("history", []), {"time": time, "changes": changes}]
    elif any(folder.glob("*.sqlite")) or any(folder.glob("pages-*")):
        raise ConfigurationError(f"{folder} has records, but no {JOB_NAME}")
    _write(path, json.dumps(told, indent=1) + "\n")


def _deciding(options: JobOptions) -> dict[str, Any]:
    """Returns the options that decide the records; of the runtime only what was set.

    Threads, downloads and limits of memory may differ between runs; how large a file may be is
    told by the sources.
    """
    undecided: dict[str, Any] = {"max_memory": True, "images": {"max_bytes"}}
    values = options.model_dump(mode="json", exclude={"runtime": True, "engine": undecided})
    fixed = {"threads", "offline"}
    runtime = options.runtime.model_dump(mode="json", exclude=fixed, exclude_defaults=True)
    lexicon = options.constraint.lexicon if options.constraint else None
    if isinstance(lexicon, Path):
        values["lexicon_sha256"] = sha256_of(lexicon)
    return values | ({"runtime": runtime} if runtime else {})


def _has_records(folder: Path) -> bool:
    files = [shard_path(folder, number) for number in (ERRORS, *shard_numbers(folder))]
    return any(path.exists() and path.stat().st_size for path in files)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES if any(distributions(name=name))}


def _write(path: Path, content: str) -> None:
    """Writes a file atomically."""
    draft = path.with_suffix(".new")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise OcrError(f"{path}: cannot be written: {error.strerror}") from error


def _changes(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yields each difference as one line."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from _changes(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif before != now:
        yield f"{name} {json.dumps(before)} -> {json.dumps(now)}"

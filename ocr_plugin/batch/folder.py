"""A job's folder: who is at it, and what its records were made with."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ocr_plugin.batch.manifest import Manifest
from ocr_plugin.batch.mending import mend_errors
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.recorder import Recorder
from ocr_plugin.batch.records import RecordWriter
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.schema import EngineInfo

JOB_NAME = "job.json"
_LOCK_NAME = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder if it is not there, and keeps other runs out of it.

    Raises:
        ConfigurationError: another run is at it.
        OcrError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK_NAME, timeout=0):
            yield
    except Timeout:
        raise ConfigurationError(f"{folder}: another run is at it") from None
    except OSError as error:
        raise OcrError(f"{folder}: cannot be written: {error.strerror or error}") from error


@contextmanager
def recording(
    folder: Path,
    options: JobOptions,
    engine: EngineInfo,
    run: RunOptions,
    tell: Callable[[Progress], None],
) -> Iterator[Recorder]:
    """Yields what records a run's pages in a folder that is `locked`.

    Raises:
        ConfigurationError: the job was begun with other options or models.
        OcrError: the folder is damaged, or cannot be written.
    """
    _settle(folder, options, engine, run.accept_changes)
    with Manifest(folder) as manifest:
        mend_errors(folder, manifest)
        if run.retry_errors:
            manifest.retry_errors()
        writer = RecordWriter(folder, manifest.sizes(), run.shard_bytes)
        try:
            yield Recorder(folder, run, manifest, writer, tell)
        finally:
            writer.close()
        mend_errors(folder, manifest)


def _settle(folder: Path, options: JobOptions, engine: EngineInfo, accept_changes: bool) -> None:
    """Writes down what decides the records, or compares it with what was written."""
    path = folder / JOB_NAME
    now: dict[str, Any] = {
        "options": options.model_dump(mode="json"),
        "engine": engine.model_dump(mode="json"),
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
                f"{folder} was begun differently: {'; '.join(changes)}"
                " (--accept-changes goes on all the same)"
            )
    elif any(folder.glob("*.sqlite")) or any(folder.glob("pages-*")):
        raise ConfigurationError(f"{folder} has records, but no {JOB_NAME}")
    now["begun"] = datetime.now(UTC).isoformat(timespec="seconds")
    draft = path.with_suffix(".new")
    try:
        draft.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise OcrError(f"{path}: cannot be written: {error.strerror}") from error


def _changes(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yields what is different, by name, in one line each."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted((before.keys() | now.keys()) - {"begun"}):
            yield from _changes(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif before != now:
        yield f"{name} {json.dumps(before)} -> {json.dumps(now)}"

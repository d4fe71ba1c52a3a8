"""Rewrites the file of errors without those of retried pages."""

import os
import zlib
from itertools import groupby
from pathlib import Path

from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.rows import ERRORS, Group, PageRow
from ocr_plugin.batch.records.shards import as_lines, read_group, shard_path, sync_folder
from ocr_plugin.errors import OcrError

_DRAFT_NAME = "errors.new"


def drop_retried(folder: Path, manifest: Manifest) -> None:
    """Removes the errors of retried pages from the file.

    It may be interrupted at any moment; the next call completes it.

    Raises:
        OcrError: the file is damaged, or cannot be written.
    """
    try:
        _take_draft(folder, manifest)
        if manifest.stale_errors():
            manifest.move_errors(*_draft(folder, manifest))
            _take_draft(folder, manifest)
    except OSError as error:
        raise OcrError(f"{folder}: cannot be written: {error.strerror}") from error


def _take_draft(folder: Path, manifest: Manifest) -> None:
    """Replaces the file by a draft that was committed, and deletes any other draft."""
    draft = folder / _DRAFT_NAME
    if not draft.exists():
        return
    # A draft is shorter than the file. So it is of the committed size only when it was committed.
    if draft.stat().st_size == manifest.sizes().get(ERRORS, 0):
        draft.replace(shard_path(folder, ERRORS))
        sync_folder(folder)
    else:
        draft.unlink()


def _draft(folder: Path, manifest: Manifest) -> tuple[list[Group], list[PageRow]]:
    """Writes a draft to disk; returns its groups and rows."""
    groups: list[Group] = []
    moved: list[PageRow] = []
    frame = 0
    with (folder / _DRAFT_NAME).open("wb") as file:
        for group, found in groupby(manifest.error_rows(), key=lambda row: row.group):
            rows, records = list(found), read_group(folder, group)
            content = as_lines([records[row.line] for row in rows])
            file.write(content)
            group = Group(ERRORS, frame, len(content), len(rows), zlib.crc32(content))
            groups.append(group)
            moved += [
                PageRow(row.key, row.fingerprint, row.page_index, group, line)
                for line, row in enumerate(rows)
            ]
            frame += len(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return groups, moved

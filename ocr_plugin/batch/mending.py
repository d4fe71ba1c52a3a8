"""The file of errors, written anew without those of pages that were tried again."""

import os
import zlib
from itertools import groupby
from pathlib import Path

from ocr_plugin.batch.manifest import Manifest
from ocr_plugin.batch.records import joined, read_group, shard_path, sync_folder
from ocr_plugin.batch.rows import ERRORS, Group, PageRow
from ocr_plugin.errors import OcrError

_DRAFT_NAME = "errors.new"


def mend_errors(folder: Path, manifest: Manifest) -> None:
    """Leaves the errors of pages that failed in the file, and no others.

    It may be ended at any moment, and goes on when it is called again.

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
    """Puts a draft that the manifest knows in place of the file, and drops any other."""
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
    """Returns the groups and rows of a draft, which is on the disk."""
    groups: list[Group] = []
    moved: list[PageRow] = []
    frame = 0
    with (folder / _DRAFT_NAME).open("wb") as file:
        for group, found in groupby(manifest.error_rows(), key=lambda row: row.group):
            rows, records = list(found), read_group(folder, group)
            content = joined([records[row.line] for row in rows])
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

"""Verifies a job's folder: every page once, every record as in the manifest."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.rows import ERRORS, Group, PageRow
from ocr_plugin.batch.records.shards import read_group, shard_numbers, shard_path
from ocr_plugin.errors import OcrError, one_line
from ocr_plugin.schema import Page


def problems(folder: Path) -> Iterator[str]:
    """Yields each problem of a job's folder as one line.

    Every record file is read from its first byte to its last committed one: a byte that changed, a
    page that is there twice, is missing, does not parse, or has another hash than the manifest is a
    problem. Bytes past the committed size are none: they are truncated at the next run.

    Raises:
        OcrError: the manifest cannot be read.
    """
    with Manifest(folder, read_only=True) as manifest:
        yield from _size_problems(folder, manifest.sizes())
        yield from _group_problems(folder, manifest.groups(), manifest.rows())
        for label, expected, found in manifest.gaps():
            yield f"{label}: {found} of {expected} pages are recorded, or their numbers have gaps"


def _size_problems(folder: Path, sizes: dict[int, int]) -> Iterator[str]:
    for number, size in sorted(sizes.items()):
        path = shard_path(folder, number)
        actual = path.stat().st_size if path.exists() else 0
        if actual < size:
            yield f"{path.name}: {actual} bytes, where {size} were written"
    # The next shard may have been begun, as records are written before they are committed.
    known = {*sizes, max(sizes, default=0) + 1}
    for number in shard_numbers(folder):
        if number not in known and shard_path(folder, number).stat().st_size:
            yield f"{shard_path(folder, number).name}: not in the manifest"


def _group_problems(
    folder: Path, groups: Iterator[Group], rows: Iterator[PageRow]
) -> Iterator[str]:
    """Compares all groups, and the rows of each, with the records."""
    reached: dict[int, int] = {}
    by_group = groupby(rows, key=lambda row: row.group)
    following = next(by_group, None)
    for group in groups:
        expected = []
        if following is not None and following[0] == group:
            expected = list(following[1])
            following = next(by_group, None)
        name = shard_path(folder, group.shard).name
        end = reached.get(group.shard, 0)
        if end != group.frame:
            yield f"{name}: bytes {end} to {group.frame} are not in the manifest"
        reached[group.shard] = group.frame + group.size
        try:
            records = read_group(folder, group)
        except OcrError as error:
            yield str(error)
            continue
        for problem in _record_problems(group, records, expected):
            yield f"{name}: byte {group.frame}, {problem}"


def _record_problems(group: Group, records: list[bytes], rows: list[PageRow]) -> Iterator[str]:
    if len(records) != group.records:
        yield f"{len(records)} records, where {group.records} were written"
    # Errors of retried pages may still be in the file.
    if group.shard != ERRORS and [row.line for row in rows] != list(range(len(records))):
        yield f"{len(records)} records, where the manifest has {len(rows)}"
    for row in rows:
        if row.line < len(records):
            reason = _difference(records[row.line], row)
            if reason:
                yield f"record {row.line}: {reason}"


def _difference(line: bytes, row: PageRow) -> str:
    """Returns what is wrong with a record, or an empty string."""
    try:
        record: dict[str, Any] = json.loads(line)
        found = (record["source"], record["member"], record["sha256"] or "")
        index = -1 if record["page_index"] is None else record["page_index"]
        if (*found, index) != (row.key.source, row.key.member, row.key.sha256, row.page_index):
            return f"it belongs to {found[0]} {found[1]}, page {index}, not to {row.key.source}"
        if row.group.shard == ERRORS:
            return "" if record["error"]["message"] else "the error has no message"
        page = Page.model_validate(record["page"])
        if (page.source.sha256, page.source.page_index) != (row.key.sha256, row.page_index):
            return "the page is of another file"
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        return f"not a record: {one_line(error)}"
    return ""

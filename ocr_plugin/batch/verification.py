"""Whether a job's folder is whole: every page once, every record as the manifest says."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ocr_plugin.batch.manifest import ERRORS, Manifest, PageRow
from ocr_plugin.batch.records import read_group, shard_numbers, shard_path
from ocr_plugin.errors import OcrError
from ocr_plugin.schema import Page


def problems(folder: Path) -> Iterator[str]:
    """Yields what is wrong with a job's folder, a line each; nothing where all is well.

    Every record file is read from its first byte to its last committed one: a page that is there
    twice, is missing, does not parse, or has another hash than the manifest is a problem. Records
    past the committed size are none: they are cut off at the next run.

    Raises:
        OcrError: the manifest cannot be read.
    """
    with Manifest(folder) as manifest:
        sizes = manifest.sizes()
        yield from _size_problems(folder, sizes)
        yield from _row_problems(folder, manifest.rows(), sizes)


def _size_problems(folder: Path, sizes: dict[int, int]) -> Iterator[str]:
    for number, size in sorted(sizes.items()):
        path = shard_path(folder, number)
        actual = path.stat().st_size if path.exists() else 0
        if actual < size:
            yield f"{path.name}: {actual} bytes, where {size} were written"
    for number in shard_numbers(folder):
        if number not in sizes and shard_path(folder, number).stat().st_size:
            yield f"{shard_path(folder, number).name}: the manifest does not know it"


def _row_problems(folder: Path, rows: Iterator[PageRow], sizes: dict[int, int]) -> Iterator[str]:
    """Compares all rows, in the order of the records, with the records."""
    reached: dict[int, int] = {}
    for (shard, frame), group in groupby(rows, key=lambda row: (row.shard, row.frame)):
        name = shard_path(folder, shard).name
        try:
            records = read_group(folder, shard, frame)
        except OcrError as error:
            yield str(error)
            continue
        expected = list(group)
        if shard == ERRORS:
            records = records[: len(expected)]
        if reached.get(shard, 0) != frame and shard == ERRORS:
            yield f"{name}: lines before byte {frame} that the manifest does not know"
        reached[shard] = frame + sum(len(record) + 1 for record in records)
        if [row.line for row in expected] != list(range(len(records))):
            yield f"{name}: {len(records)} records at byte {frame}, where {len(expected)} were told"
        for row in expected:
            if row.line < len(records):
                reason = _difference(records[row.line], row)
                if reason:
                    yield f"{name}: byte {frame}, record {row.line}: {reason}"
    if reached.get(ERRORS, 0) < sizes.get(ERRORS, 0):
        yield f"{shard_path(folder, ERRORS).name}: lines that the manifest does not know"


def _difference(line: bytes, row: PageRow) -> str:
    """Returns what is wrong with a record, or nothing."""
    try:
        record: dict[str, Any] = json.loads(line)
        told = (record["source"], record["member"], record["sha256"] or "")
        index = -1 if record["page_index"] is None else record["page_index"]
        if (*told, index) != (row.key.source, row.key.member, row.key.sha256, row.page_index):
            return f"it is of {told[0]} {told[1]}, page {index}, not of {row.key.source}"
        if row.shard == ERRORS:
            return "" if record["error"]["message"] else "the error has no message"
        page = Page.model_validate(record["page"])
        if (page.source.sha256, page.source.page_index) != (row.key.sha256, row.page_index):
            return "the page is of another file"
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        return f"not a record: {' '.join(str(error).split())}"
    return ""

"""Record files: JSON lines in shards of Zstandard frames, and the errors as plain lines.

A group of records is one frame, written and synced as a whole; a frame can be read by itself.
"""

import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from ocr_plugin.batch.records.rows import ERRORS, Group, PageRow
from ocr_plugin.errors import OcrError

ERRORS_NAME = "errors.jsonl"
_LEVEL = 6
# Pages of one document are spread over a few groups at the most.
_GROUPS_HELD = 16


def shard_path(folder: Path, number: int) -> Path:
    """Returns the file of a shard, or that of the errors."""
    return folder / (ERRORS_NAME if number == ERRORS else f"pages-{number:05}.jsonl.zst")


def shard_numbers(folder: Path) -> list[int]:
    """Returns the numbers of the shards that are there, in order."""
    names = (path.name for path in folder.glob("pages-*.jsonl.zst"))
    return sorted(int(name.split("-")[1].split(".")[0]) for name in names)


class RecordWriter:
    """Appends to the record files of a job.

    Bytes past the committed sizes are truncated first: they were never committed.

    Args:
        folder: of the job.
        sizes: committed bytes by shard.
        shard_bytes: size after which a new shard is begun.

    Raises:
        OcrError: a file cannot be written, or is shorter than it was.
    """

    def __init__(self, folder: Path, sizes: dict[int, int], shard_bytes: int) -> None:
        self._folder, self._shard_bytes = folder, shard_bytes
        self._sizes = {ERRORS: 0} | sizes
        try:
            for number in {ERRORS, *sizes, *shard_numbers(folder)}:
                self._cut(number)
            self._number = max((number for number in self._sizes if number), default=0) or 1
            self._open()
        except OSError as error:
            raise _unwritable(folder, error) from error

    def close(self) -> None:
        """Closes the files."""
        for file in (self._shard, self._errors):
            with suppress(OSError):  # of a failed write, which was reported then
                file.close()

    def write(self, records: Sequence[bytes], errors: Sequence[bytes]) -> list[Group]:
        """Appends a group of records and of errors, and syncs them to disk.

        Args:
            records: JSON without line ends.
            errors: likewise.

        Returns:
            The group of the records and that of the errors, if there are any.

        Raises:
            OcrError: they cannot be written; a partial write is truncated at the next start.
        """
        try:
            if self._sizes.get(self._number, 0) > self._shard_bytes:
                self._shard.close()
                self._number += 1
                self._open()
            groups = []
            if records:
                content = packed(records)
                groups.append(self._append(self._shard, self._number, content, len(records)))
            if errors:
                content = as_lines(errors)
                groups.append(self._append(self._errors, ERRORS, content, len(errors)))
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        return groups

    def _append(self, file: BinaryIO, number: int, content: bytes, records: int) -> Group:
        frame = self._sizes.get(number, 0)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        self._sizes[number] = frame + len(content)
        return Group(number, frame, len(content), records, zlib.crc32(content))

    def _open(self) -> None:
        self._shard = shard_path(self._folder, self._number).open("ab")
        if not hasattr(self, "_errors"):
            self._errors: BinaryIO = shard_path(self._folder, ERRORS).open("ab")
        sync_folder(self._folder)

    def _cut(self, number: int) -> None:
        path, size = shard_path(self._folder, number), self._sizes.get(number, 0)
        actual = path.stat().st_size if path.exists() else 0
        if actual < size:
            raise OcrError(f"{path}: {actual} bytes, where {size} were written; see batch verify")
        if actual > size:
            os.truncate(path, size)


def _unwritable(folder: Path, error: OSError) -> OcrError:
    return OcrError(f"{error.filename or folder}: cannot be written: {error.strerror}")


def sync_folder(folder: Path) -> None:
    """Syncs the entries of a folder to disk, which syncing its files does not do."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def as_lines(records: Sequence[bytes]) -> bytes:
    """Returns records as lines."""
    return b"\n".join(records) + b"\n"


def packed(records: Sequence[bytes]) -> bytes:
    """Returns records as lines in a Zstandard frame."""
    return zstandard.ZstdCompressor(_LEVEL, write_checksum=True).compress(as_lines(records))


def read_group(folder: Path, group: Group) -> list[bytes]:
    """Returns the records of a group as JSON.

    Raises:
        OcrError: there is no such group, or it is damaged.
    """
    path = shard_path(folder, group.shard)
    try:
        with path.open("rb") as file:
            file.seek(group.frame)
            content = file.read(group.size)
        if zlib.crc32(content) != group.checksum:
            raise ValueError("it is damaged, or cut off")
        if group.shard != ERRORS:
            content = zstandard.ZstdDecompressor().decompress(content)
        return content.splitlines()
    except (OSError, ValueError, zstandard.ZstdError) as error:
        raise OcrError(f"{path}: the group at {group.frame} cannot be read: {error}") from error


def read_documents(folder: Path, rows: Iterable[PageRow]) -> Iterator[dict[str, Any]]:
    """Yields the records of pages in the order given, which should be nearly that of the files.

    Raises:
        OcrError: a file is damaged.
    """
    held = lru_cache(_GROUPS_HELD)(read_group)
    for row in rows:
        yield json.loads(held(folder, row.group)[row.line])


def read_records(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields every record of a job, shard by shard.

    Raises:
        OcrError: a file is damaged.
    """
    for number in shard_numbers(folder):
        yield from _lines(shard_path(folder, number))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            for line in io.TextIOWrapper(reader, encoding="utf-8"):
                yield json.loads(line)
    except (OSError, ValueError, zstandard.ZstdError) as error:
        raise OcrError(f"{path}: damaged: {error}") from error

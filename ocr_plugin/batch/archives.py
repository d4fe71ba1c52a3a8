"""Zip and tar archives (plain, gzip, bzip2, xz, Zstandard; WebDataset shards), read as streams.

Nothing is unpacked to a disk but an archive within an archive, which has to be held somewhere while
it is read. What an archive claims of a member is not believed: what comes out is counted.
"""

import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO

import zstandard

from ocr_plugin.batch.members import (
    BadMember,
    Member,
    Members,
    Names,
    SourceOptions,
    broken,
    is_unsafe,
    plain,
)

_ZIP_SUFFIXES = (".zip", ".cbz")
_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
_ZSTD = b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20
# A ratio below this size is no bomb, but an empty page.
_HARMLESS = 50_000_000
_HELD_IN_MEMORY = 64_000_000
# What the readers of damaged archives raise.
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
)


def is_archive(name: str) -> bool:
    """Returns whether a file of this name is opened as an archive."""
    return name.casefold().endswith((*_ZIP_SUFFIXES, *_TAR_SUFFIXES))


def archive_members(
    source: str, prefix: str, name: str, file: BinaryIO, options: SourceOptions, depth: int = 0
) -> Members:
    """Yields the members of an archive, and those of archives in it.

    Args:
        source: what the archive was found in.
        prefix: what the members' names begin with.
        name: the archive's own, which tells its kind.
        file: its content; for a zip archive it must be seekable.
        options: limits, and what is taken.
        depth: how many archives it lies in.
    """
    kind = _zip_members if name.casefold().endswith(_ZIP_SUFFIXES) else _tar_members
    try:
        for member in kind(source, prefix, file, options):
            inner = plain(member.name.removeprefix(prefix))
            if not is_archive(inner):
                if options.takes(inner):
                    yield member
                continue
            yield from _nested(member, inner, options, depth)
    except _DAMAGED as error:
        yield broken(source, f"{prefix}*", f"the archive is damaged: {_line(error)}")


def _nested(member: Member, name: str, options: SourceOptions, depth: int) -> Members:
    if depth >= options.max_depth:
        reason = f"archives are opened to a depth of {options.max_depth}"
        yield broken(member.source, member.name, reason)
        return
    try:
        content = member.read()
    except BadMember as error:
        yield broken(member.source, member.name, str(error))
        return
    with tempfile.SpooledTemporaryFile(_HELD_IN_MEMORY) as held:
        held.write(content)
        del content
        held.seek(0)
        prefix = f"{member.name}!/"
        yield from archive_members(member.source, prefix, name, held, options, depth + 1)  # type: ignore[arg-type]


def _zip_members(source: str, prefix: str, file: BinaryIO, options: SourceOptions) -> Members:
    names = Names()
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            name = prefix + names.of(entry.filename)
            if is_unsafe(entry.filename):
                yield broken(source, name, "the name leads out of the archive")
            elif entry.flag_bits & 1:
                yield broken(source, name, "the member is encrypted")
            else:
                yield Member(
                    source,
                    name,
                    f"crc {entry.CRC:08x} {entry.file_size}",
                    _reader(lambda entry=entry: archive.open(entry), entry.compress_size, options),  # type: ignore[misc]
                    volume=entry.compress_size,
                )


def _tar_members(source: str, prefix: str, file: BinaryIO, options: SourceOptions) -> Members:
    names = Names()
    passed = 0
    with tarfile.open(fileobj=_unpacked(file), mode="r|*") as archive:
        for entry in archive:
            before, passed = passed, file.tell()
            name = prefix + names.of(entry.name)
            if not entry.isfile():
                if (entry.issym() or entry.islnk()) and options.takes(entry.name):
                    yield broken(source, name, "the member is a link")
                continue
            if is_unsafe(entry.name):
                yield broken(source, name, "the name leads out of the archive")
                continue
            opened = archive.extractfile(entry)
            assert opened is not None, "a regular file can be opened"
            yield Member(
                source,
                name,
                f"tar {entry.size} {entry.mtime}",
                _reader(lambda opened=opened: opened, entry.size, options),  # type: ignore[misc]
                volume=passed - before,
            )


def _unpacked(file: BinaryIO) -> BinaryIO:
    """Returns the tar of a Zstandard file; tarfile itself knows the other compressions."""
    head = file.read(4)
    joined: Any = _Joined(head, file)
    if head == _ZSTD:
        joined = zstandard.ZstdDecompressor().stream_reader(joined, read_across_frames=True)
    return joined  # type: ignore[no-any-return]


class _Joined(io.RawIOBase):
    """A file whose first bytes were read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        size = -1 if size is None else size
        if size < 0:
            head, self._head = self._head, b""
            return head + self._rest.read()
        head, self._head = self._head[:size], self._head[size:]
        return head + self._rest.read(size - len(head))


def _reader(
    opened: Callable[[], IO[bytes]], packed: int, options: SourceOptions
) -> Callable[[], bytes]:
    """Returns what reads a member, and stops where it turns out to be too much."""

    def read() -> bytes:
        content = bytearray()
        try:
            with opened() as stream:
                for chunk in _chunks(stream):
                    content += chunk
                    _check(len(content), packed, options)
        except _DAMAGED as error:
            raise BadMember(f"the member is damaged: {_line(error)}") from error
        except RuntimeError as error:  # zipfile's word for a password that it was not given
            raise BadMember(f"the member cannot be opened: {_line(error)}") from error
        return bytes(content)

    return read


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _check(size: int, packed: int, options: SourceOptions) -> None:
    if size > options.max_bytes:
        raise BadMember(f"the member is more than {options.max_bytes} bytes (max_bytes)")
    if size > _HARMLESS and size > options.max_ratio * max(packed, 1):
        raise BadMember(f"the member unpacks to more than {options.max_ratio:g} times its size")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

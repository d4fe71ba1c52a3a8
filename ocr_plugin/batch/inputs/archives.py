"""Zip and tar archives (plain, gzip, bzip2, xz, Zstandard; WebDataset shards), read as streams.

Only an archive within an archive is unpacked to disk, while it is read. Sizes that an archive
claims are not trusted: the bytes that come out are counted.
"""

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, cast

from ocr_plugin.batch.inputs.members import (
    BadMember,
    Member,
    Members,
    Names,
    SourceOptions,
    broken,
    is_unsafe,
)
from ocr_plugin.batch.inputs.tar import HARMLESS, entries, open_tar
from ocr_plugin.errors import one_line

_ZIP_SUFFIXES = (".zip", ".cbz")
_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
_CHUNK = 1 << 20
_HELD_IN_MEMORY = 64_000_000

_Found = Iterator[tuple[str, Member]]
"""Entries with their names in the archive, which need not be unique."""


def is_archive(name: str) -> bool:
    """Returns whether a file of this name is opened as an archive."""
    return name.casefold().endswith((*_ZIP_SUFFIXES, *_TAR_SUFFIXES))


def archive_members(
    source: str,
    prefix: str,
    name: str,
    file: BinaryIO,
    options: SourceOptions,
    state: str,
    depth: int = 0,
) -> Members:
    """Yields the members of an archive, and those of archives in it.

    Args:
        source: what the archive was found in.
        prefix: what the members' names begin with.
        name: the archive's own, which tells its kind.
        file: its content; for a zip archive it must be seekable.
        options: limits, and what is taken.
        state: the archive's fingerprint.
        depth: number of archives around it.
    """
    kind = _zip_members if name.casefold().endswith(_ZIP_SUFFIXES) else _tar_members
    try:
        for inner, member in kind(source, prefix, file, options, state):
            if not is_archive(inner):
                if not inner or options.takes(inner, prefix + inner):
                    yield member
            elif not options.leaves_out(inner, prefix + inner):
                yield from _nested(member, inner, options, depth)
    except Exception as error:  # archive readers raise anything on damaged files
        yield broken(source, f"{prefix}*", f"the archive is damaged: {one_line(error)}")


def _nested(member: Member, name: str, options: SourceOptions, depth: int) -> Members:
    if depth >= options.max_depth:
        reason = f"archives are opened to a depth of {options.max_depth}"
        yield broken(member.source, member.name, reason)
        return
    with tempfile.SpooledTemporaryFile(_HELD_IN_MEMORY) as held:
        try:
            held.write(member.read())
            held.seek(0)
        except (BadMember, OSError) as error:  # OSError: no room for the temporary copy
            yield broken(member.source, member.name, one_line(error))
            return
        file, prefix = cast(BinaryIO, held), f"{member.name}!/"
        yield from archive_members(
            member.source, prefix, name, file, options, member.fingerprint, depth + 1
        )


def _zip_members(
    source: str, prefix: str, file: BinaryIO, options: SourceOptions, state: str
) -> _Found:
    names = Names()
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            inner = entry.filename
            if inner.endswith("/"):
                continue
            name = prefix + names.of(inner or "?")
            if failure := _failure(inner, entry.flag_bits):
                yield inner, broken(source, name, failure)
                continue
            yield (
                inner,
                Member(
                    source,
                    name,
                    # The CRC identifies the content, so the archive's own state does not matter.
                    f"crc {entry.CRC:08x} {entry.file_size}",
                    _reader(lambda entry=entry: archive.open(entry), entry.compress_size, options),  # type: ignore[misc]
                    volume=entry.compress_size,
                ),
            )


def _failure(name: str, flags: int = 0) -> str:
    """Returns why a member is not opened, or an empty string."""
    if not name:
        return "the member has no name"
    if is_unsafe(name):
        return "the name leads out of the archive"
    return "the member is encrypted" if flags & 1 else ""


def _tar_members(
    source: str, prefix: str, file: BinaryIO, options: SourceOptions, state: str
) -> _Found:
    names = Names()
    passed = 0
    with open_tar(file, options.max_ratio) as archive:
        for entry in entries(archive):
            before, passed = passed, file.tell()
            if not entry.isfile() and not entry.issym() and not entry.islnk():
                continue
            name = prefix + names.of(entry.name or "?")
            failure = _failure(entry.name) if entry.isfile() else "the member is a link"
            opened = archive.extractfile(entry) if not failure else None
            if opened is None:
                yield entry.name, broken(source, name, failure)
                continue
            yield (
                entry.name,
                Member(
                    source,
                    name,
                    # Many writers set the time to 0, so the archive's own state is included.
                    f"tar {entry.size} {entry.mtime} in {state}" if state else "",
                    _reader(lambda opened=opened: opened, entry.size, options),  # type: ignore[misc]
                    volume=passed - before,
                ),
            )


def _reader(
    opened: Callable[[], IO[bytes]], packed: int, options: SourceOptions
) -> Callable[[], bytes]:
    """Returns a function that reads a member and raises once it exceeds the limits."""

    def read() -> bytes:
        content = bytearray()
        try:
            with opened() as stream:
                for chunk in _chunks(stream):
                    content += chunk
                    _check(len(content), packed, options)
        except BadMember:
            raise
        except Exception as error:  # as above
            raise BadMember(f"the member is damaged: {one_line(error)}") from error
        return bytes(content)

    return read


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _check(size: int, packed: int, options: SourceOptions) -> None:
    if size > options.max_bytes:
        raise BadMember(f"the member is more than {options.max_bytes} bytes (max_bytes)")
    if size > HARMLESS and size > options.max_ratio * max(packed, 1):
        raise BadMember(f"the member unpacks to more than {options.max_ratio:g} times its size")

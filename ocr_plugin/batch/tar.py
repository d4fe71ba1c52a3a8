"""Tar archives as streams of entries, compressed or not, read to their very end.

`tarfile` takes a header that is cut off or damaged for the end of an archive. Here the end is where
the archive says so, by a block of zeros; anything else is an error. Some writers leave that block
out, but such an archive cannot be told from one that was cut off between two members, so it is an
error as well. Archives that were joined end to end are read to the last.
"""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import zstandard

# A stream that unpacks to less than this is no bomb, but has empty pages.
HARMLESS = 50_000_000
# Bytes of a name, or of the other attributes of an entry: all of them are held in memory.
_LONGEST_HEADER = 1 << 16
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


def open_tar(file: BinaryIO, max_ratio: float) -> tarfile.TarFile:
    """Returns a tar archive whose entries are to be had from `entries`.

    Args:
        file: the archive; it need not be seekable.
        max_ratio: a compressed one may unpack to so many times its size.

    Raises:
        Exception: it is damaged, in the words of `tarfile` or the compression.
    """
    return _Archive.open(
        fileobj=_unpacked(file, max_ratio), mode="r|", tarinfo=_Entry, ignore_zeros=True
    )


def entries(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yields the entries of an archive; each can be read until the next is asked for.

    Raises:
        Exception: as `open_tar`.
    """
    while (entry := archive.next()) is not None:
        # Those of a whole archive would take gigabytes.
        cast(Any, archive).members.clear()
        yield entry


class _Archive(tarfile.TarFile):
    """An archive that knows whether its end was marked."""

    is_marked = False


class _Entry(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, archive: Any) -> "_Entry":
        """Returns the next entry; what is neither that nor the marked end is an error."""
        try:
            entry = super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            archive.is_marked = True
            raise
        except (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            if archive.is_marked:
                raise
            raise tarfile.ReadError("it ends too soon") from error
        except tarfile.InvalidHeaderError as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"no header where one is due: {error}") from error
        archive.is_marked = False
        return entry

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "_Entry":
        """Returns the entry that a header tells of, unless the header cannot be meant well."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.size < 0:
            raise tarfile.ReadError("a size is negative")
        if entry.type in _HEADERS and entry.size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {entry.size} bytes")
        return entry


def _unpacked(file: BinaryIO, max_ratio: float) -> BinaryIO:
    head = file.read(6)
    joined = cast(BinaryIO, _Joined(head, file))
    for magic, unpacking in _COMPRESSIONS:
        if head.startswith(magic):
            return cast(BinaryIO, _Bounded(unpacking(joined), file, max_ratio))
    return joined


def _zstd(file: BinaryIO) -> Any:
    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)


# tarfile's own streams do not miss the end of a compressed file; these do.
_COMPRESSIONS: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
    (b"\x5d\0\0\x80", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", _zstd),
)


class _Joined(io.RawIOBase):
    """A file whose first bytes were read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            head, self._head = self._head, b""
            return head + self._rest.read()
        head, self._head = self._head[:size], self._head[size:]
        return head + self._rest.read(size - len(head))


class _Bounded(io.RawIOBase):
    """What a file unpacks to, as long as that is in proportion to its size."""

    def __init__(self, unpacked: Any, packed: BinaryIO, max_ratio: float) -> None:
        self._unpacked, self._packed, self._max_ratio = unpacked, packed, max_ratio
        self._size = 0

    def read(self, size: int | None = -1) -> bytes:
        content: bytes = self._unpacked.read(size)
        self._size += len(content)
        if self._size > HARMLESS and self._size > self._max_ratio * self._packed.tell():
            raise tarfile.ReadError(f"it unpacks to more than {self._max_ratio:g} times its size")
        return content

"""Tar archives as streams of entries, compressed or not, read to their end.

`tarfile` takes a truncated or damaged header for the end of an archive. Here only a block of zeros
ends it; anything else is an error. Some writers omit that block, but such an archive looks like one
truncated between two members, so it is an error as well. Concatenated archives are all read.
"""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import zstandard

# A stream that unpacks to fewer bytes is harmless at any ratio: blank pages compress well.
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
    """Returns a tar archive, for `entries` to read.

    Args:
        file: the archive; it need not be seekable.
        max_ratio: largest allowed decompression ratio.

    Raises:
        Exception: of `tarfile` or the decompressor, if the archive is damaged.
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
        # tarfile keeps all entries, which may take gigabytes.
        cast(Any, archive).members.clear()
        yield entry


class _Archive(tarfile.TarFile):
    """An archive that knows whether its end was marked."""

    is_marked = False


class _Entry(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, archive: Any) -> "_Entry":
        """Returns the next entry; anything but an entry or the end marker is an error."""
        try:
            entry = super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            archive.is_marked = True
            raise
        except (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            if archive.is_marked:
                raise
            raise tarfile.ReadError("it is truncated") from error
        except tarfile.InvalidHeaderError as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"invalid header: {error}") from error
        archive.is_marked = False
        return entry

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "_Entry":
        """Returns a header's entry, or raises ReadError for a hostile header."""
        return _checked(super().frombuf(buf, encoding, errors))

    @classmethod
    def _frombuf(cls, *header: Any, **how: Any) -> "_Entry":
        # What Python 3.13.4 and its like call where others call `frombuf`.
        return _checked(super()._frombuf(*header, **how))  # type: ignore[misc]


def _checked(entry: Any) -> _Entry:
    if entry.size < 0:
        raise tarfile.ReadError("a size is negative")
    if entry.type in _HEADERS and entry.size > _LONGEST_HEADER:
        raise tarfile.ReadError(f"a header of {entry.size} bytes")
    return cast(_Entry, entry)


def _unpacked(file: BinaryIO, max_ratio: float) -> BinaryIO:
    head = file.read(6)
    joined = cast(BinaryIO, _Joined(head, file))
    for magic, unpacking in _COMPRESSIONS:
        if head.startswith(magic):
            return cast(BinaryIO, _Bounded(unpacking(joined), file, max_ratio))
    return joined


def _zstd(file: BinaryIO) -> Any:
    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)


# Unlike tarfile's own streams, these notice a truncated file.
_COMPRESSIONS: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
    (b"\x5d\0\0\x80", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", _zstd),
)


class _Joined(io.RawIOBase):
    """A file whose first bytes have already been read."""

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
    """A decompressed stream that fails above a decompression ratio."""

    def __init__(self, unpacked: Any, packed: BinaryIO, max_ratio: float) -> None:
        self._unpacked, self._packed, self._max_ratio = unpacked, packed, max_ratio
        self._size = 0

    def read(self, size: int | None = -1) -> bytes:
        content: bytes = self._unpacked.read(size)
        self._size += len(content)
        if self._size > HARMLESS and self._size > self._max_ratio * self._packed.tell():
            raise tarfile.ReadError(f"it unpacks to more than {self._max_ratio:g} times its size")
        return content

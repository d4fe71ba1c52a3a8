"""TIFF files: their directories, and the pages that these tell.

The chain of directories is walked here, once: Pillow goes through all that it has seen for each
further one. A page is opened by a header that names its directory as the first.
"""

import io
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator
from io import SEEK_SET
from itertools import islice
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import BinaryIO, Literal, Self, cast

from PIL import TiffImagePlugin

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.image_formats import check_tiff, why
from ocr_plugin.pages.images import tiff_frame
from ocr_plugin.pages.raster import Picture, Pictures, Unusable, too_many_pages

# Bits of a page's NewSubfileType: a smaller copy of another page, a transparency mask.
_NOT_A_PAGE = 0b101
_NEW_SUBFILE_TYPE = 254
# It has the lowest number of all usual tags, and they are sorted.
_MOST_ENTRIES = 64
# Directories that are no pages: so many in any case, and so many a page.
_MOST_OTHERS, _MOST_A_PAGE = 10_000, 10


class _Layout:
    """How numbers lie in a file: byte order, and their widths in a TIFF or a BigTIFF."""

    def __init__(self, data: bytes | mmap) -> None:
        self.order = "<" if data[:2] == b"II" else ">"
        is_big = 43 in data[2:4]
        # Where the header names the first directory.
        self.first = 8 if is_big else 4
        self.offset = struct.Struct(self.order + ("Q" if is_big else "I"))
        self.count = struct.Struct(self.order + ("Q" if is_big else "H"))
        # Tag and type of an entry, and where its value begins.
        self.entry, self.value = (20, 12) if is_big else (12, 8)


def page_offsets(data: bytes | mmap) -> Iterator[int | Unusable]:
    """Yields where each page's directory begins, or why those of the rest cannot be found.

    Args:
        data: a TIFF file.
    """
    layout, seen, pages = _Layout(data), set[int](), 0
    try:
        (place,) = layout.offset.unpack_from(data, layout.first)
        while place and place not in seen:
            seen.add(place)
            if len(seen) > max(_MOST_OTHERS, _MOST_A_PAGE * pages):
                yield Unusable(f"the TIFF has {len(seen)} directories, of which {pages} are pages")
                return
            (count,) = layout.count.unpack_from(data, place)
            entries = place + layout.count.size
            end = entries + count * layout.entry
            (following,) = layout.offset.unpack_from(data, end)
            if not pages or not _kind(data, entries, count, layout) & _NOT_A_PAGE:
                pages += 1
                yield place
            place = following
    except (struct.error, IndexError, OverflowError):  # beyond the file's end
        yield Unusable("the image is truncated")


def _kind(data: bytes | mmap, entries: int, count: int, layout: _Layout) -> int:
    """Returns the NewSubfileType of a directory whose entries lie there."""
    for index in range(min(count, _MOST_ENTRIES)):
        start = entries + index * layout.entry
        tag, kind = struct.unpack_from(layout.order + "HH", data, start)
        if tag == _NEW_SUBFILE_TYPE:
            code = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind, "I")
            (value,) = struct.unpack_from(layout.order + code, data, start + layout.value)
            return int(value)
    return 0


class _Walked:
    """Keeps what was found in the last few files: long ones are read a few pages at a time."""

    _MOST = 4

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], list[int | Unusable]] = OrderedDict()
        self._lock = threading.Lock()

    def offsets(self, data: bytes | mmap, most: int, sha256: str | None) -> list[int | Unusable]:
        """Returns at most so many of the `page_offsets`."""
        if sha256 is None:
            return list(islice(page_offsets(data), most))
        with self._lock:
            found = self._known.get((sha256, most))
        if found is None:
            found = list(islice(page_offsets(data), most))
        with self._lock:
            self._known[sha256, most] = found
            self._known.move_to_end((sha256, most))
            if len(self._known) > self._MOST:
                self._known.popitem(last=False)
        return found


_walked = _Walked()


class _Mapped(mmap):
    """A file on the disk as Pillow takes one in memory; what is not needed of it is not read.

    What is written stays in this process.
    """

    def __new__(cls, path: Path) -> Self:
        with path.open("rb") as file:
            return super().__new__(cls, file.fileno(), 0, access=ACCESS_COPY)

    def seek(self, place: int, whence: Literal[0, 1, 2, 3, 4] = SEEK_SET) -> None:
        """As of files in memory, where behind the end there is nothing to be read."""
        super().seek(min(place, len(self)) if whence == SEEK_SET else place, whence)

    def getvalue(self) -> Self:
        """Returns all bytes, for a decoder that takes them as a whole."""
        return self


def tiff_pages(
    source: bytes | Path, options: ImageOptions, first: int, sha256: str | None
) -> Pictures:
    """Yields the pages of a TIFF, or why one cannot be read.

    Args:
        source: the file's bytes, which `identified` knows, or its path.
        options: limits.
        first: the page to begin with, counted from 0.
        sha256: of the bytes, if it is to be read again from a later page on.

    Raises:
        Unusable: the file at a path is damaged at its beginning.
    """
    if isinstance(source, bytes):
        yield from _pages(source, io.BytesIO(source), options, first, sha256)
        return
    with _Mapped(source) as mapped:
        file = cast(BinaryIO, mapped)
        if first == 0:
            check_tiff(file)
        yield from _pages(mapped, file, options, first, sha256)


def _pages(
    data: bytes | mmap, file: BinaryIO, options: ImageOptions, first: int, sha256: str | None
) -> Pictures:
    layout = _Layout(data)
    offsets = _walked.offsets(data, options.max_pages + 1, sha256)
    for index, offset in enumerate(offsets[first:], first):
        try:
            if isinstance(offset, Unusable):
                raise offset
            if index == options.max_pages:
                raise too_many_pages(options.max_pages)
            picture: Picture | Unusable = _page(file, offset, layout, options.max_pixels)
        except Unusable as error:
            picture = error
        yield picture


def _page(file: BinaryIO, offset: int, layout: _Layout, max_pixels: int) -> Picture:
    file.seek(layout.first)
    file.write(layout.offset.pack(offset))

    def opened() -> TiffImagePlugin.TiffImageFile:
        file.seek(0)
        try:
            return TiffImagePlugin.TiffImageFile(file, "")
        except Exception as error:  # readers raise anything on damaged directories
            raise Unusable(why("TIFF", error)) from error

    return tiff_frame(opened, max_pixels)

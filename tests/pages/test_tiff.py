"""The directories of TIFF files, walked once."""

import hashlib
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from PIL import TiffImagePlugin

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages import tiff
from ocr_plugin.pages.decode import has_more_pages, open_pages
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.tiff import page_offsets
from tests.sources import OPTIONS, colour_of, encoded, failure_of, noise, pages, plain, tiff_of


def chain(count: int, copies: bool = True) -> bytes:
    """A TIFF of one white pixel, with further directories: smaller copies, or pages."""
    pixel, data = 8, b"II*\0\x0c\0\0\0" + b"\xff\0\0\0"
    for index in range(count + 1):
        tags = [
            (254, 4, int(copies and index > 0)), (256, 3, 1), (257, 3, 1), (258, 3, 8),
            (259, 3, 1), (262, 3, 1), (273, 4, pixel), (277, 3, 1), (278, 3, 1), (279, 4, 1),
        ]  # fmt: skip
        entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
        following = len(data) + 2 + len(entries) + 4 if index < count else 0
        data += struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return data


def test_directories_that_are_no_pages_are_passed_over() -> None:
    (only,) = pages(chain(9_000))
    assert isinstance(only, PageImage) and colour_of(only.pixels) == (255, 255, 255)


def test_more_directories_than_any_document_has_are_an_error() -> None:
    first, second = pages(chain(12_000))
    assert isinstance(first, PageImage)
    assert failure_of(second).reason == "the TIFF has 10001 directories, of which 1 are pages"
    assert has_more_pages(chain(12_000), 1)


def test_a_long_chain_takes_no_longer_for_each_directory() -> None:
    data = chain(4_000, copies=False)
    start = time.process_time()
    assert len(list(page_offsets(data))) == 4_001
    assert time.process_time() - start < 0.5


def test_a_document_read_in_parts_is_walked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks = []

    def walked(data: bytes) -> object:
        walks.append(len(data))
        return page_offsets(data)

    monkeypatch.setattr(tiff, "page_offsets", walked)
    path = tmp_path / "long.tif"
    path.write_bytes(chain(40, copies=False))
    for first in range(0, 41, 4):
        part = open_pages(path, OPTIONS, first, sha256="of the long one")
        assert next(part).page_index == first
    assert len(walks) == 1


def test_pages_after_the_limit_are_one_error() -> None:
    data = tiff_of(plain("red"), plain("lime"), plain("blue"), plain("white"))
    for source in (data, encoded(noise(), "PDF", save_all=True, append_images=[noise()] * 3)):
        options = ImageOptions(max_pages=2)
        first, second, third = pages(source, options)
        assert isinstance(first, PageImage) and isinstance(second, PageImage)
        assert third.page_index == 2
        assert failure_of(third).reason == "pages after the first 2 were not read (max_pages)"
        assert [page.page_index for page in open_pages(source, options, 2)] == [2]
        assert not list(open_pages(source, options, 3))
        assert len(pages(source, ImageOptions(max_pages=4))) == 4


@pytest.mark.parametrize("kind", ["II", "MM", "BigTIFF"])
def test_every_kind_of_tiff(kind: str) -> None:
    data = {"II": chain(1, copies=False), "MM": tiff_of_big_end(), "BigTIFF": big_tiff()}[kind]
    first, second = pages(data)
    assert isinstance(first, PageImage) and isinstance(second, PageImage)
    assert has_more_pages(data, 1) and not has_more_pages(data, 2)


def big_tiff() -> bytes:
    """A BigTIFF of two pages."""
    tags = [
        (256, 1),
        (257, 1),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 1),
        (279, 1),
    ]
    entries = b"".join(struct.pack("<HHQQ", tag, 3, 1, value) for tag, value in tags)
    data = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16)
    for following in (16 + 8 + len(entries) + 8, 0):
        data += struct.pack("<Q", len(tags)) + entries + struct.pack("<Q", following)
    return data


def tiff_of_big_end() -> bytes:
    """A TIFF of two pages whose numbers have their highest byte first."""
    data = b"MM\0*" + struct.pack(">I", 12) + b"\xff\0\0\0"
    tags = [
        (256, 1),
        (257, 1),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 1),
        (279, 1),
    ]
    for last in (False, True):
        entries = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
        following = 0 if last else len(data) + 2 + len(entries) + 4
        data += struct.pack(">H", len(tags)) + entries + struct.pack(">I", following)
    return data


def test_an_offset_beyond_the_file_is_a_truncated_page() -> None:
    data = bytearray(chain(1, copies=False))
    end = 12 + 2 + 12 * 10
    for beyond in (len(data) - 1, 2**31, 2**32 - 1):
        struct.pack_into("<I", data, end, beyond)
        first, second = pages(bytes(data))
        assert isinstance(first, PageImage)
        assert failure_of(second).reason == "the image is truncated"


def test_a_page_that_pillow_cannot_open_fails_alone() -> None:
    data = bytearray(chain(2, copies=False))
    size = 2 + 12 * 10 + 4
    # The second page is compressed in a way that does not exist.
    struct.pack_into("<I", data, 12 + size + 2 + 12 * 4 + 8, 9999)
    first, second, third = pages(bytes(data))
    assert isinstance(first, PageImage) and isinstance(third, PageImage)
    assert "TIFF" in failure_of(second).reason
    assert TiffImagePlugin.COMPRESSION_INFO.get(9999) is None


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_document_read_in_parts_from_the_disk_is_never_held_as_a_whole(
    compression: str, tmp_path: Path
) -> None:
    data = tiff_of(*[noise(400, 300)] * 20, compression=compression)
    path, digest = tmp_path / "long.tif", hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    tracemalloc.start()
    part = next(open_pages(path, OPTIONS, 8, digest))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A few pages' bytes, of twenty.
    assert most < 5 * 400 * 300 * 3 < len(data)
    (alike,) = list(open_pages(data, OPTIONS))[8:9]
    assert isinstance(part, PageImage) and isinstance(alike, PageImage)
    assert (part.pixels == alike.pixels).all() and part.sha256 == alike.sha256
    assert path.read_bytes() == data


@pytest.mark.parametrize("end", [5, 9, 14, 100, -1, -200, -5000])
def test_what_is_cut_off_is_told_of_a_file_as_of_its_bytes(end: int, tmp_path: Path) -> None:
    data = tiff_of(noise(), noise(), compression="tiff_lzw")[:end]
    path, digest = tmp_path / "short.tif", hashlib.sha256(data).hexdigest()
    path.write_bytes(data)

    def told(source: bytes | Path, sha256: str | None) -> list[str]:
        try:
            found = list(open_pages(source, OPTIONS, sha256=sha256, name="a"))
        except UnreadableImage as error:
            return [str(error)]
        return [str(each.error) if isinstance(each, PageFailure) else each.name for each in found]

    assert told(path, digest) == told(data, None) != ["a", "a"]

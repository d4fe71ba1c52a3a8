import hashlib
import io
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.pages.decode import has_more_pages, open_pages
from ocr_plugin.pages.raster import PageImage
from tests.sources import (
    OPTIONS,
    TINY,
    colour_of,
    encoded,
    failure_of,
    noise,
    page,
    pages,
    pdf_of,
    plain,
    refusal,
    tiff_of,
)

# Limits


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "PPM", "GIF"])
def test_a_truncated_image(kind: str) -> None:
    data = encoded(noise(), kind)
    assert refusal(data[: len(data) // 2]) == "the image is truncated"


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "BMP", "JPEG"])
def test_no_length_of_a_cut_header_gives_a_page(kind: str) -> None:
    data = encoded(noise(), kind)
    reasons = {refusal(data[:length]) for length in range(1, 24)}
    known = ("not an image in", "header is damaged or cut off", "truncated", "cannot be decoded as")
    assert all(any(part in reason for part in known) for reason in reasons)


def test_a_damaged_image_says_what_it_looked_like() -> None:
    data = bytearray(encoded(noise()))
    data[8:] = bytes(len(data) - 8)
    assert "PNG" in refusal(bytes(data))


def test_an_image_whose_decoder_fails_otherwise() -> None:
    data = bytearray(encoded(noise(), "WEBP"))
    data[20:] = bytes(len(data) - 20)
    assert refusal(bytes(data)).startswith("cannot be decoded as WEBP: ")


# Several pages, several frames


def test_every_page_of_a_tiff() -> None:
    data = tiff_of(plain("red", (9, 7)), plain("lime"), plain("blue", mode="CMYK"), plain("white"))
    got = pages(data)
    assert [page.page_index for page in got] == [0, 1, 2, 3]
    assert all(isinstance(page, PageImage) for page in got)
    colours = [colour_of(page.pixels) for page in got if isinstance(page, PageImage)]
    assert colours == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    digests = {page.sha256 for page in got if isinstance(page, PageImage)}
    assert digests == {hashlib.sha256(data).hexdigest()}


def test_a_damaged_page_of_a_tiff_fails_alone() -> None:
    data = bytearray(tiff_of(noise(), noise(), noise(), compression="tiff_lzw"))
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        start, length = image.tag_v2[273][0], image.tag_v2[279][0]  # type: ignore[attr-defined]
    data[start : start + length] = b"\xff" * length
    first, second, third = pages(bytes(data))
    assert isinstance(first, PageImage) and isinstance(third, PageImage)
    assert second.page_index == 1 and third.page_index == 2
    assert failure_of(second).reason.startswith("cannot be decoded as TIFF: ")
    assert (third.pixels == np.asarray(noise())).all()


def test_a_tiff_that_breaks_off_gives_the_pages_before() -> None:
    data = tiff_of(noise(), noise(), noise())
    *read, last = pages(data[: len(data) * 2 // 3])
    assert read and all(isinstance(page, PageImage) for page in read)
    assert failure_of(last).page_index == len(read)


def test_smaller_copies_in_a_tiff_are_no_pages() -> None:
    copy = plain("red", (4, 3))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    first, second = pages(tiff_of(plain("red"), copy, plain("blue")))
    assert isinstance(first, PageImage) and isinstance(second, PageImage)
    assert first.pixels.shape == second.pixels.shape == (6, 8, 3)
    assert (second.page_index, colour_of(second.pixels)) == (1, (0, 0, 255))


@pytest.mark.parametrize("make", ["tiff", "pdf", "png"])
def test_pages_are_counted_without_being_decoded(make: str) -> None:
    copy = plain("gray", (4, 3))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    data = {
        "tiff": tiff_of(noise(), copy, noise(), compression="tiff_lzw"),
        "pdf": pdf_of((72, 72), (72, 72)),
        "png": encoded(plain("red"), "PNG"),
    }[make]
    count = len(pages(data))
    assert has_more_pages(data, count - 1) and not has_more_pages(data, count)
    with pytest.raises(UnreadableImage, match="a: "):
        has_more_pages(data[:40], 1, "a")


def test_a_tiff_whose_pages_form_a_ring_ends() -> None:
    data = bytearray(tiff_of(plain("red"), plain("blue")))
    assert data[:2] == b"II"
    (first,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * tags)
    (tags,) = struct.unpack_from("<H", data, second)
    struct.pack_into("<I", data, second + 2 + 12 * tags, first)
    assert len(pages(bytes(data))) == 2


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_read_with_a_warning(kind: str) -> None:
    frames = [plain(colour, (16, 16)) for colour in ("red", "lime", "blue")]
    got = page(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert abs(got.pixels.astype(int) - (255, 0, 0)).max() <= 4
    assert got.warnings == ("only the first of 3 frames was read; 2 were left out",)


def test_a_bomb_is_refused_by_its_header() -> None:
    reason = refusal(png_header(60_000, 50_000))
    assert reason == "60000 x 50000 pixels are more than the limit of 178956970 (max_pixels)"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_the_limit_holds_for_every_format(kind: str) -> None:
    assert "60 x 40 pixels are more than the limit" in refusal(encoded(noise(), kind), TINY)


def test_the_limit_holds_for_each_page_of_a_tiff() -> None:
    data = tiff_of(plain("red"), noise(), plain("blue"))
    first, second, third = pages(data, TINY)
    assert isinstance(first, PageImage) and isinstance(third, PageImage)
    assert "60 x 40 pixels are more than the limit" in failure_of(second).reason


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "PPM"])
def test_pillows_own_limit_neither_warns_nor_counts(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if kind == "TIFF" else {}
    data = encoded(noise(), kind, **options)
    expected = page(data).pixels
    # Pillow would warn at the first and refuse at the second. WebP's reader refuses all the same,
    # but a WebP cannot be so large as to exceed the limit that Pillow comes with.
    for limit in (2000,) if kind == "WEBP" else (2000, 1000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert (page(data).pixels == expected).all()
        assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("size", [(20_000, 20), (20, 20_000), (1, 1)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_strips_and_single_pixels_are_pages(size: tuple[int, int], kind: str) -> None:
    assert page(encoded(Image.new("RGB", size, "white"), kind)).pixels.shape == (*size[::-1], 3)


# Laziness, threads, errors


def test_pages_are_decoded_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[int] = []
    load = Image.Image.load

    def counted(image: Image.Image) -> Any:
        loaded.append(image.width)
        return load(image)

    opened = open_pages(tiff_of(*[plain("red", (n, 5)) for n in (3, 4, 5)]), OPTIONS)
    monkeypatch.setattr(Image.Image, "load", counted)
    next(opened)
    assert set(loaded) == {3}
    next(opened)
    assert set(loaded) == {3, 4}


def test_many_threads_read_what_one_reads() -> None:
    sources = [
        encoded(noise(), "JPEG"),
        encoded(noise(), "PDF"),
        pdf_of((72, 72), (30, 30)),
        tiff_of(noise(), plain("red")),
        encoded(noise(), "WEBP"),
    ]

    def digests(data: bytes) -> list[str]:
        found = [page for page in pages(data) if isinstance(page, PageImage)]
        return [hashlib.sha256(page.pixels.tobytes()).hexdigest() for page in found]

    alone = [digests(data) for data in sources]
    gate = threading.Barrier(4)

    def task(turn: int) -> list[list[str]]:
        gate.wait()
        turned = sources[turn:] + sources[:turn]
        found = [digests(data) for data in turned]
        return found[len(sources) - turn :] + found[: len(sources) - turn]

    with ThreadPoolExecutor(4) as pool:
        assert all(result == alone for result in pool.map(task, range(4)))


def test_a_document_can_be_entered_at_any_page(tmp_path: Path) -> None:
    document = pypdfium2.PdfDocument.new()
    for width in (40, 50, 60, 70):
        document.new_page(width, 30)
    document.save(tmp_path / "d.pdf")
    sheets = [plain("red"), plain("lime"), plain("blue"), plain("white")]
    sheets[0].save(tmp_path / "d.tiff", save_all=True, append_images=sheets[1:])
    plain("red").save(tmp_path / "d.png")
    for name, count in (("d.pdf", 4), ("d.tiff", 4), ("d.png", 1)):
        path = tmp_path / name
        for source in (path, path.read_bytes()):
            for first in range(6):
                rest = list(open_pages(source, OPTIONS, first))
                assert [one.page_index for one in rest] == list(range(first, count))
                known = list(open_pages(source, OPTIONS, first, sha256="known"))
                for one, whole in zip(known, pages(source)[first:], strict=True):
                    assert isinstance(one, PageImage) and isinstance(whole, PageImage)
                    assert one.sha256 == "known" != whole.sha256
                    np.testing.assert_array_equal(one.pixels, whole.pixels)


def test_a_picture_that_is_larger_than_its_header_says_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = Image.new("RGB", (10, 10))

    def load() -> None:
        image._size = (11, 10)

    monkeypatch.setattr(image, "load", load)
    assert refusal(image, TINY).startswith("11 x 10 pixels are more than the limit of 100")

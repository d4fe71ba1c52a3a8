import hashlib
import io
import os
import pickle
import re
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.images import PageImage, Source, has_more_pages, name_of, open_pages
from ocr_plugin.options import ImageOptions
from ocr_plugin.protocols import RGB
from tests.sources import (
    OPTIONS,
    colour_of,
    encoded,
    noise,
    page,
    pages,
    pdf_of,
    plain,
    refusal,
    tiff_of,
)

TINY = ImageOptions(max_pixels=100)


# What a source can be


@pytest.mark.parametrize("give", ["str", "path", "bytes", "file", "memory"])
def test_every_kind_of_encoded_source_gives_the_same_page(give: str, tmp_path: Path) -> None:
    data = encoded(noise())
    path = tmp_path / "noise.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        sources: dict[str, tuple[Source, str]] = {
            "str": (str(path), str(path)),
            "path": (path, str(path)),
            "bytes": (data, "<bytes>"),
            "file": (file, str(path)),
            "memory": (io.BytesIO(data), "<file>"),
        }
        source, name = sources[give]
        got = page(source)
    assert got.name == name == name_of(source)
    assert got.page_index == 0 and got.warnings == ()
    assert got.sha256 == hashlib.sha256(data).hexdigest()
    assert (got.pixels == np.asarray(noise())).all()


def test_a_file_object_is_read_from_where_it_stands_and_stays_open() -> None:
    file = io.BytesIO(b"header" + encoded(plain("red")))
    file.seek(6)
    assert colour_of(page(file).pixels) == (255, 0, 0)
    assert not file.closed


def test_an_array_and_a_pillow_image_are_hashed_by_their_pixels() -> None:
    pixels = np.asarray(noise())
    got = page(pixels), page(noise())
    assert got[0].name == "<array>" and got[1].name == "<image>"
    assert got[0].sha256 == got[1].sha256 == hashlib.sha256(pixels.tobytes()).hexdigest()


def test_a_pillow_image_is_called_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    noise().save(path)
    with Image.open(path) as image:
        assert name_of(image) == str(path)
        assert (page(image).pixels == np.asarray(noise())).all()


@pytest.mark.parametrize(
    ("given", "name"), [(os.fsdecode(b"a\xff.png"), "a\\xff.png"), ("\ud800", "\\ud800")]
)
def test_a_name_that_is_no_text_is_made_one(given: str, name: str) -> None:
    assert name_of(given) == name_of(Path(given)) == name
    with pytest.raises(UnreadableImage, match=re.escape(name)):
        pages(given)


def test_the_page_of_an_array_is_a_copy() -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    got = page(pixels)
    pixels[:] = 9
    assert not got.pixels.any()


@pytest.mark.parametrize(
    ("array", "level"),
    [
        (np.full((4, 5), 200, np.uint8), 200),
        (np.full((4, 5, 1), 200, np.uint8), 200),
        (np.full((4, 5, 3), 200, np.uint8), 200),
        (np.full((4, 5), 65535, np.uint16), 255),
        (np.full((4, 5, 3), 200 * 257, np.uint16), 200),
        (np.full((4, 5), 200 * 257 + 129, ">u2"), 201),
        (np.full((4, 5), 0.5, np.float32), 128),
        (np.full((4, 5, 3), 1.0, np.float64), 255),
        (np.full((4, 5), 0.25, np.float16), 64),
        (np.full((4, 5), True), 255),
        (np.full((4, 5), False), 0),
    ],
)
def test_arrays_of_every_supported_type(array: np.ndarray[Any, Any], level: int) -> None:
    got = page(array).pixels
    assert got.shape == (4, 5, 3)
    assert colour_of(got) == (level, level, level)


def test_an_array_keeps_its_rows_columns_and_channels() -> None:
    pixels = np.asarray(noise())
    assert (page(pixels).pixels == pixels).all()
    assert (page(pixels[::-1, ::2]).pixels == pixels[::-1, ::2]).all()
    assert (page(pixels[:, :, 0]).pixels == pixels[:, :, :1]).all()


def test_an_array_with_transparency_lies_over_white() -> None:
    array = np.zeros((4, 5, 4), np.uint8)
    array[..., 0], array[..., 3] = 255, 51
    assert colour_of(page(array).pixels) == (255, 204, 204)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(5, np.uint8), r"an array of shape (5,) is no image"),
        (np.zeros((4, 5, 2), np.uint8), r"an array of shape (4, 5, 2) is no image"),
        (np.zeros((1, 4, 5, 3), np.uint8), r"an array of shape (1, 4, 5, 3) is no image"),
        (np.zeros((0, 5), np.uint8), "the image has no pixels (5 x 0)"),
        (np.full((4, 5), np.nan), "there are values that are NaN or infinite"),
        (np.full((4, 5), np.inf), "there are values that are NaN or infinite"),
        (np.full((4, 5), 255.0), "must lie within 0 and 1, not 255 to 255"),
        (np.full((4, 5), -0.5), "must lie within 0 and 1, not -0.5 to -0.5"),
        (np.zeros((4, 5), np.int64), "an array of int64 is not supported"),
        (np.zeros((4, 5), np.complex64), "an array of complex64 is not supported"),
        (np.zeros((4, 5), object), "an array of object is not supported"),
    ],
)
def test_arrays_that_are_no_image(array: np.ndarray[Any, Any], reason: str) -> None:
    assert reason in refusal(array)


@pytest.mark.parametrize("thing", [None, 7, ["a.png"]])
def test_things_that_are_no_source(thing: object) -> None:
    source = cast("Source", thing)
    assert refusal(source) == "not a path, bytes, a binary file, an array or a Pillow image"
    assert name_of(source) == f"<{type(thing).__name__}>"


# Sources that cannot be read


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.png") == "no such file"


def test_the_message_names_the_source_and_the_cause_is_chained(tmp_path: Path) -> None:
    path = tmp_path / "none.png"
    with pytest.raises(UnreadableImage, match=f"^{path}: no such file$") as caught:
        pages(path)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_nothing_is_read_before_the_first_page_is_asked_for(tmp_path: Path) -> None:
    opened = open_pages(tmp_path / "none.png", OPTIONS)
    with pytest.raises(UnreadableImage):
        next(opened)


def test_a_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "is a directory"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    # Not by chmod: it does not hold root back.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert refusal(tmp_path / "locked.png") == "no permission to read it"


def test_a_path_that_no_file_can_have() -> None:
    assert "null" in refusal("a\0b.png")
    assert "too long" in refusal("a" * 5000).lower()


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    assert refusal(path) == "the file is empty"
    assert refusal(b"") == "the file is empty"


def test_a_text_file_that_is_called_jpg(tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear reader, this is no picture.\n" * 20)
    assert refusal(path) == "not an image in a format known here"


def test_a_file_object_in_text_mode() -> None:
    source = cast("BinaryIO", io.StringIO("abc"))
    assert refusal(source) == "the file object gives text; open it in binary mode"


def test_a_closed_file_object() -> None:
    file = io.BytesIO(b"abc")
    file.close()
    assert refusal(file) == "cannot be read: I/O operation on closed file."


def test_a_closed_pillow_image(tmp_path: Path) -> None:
    noise().save(tmp_path / "noise.png")
    with Image.open(tmp_path / "noise.png") as image:
        pass
    assert "cannot be decoded as PNG" in refusal(image)


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


# Colours and depths


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "TGA", "PCX", "QOI", "SGI"])
def test_exact_formats_are_read_exactly(kind: str) -> None:
    assert (page(encoded(noise(), kind)).pixels == np.asarray(noise())).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "JPEG2000", "AVIF", "GIF", "MPO"])
def test_other_formats_are_read_nearly(kind: str) -> None:
    orange = plain("orange", (64, 48))
    got = page(encoded(orange, kind))
    assert abs(got.pixels.astype(int) - np.asarray(orange)).max() <= 6
    assert got.warnings == ()


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "CMYK", "YCbCr", "LAB", "RGBA", "LA", "I"])
@pytest.mark.parametrize("colour", ["black", "white"])
def test_black_is_black_and_white_is_white_in_every_mode(mode: str, colour: str) -> None:
    if mode == "LAB":
        image = Image.new("LAB", (8, 6), (255 if colour == "white" else 0, 128, 128))
    elif mode == "I":
        image = Image.new("I", (8, 6), 65535 if colour == "white" else 0)
    else:
        image = plain(colour, mode=mode)
    level = 255 if colour == "white" else 0
    for source in (image, encoded(image, "TIFF")):
        assert abs(page(source).pixels.astype(int) - level).max() <= 2


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
@pytest.mark.parametrize("colour", ["red", "lime", "blue", "yellow"])
def test_cmyk_colours_are_about_right(kind: str, colour: str) -> None:
    got = page(encoded(plain(colour, (32, 32), "CMYK"), kind)).pixels
    assert abs(got.astype(int) - np.asarray(plain(colour, (32, 32)))).max() <= 12


def test_one_bit_images_have_two_levels() -> None:
    board = np.indices((6, 8)).sum(axis=0) % 2 == 0
    got = page(encoded(Image.fromarray(board), "TIFF", compression="group4")).pixels
    assert (got[:, :, 0] == np.where(board, 255, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    values = np.array([[0, 257, 1000, 32768, 40000, 65535]], np.uint16)
    got = page(encoded(Image.fromarray(values), kind))
    assert got.pixels[0, :, 1].tolist() == [0, 1, 4, 128, 156, 255]
    assert got.warnings == ()


def test_wider_grey_values_are_stretched_and_the_page_says_so() -> None:
    values = np.array([[-100, 0, 100_000, 399_900]], np.int32)
    got = page(encoded(Image.fromarray(values), "TIFF"))
    assert got.pixels[0, :, 0].tolist() == [0, 0, 64, 255]
    assert got.warnings == ("grey values from -100 to 399900 were stretched from black to white",)


def test_float_grey_within_0_and_1_is_taken_as_it_is() -> None:
    image = Image.fromarray(np.array([[0.25, 0.5, 0.75]], np.float32))
    got = page(encoded(image, "TIFF"))
    assert got.pixels[0, :, 0].tolist() == [64, 128, 191]
    assert got.warnings == ()


def test_float_grey_beyond_1_is_stretched_and_the_page_says_so() -> None:
    image = Image.fromarray(np.array([[10, 20, 30]], np.float32))
    got = page(encoded(image, "TIFF"))
    assert got.pixels[0, :, 0].tolist() == [0, 128, 255]
    assert "from 10.0 to 30.0 were stretched" in got.warnings[0]


def test_an_even_wide_grey_image_can_be_stretched() -> None:
    assert colour_of(page(Image.new("F", (4, 4), 300.0)).pixels) == (0, 0, 0)


def test_float_grey_that_is_no_number_is_refused() -> None:
    (got,) = pages(encoded(Image.new("F", (4, 4), float("nan")), "TIFF"))
    assert isinstance(got, UnreadableImage)
    assert got.reason == "there are values that are NaN or infinite"


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparency_lies_over_white(kind: str) -> None:
    image = Image.new("RGBA", (8, 6), (0, 0, 255, 51))
    got = page(encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))).pixels
    assert colour_of(got) == (204, 204, 255)


def test_grey_transparency_lies_over_white() -> None:
    assert colour_of(page(encoded(Image.new("LA", (8, 6), (0, 51)))).pixels) == (204, 204, 204)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_with_a_transparent_entry(kind: str) -> None:
    image = Image.new("P", (8, 6), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (4, 0, 8, 6))
    got = page(encoded(image, kind, transparency=0)).pixels
    assert colour_of(got[:, :4]) == (255, 255, 255)
    assert colour_of(got[:, 4:]) == (0, 0, 255)


def test_a_colour_that_stands_for_transparent() -> None:
    image = plain("red")
    image.paste((0, 0, 255), (4, 0, 8, 6))
    got = page(encoded(image, transparency=(255, 0, 0))).pixels
    assert colour_of(got[:, :4]) == (255, 255, 255)
    assert colour_of(got[:, 4:]) == (0, 0, 255)


# EXIF


def stored_as(orientation: int, upright: RGB) -> RGB:
    """What a camera held the other way stores of a picture."""
    rows = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(rows[orientation])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    upright = np.asarray(noise(5, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(stored_as(orientation, upright)), kind, exif=exif)
    assert (page(data).pixels == upright).all()
    with Image.open(io.BytesIO(data)) as image:
        assert (page(image).pixels == upright).all()


def test_a_phone_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    got = page(encoded(noise(48, 32), "JPEG", exif=exif)).pixels
    assert got.shape == (48, 32, 3)


@pytest.mark.parametrize("orientation", [0, 9, 4000])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert (page(encoded(noise(), exif=exif)).pixels == np.asarray(noise())).all()


def test_damaged_exif_costs_the_orientation_only() -> None:
    got = page(encoded(noise(), "PNG", exif=b"Exif\0\0no such thing"))
    assert (got.pixels == np.asarray(noise())).all()
    assert got.warnings == ("the EXIF data are damaged, so the picture may be turned",)


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
    assert isinstance(second, UnreadableImage)
    assert second.page_index == 1 and third.page_index == 2
    assert second.reason.startswith("cannot be decoded as TIFF: ")
    assert (third.pixels == np.asarray(noise())).all()


def test_a_tiff_that_breaks_off_gives_the_pages_before() -> None:
    data = tiff_of(noise(), noise(), noise())
    *read, last = pages(data[: len(data) * 2 // 3])
    assert read and all(isinstance(page, PageImage) for page in read)
    assert isinstance(last, UnreadableImage) and last.page_index == len(read)


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


def test_the_preview_in_a_camera_file_is_no_frame_left_out() -> None:
    data = encoded(noise(), "MPO", save_all=True, append_images=[noise(30, 20)])
    got = page(data)
    assert got.pixels.shape == (40, 60, 3) and got.warnings == ()


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


def test_a_bomb_is_refused_by_its_header() -> None:
    reason = refusal(png_header(60_000, 50_000))
    assert reason == "60000 x 50000 pixels are more than the limit of 178956970 (max_pixels)"


def test_the_limit_is_exact() -> None:
    assert page(plain("red", (10, 10)), TINY).pixels.size == 300
    assert "101 x 1 pixels are more than the limit of 100" in refusal(plain("red", (101, 1)), TINY)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_the_limit_holds_for_every_format(kind: str) -> None:
    assert "60 x 40 pixels are more than the limit" in refusal(encoded(noise(), kind), TINY)


def test_the_limit_holds_for_arrays_and_pillow_images() -> None:
    assert "more than the limit" in refusal(np.asarray(noise()), TINY)
    assert "more than the limit" in refusal(noise(), TINY)


def test_the_limit_holds_for_each_page_of_a_tiff() -> None:
    data = tiff_of(plain("red"), noise(), plain("blue"))
    first, second, third = pages(data, TINY)
    assert isinstance(first, PageImage) and isinstance(third, PageImage)
    assert isinstance(second, UnreadableImage)
    assert "60 x 40 pixels are more than the limit" in second.reason


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


@pytest.mark.parametrize("data", [pdf_of((72, 72), (72, 72)), tiff_of(noise(), noise())])
def test_an_abandoned_source_leaves_nothing_open(data: bytes) -> None:
    opened = open_pages(data, OPTIONS)
    next(opened)
    del opened  # an open handle would warn here, and warnings are errors
    assert len(pages(data)) == 2


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


@pytest.mark.parametrize("index", [None, 2])
def test_the_error_survives_pickling(index: int | None) -> None:
    error = pickle.loads(pickle.dumps(UnreadableImage("a.tif", "the image is truncated", index)))
    assert (error.name, error.reason, error.page_index) == (
        "a.tif",
        "the image is truncated",
        index,
    )
    assert str(error) == "a.tif: the image is truncated"


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

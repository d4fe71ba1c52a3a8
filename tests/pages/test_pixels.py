"""Pixels of every kind as 8-bit RGB, upright."""

import io

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.protocols import RGB
from tests.sources import (
    TINY,
    colour_of,
    encoded,
    failure_of,
    noise,
    page,
    pages,
    plain,
    refusal,
)

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


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "array"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_grey_that_leaves_the_upper_bits_empty_is_scaled_and_the_page_says_so(
    kind: str, bits: int
) -> None:
    high = (1 << bits) - 1
    values = np.array([[0, high // 2, high - 1, high]], np.uint16)
    got = page(values if kind == "array" else encoded(Image.fromarray(values), kind))
    assert got.pixels[0, :, 1].tolist()[::3] == [0, 255]
    assert abs(int(got.pixels[0, 1, 1]) - 127) <= 1
    assert got.warnings == (f"grey values up to {high} were taken for {bits} bits",)


def test_sixteen_bits_of_which_the_upper_are_used_are_taken_as_they_are() -> None:
    got = page(np.array([[0, 1 << 14]], np.uint16))
    assert got.pixels[0, :, 0].tolist() == [0, 64] and got.warnings == ()
    assert page(np.zeros((4, 4), np.uint16)).warnings == ()


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
    assert failure_of(got).reason == "some values are NaN or infinite"


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


def test_the_limit_is_exact() -> None:
    assert page(plain("red", (10, 10)), TINY).pixels.size == 300
    assert "101 x 1 pixels are more than the limit of 100" in refusal(plain("red", (101, 1)), TINY)

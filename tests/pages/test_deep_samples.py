"""Colours of 16 bits a sample: how many of them are in use."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.sources import page


def colours(bits: int, opacity: bool = False) -> NDArray[np.uint16]:
    """All levels of so many bits, in 16, as BGR or BGRA."""
    levels = np.linspace(0, (1 << bits) - 1, 600).astype(np.uint16).reshape(10, 20, 3)
    full = np.full((10, 20, 1), 0xFFFF, np.uint16)
    return np.concatenate([levels, full], axis=2) if opacity else levels


def written(values: NDArray[np.uint16], kind: str) -> bytes:
    raw = [cv2.IMWRITE_TIFF_COMPRESSION, 1] if kind == "raw TIFF" else []
    _, coded = cv2.imencode(".png" if kind == "PNG" else ".tiff", values, raw)
    return coded.tobytes()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "raw TIFF"])
@pytest.mark.parametrize("opacity", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_colours_that_leave_the_upper_bits_empty_are_scaled_and_the_page_says_so(
    kind: str, opacity: bool, bits: int
) -> None:
    values = colours(bits, opacity)
    got = page(written(values, kind))
    exact = values[:, :, 2::-1] * (255 / ((1 << bits) - 1))
    assert abs(got.pixels - exact).max() <= 0.51
    assert got.warnings == (f"samples up to {(1 << bits) - 1} were taken for {bits} bits",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_colours_of_sixteen_bits_are_taken_as_they_are(kind: str) -> None:
    values = colours(16)
    got = page(written(values, kind))
    assert (got.pixels == values[:, :, ::-1] >> 8).all() and got.warnings == ()
    black = page(written(np.zeros_like(values), kind))
    assert not black.pixels.any() and black.warnings == ()


def test_where_the_lower_bits_cannot_be_had_the_upper_are_scaled() -> None:
    # Pillow leaves them out of grey with opacity.
    grey = np.array([[0, 0x400, 0x800, 0xFFF]], np.uint16)
    both = np.stack([grey, np.full_like(grey, 0xFFFF)], axis=2)
    got = page(png_of(both.astype(">u2").tobytes(), width=4, colour_type=4))
    assert got.pixels[0, :, 0].tolist() == [0, 4 * 17, 8 * 17, 255]
    assert got.warnings == ("samples were taken for 12 bits, of which 4 are left",)
    both[..., 0] = 255
    got = page(png_of(both.astype(">u2").tobytes(), width=4, colour_type=4))
    assert got.warnings == ("the upper half of each sample's 16 bits is empty, and all is black",)


def test_an_open_image_of_few_bits_is_scaled_and_stays_as_it_is() -> None:
    with Image.open(io.BytesIO(written(colours(12), "PNG"))) as image:
        got = page(image)
        assert got.pixels.max() == 255 and len(got.warnings) == 1
        assert np.asarray(image).max() == 15


def png_of(row: bytes, width: int, colour_type: int) -> bytes:
    """A PNG of a row of 16 bits a sample, by the number of its kind of colours."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">2I5B", width, 1, 16, colour_type, 0, 0, 0)
    packed = zlib.compress(b"\0" + row)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)

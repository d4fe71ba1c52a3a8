"""Pictures of many rows, which are converted a few rows at a time: to the bit as at once."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.protocols import RGB
from tests.sources import encoded, noise, page

WIDTH, HEIGHT = 31, 1300  # of three bands


def at_once(image: Image.Image) -> RGB:
    """Converts a picture of eight bits a sample as a whole."""
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return np.array(image.convert("RGB"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBA", "LA"])
@pytest.mark.parametrize("orientation", [1, 5, 6, 8])
def test_every_mode_and_turn(mode: str, orientation: int) -> None:
    image = noise(WIDTH, HEIGHT).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    turn = {
        1: None,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        8: Image.Transpose.ROTATE_90,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    got = page(encoded(image, "TIFF", exif=exif)).pixels
    assert (got == at_once(image if turn is None else image.transpose(turn))).all()


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32", "fractions"])
def test_grey_of_every_depth(kind: str) -> None:
    steps = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    top = steps.max()
    values = {
        "uint16": (steps * (0xFFFF / top)).astype(np.uint16),
        "int32": (steps * 20 - 9).astype(np.int32),
        "float32": (steps - 9.5).astype(np.float32),
        "fractions": (steps / top).astype(np.float32),
    }[kind]
    got = page(encoded(Image.fromarray(values), "TIFF")).pixels
    assert abs(got[:, :, 0] - steps * (255 / top)).max() <= 0.51
    assert (got[:, :, 0] == got[:, :, 2]).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16"])
def test_decoding_takes_little_more_memory_than_the_pixels(mode: str) -> None:
    image = Image.new(mode, (500, 8000), "white" if mode != "I;16" else 40_000)
    data = encoded(image)
    tracemalloc.start()
    pixels = page(data).pixels
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # What Pillow itself takes for its picture is not among it; a few bands are.
    of_grey = 3 * 500 * 8000 if mode == "I;16" else 0
    assert most < pixels.nbytes + of_grey + 16 * 512 * 500

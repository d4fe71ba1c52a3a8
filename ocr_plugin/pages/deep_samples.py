"""Pictures of 16 bits a sample that use fewer: Pillow keeps the upper eight bits alone.

Of one that leaves the upper bits empty, as cameras and scanners of 10 or 12 bits write it, next to
nothing would be left. Grey pictures come with all their bits; of colours, and of grey with opacity,
the lower halves of the samples are decoded by themselves.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np
from PIL import Image, ImageFile

from ocr_plugin.pages.bands import bands
from ocr_plugin.pages.pixels import depth_of, scaled

# Ink, too, leaves the upper bits empty where a picture is pale: of CMYK nothing can be told.
_MODES = {"L": 1, "LA": 1, "RGB": 3, "RGBA": 3}
# How the lower half of a sample is asked for where a reader asks for the upper one: the name of the
# order is that of a sample's bytes, of which Pillow takes the last or the first.
_LOWER = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_LOWER_MODES = ("RGB", "RGBX", "RGBA")
# An upper half below this belongs to a sample of 14 bits or fewer.
_NARROW = 1 << 6


def is_deep(image: Image.Image) -> bool:
    """Returns whether the samples of an image that is not loaded yet have 16 bits, cut to eight."""
    tiles = getattr(image, "tile", None) or ()
    return image.mode in _MODES and any(
        tile[0] == "SGI16" or ";16" in _rawmode(tile[3]) for tile in tiles
    )


def lower_halves(image: ImageFile.ImageFile) -> Image.Image | None:
    """Returns an image with the lower halves of its samples, or None where Pillow gives none.

    Args:
        image: not loaded yet.
    """
    for tile in image.tile:
        mode, _, order = _rawmode(tile.args).partition(";")
        if mode not in _LOWER_MODES or order not in _LOWER:
            return None
    image.tile = [tile._replace(args=_of_lower(tile.args)) for tile in image.tile]
    image.load()
    return image


def widened(
    upper: Image.Image, give_lower: Callable[[], Image.Image | None]
) -> tuple[Image.Image, tuple[str, ...]]:
    """Returns a picture whose samples fill their bits, and a warning where they did not.

    Args:
        upper: the upper halves of its samples, in a mode that `is_deep` knows.
        give_lower: gives the lower ones, in the same place; asked only if they are needed.
    """
    highest = [int(high) for _, high in _extrema(upper)]
    if max(highest[: _MODES[upper.mode]]) >= _NARROW:
        return upper, ()
    narrow = [index for index, high in enumerate(highest) if high < _NARROW]
    lower = give_lower()
    top = max(highest[index] for index in narrow)
    if lower is None:
        if top == 0:
            return upper, ("the upper half of each sample's 16 bits is empty, and all is black",)
        return _filled(upper, None, narrow, top, depth_of(top << 8) - 8)
    top = max(int(values[..., narrow].max()) for _, values in _values(upper, lower))
    return _filled(upper, lower, narrow, top, depth_of(top)) if top else (upper, ())


def _filled(
    upper: Image.Image, lower: Image.Image | None, narrow: list[int], top: int, bits: int
) -> tuple[Image.Image, tuple[str, ...]]:
    """Returns a picture of which the given channels are scaled from so many bits."""
    made = Image.new(upper.mode, upper.size)
    made.info = dict(upper.info)
    for row, values in _values(upper, lower):
        levels = (values >> 8 if lower is not None else values).astype(np.uint8)
        levels[..., narrow] = scaled(values[..., narrow], bits)
        flat = levels[..., 0] if levels.shape[2] == 1 else levels
        made.paste(Image.fromarray(np.ascontiguousarray(flat)), (0, row))
    if lower is None:
        return made, (f"samples were taken for {bits + 8} bits, of which {bits} are left",)
    return made, (f"samples up to {top} were taken for {bits} bits",)


def _values(
    upper: Image.Image, lower: Image.Image | None
) -> "Iterator[tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.uint16]]]]":
    """Yields samples a few rows at a time, (H, W, C): the number of the first row, and values."""
    lowers = bands(lower) if lower is not None else repeat((None, None))
    for (rows, high), (_, low) in zip(bands(upper), lowers, strict=False):
        values = np.atleast_3d(np.asarray(high)).astype(np.uint16)
        if low is not None:
            values = values << 8 | np.atleast_3d(np.asarray(low))
        yield rows.start, values


def _extrema(image: Image.Image) -> list[tuple[float, float]]:
    return [band.getextrema() for band in image.split()]  # type: ignore[misc]


def _rawmode(arguments: object) -> str:
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _of_lower(arguments: object) -> "str | tuple[object, ...]":
    mode, _, order = _rawmode(arguments).partition(";")
    asked = f"{mode};{_LOWER[order]}"
    return (asked, *arguments[1:]) if isinstance(arguments, tuple) else asked

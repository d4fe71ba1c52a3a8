"""Converts the pixels of Pillow images and arrays to 8-bit RGB."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ocr_plugin.pages.bands import bands, row_bands
from ocr_plugin.pages.paper import on_paper, paper_of
from ocr_plugin.pages.raster import Picture, Unusable, check_size
from ocr_plugin.protocols import RGB

# Bits of samples that are kept in 16.
_DEPTHS = (8, 10, 12, 14)


# By what turns a picture, what of the turned one lies where the picture's own pixels are to go.
_Turned = Callable[[RGB], RGB]
_PLACES: dict[Image.Transpose | None, _Turned] = {
    None: lambda turned: turned,
    Image.Transpose.FLIP_LEFT_RIGHT: lambda turned: turned[:, ::-1],
    Image.Transpose.ROTATE_180: lambda turned: turned[::-1, ::-1],
    Image.Transpose.FLIP_TOP_BOTTOM: lambda turned: turned[::-1],
    Image.Transpose.TRANSPOSE: lambda turned: turned.transpose(1, 0, 2),
    Image.Transpose.ROTATE_270: lambda turned: np.rot90(turned),
    Image.Transpose.TRANSVERSE: lambda turned: turned[::-1, ::-1].transpose(1, 0, 2),
    Image.Transpose.ROTATE_90: lambda turned: np.rot90(turned, -1),
}
_SWAP = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
}


def rgb(image: Image.Image, turn: Image.Transpose | None = None) -> tuple[RGB, tuple[str, ...]]:
    """Returns an image's pixels, turned, (H, W, 3) uint8, and the warnings of the conversion.

    It takes little more memory than the image and its pixels do, which are 3 bytes each.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey, further = _grey_levels(_samples(image if turn is None else image.transpose(turn)))
        return _three_channels(grey), further
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        in_srgb = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return _converted(cast(Image.Image, in_srgb), turn, lambda band: band), ()
    if not image.has_transparency_data:
        return _converted(image, turn, lambda band: band), ()
    if turn is not None:
        image = image.transpose(turn)
    paper = paper_of(image)
    return _converted(image, None, lambda band: on_paper(band, paper)), ()


def _converted(
    image: Image.Image, turn: Image.Transpose | None, change: Callable[[Image.Image], Image.Image]
) -> RGB:
    width, height = image.size
    turned = np.empty((width, height, 3) if turn in _SWAP else (height, width, 3), np.uint8)
    place = _PLACES[turn](turned)
    for rows, band in bands(image):
        place[rows] = np.asarray(change(band).convert("RGB"))
    return turned


def _samples(image: Image.Image) -> NDArray[Any]:
    """Returns grey values as they are, (H, W)."""
    parts = ((rows, np.asarray(band)) for rows, band in bands(image))
    rows, first = next(parts)
    values = np.empty((image.height, image.width), first.dtype)
    values[rows] = first
    for rows, part in parts:
        values[rows] = part
    return values


def _in_bands(
    values: NDArray[Any], levels_of: Callable[[NDArray[Any]], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """Returns the levels of values, of which a few rows at a time are converted."""
    levels = np.empty(values.shape, np.uint8)
    for rows in row_bands(len(values)):
        levels[rows] = levels_of(values[rows])
    return levels


def _grey_levels(values: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Returns grey values of any depth as bytes, and a warning if their range was guessed."""
    if values.dtype.kind == "f":
        _check_finite(values)
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        return _fractions(values), ()
    # Pillow also gives 16-bit PNG and PGM as 32-bit integers.
    if values.dtype.kind != "f" and low >= 0 and high <= 0xFFFF:
        return _of_16_bits(values)
    span = float(high) - float(low)

    def stretched(rows: NDArray[Any]) -> NDArray[np.uint8]:
        shifted = rows.astype(np.float64) - float(low)
        return np.rint(shifted * (255 / span if span else 0)).astype(np.uint8)

    return _in_bands(values, stretched), (
        f"grey values from {low} to {high} were stretched from black to white",
    )


def picture_of_array(array: NDArray[Any], max_pixels: int) -> Picture:
    """Returns an array's picture; raises `Unusable` for an array that `Source` does not allow."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise Unusable(
            f"an array of shape {array.shape} is not an image; "
            "it must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        )
    check_size((array.shape[1], array.shape[0]), max_pixels)
    levels, warnings = _levels_of_array(array)
    if levels.ndim == 3 and levels.shape[2] == 4:
        pixels, further = rgb(Image.fromarray(levels))
        return Picture(pixels, warnings + further)
    if levels.ndim == 3 and levels.shape[2] == 3:
        # Always a copy: the caller may change the array while the page is being read.
        return Picture(np.array(levels, order="C"), warnings)
    return Picture(_three_channels(levels.reshape(array.shape[:2])), warnings)


def _levels_of_array(array: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Returns an array's values as bytes, in its shape, and a warning if they were guessed."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array), ()
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0)), ()
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return _of_16_bits(array)
    if array.dtype.kind != "f":
        raise Unusable(
            f"an array of {array.dtype} is not supported; give uint8, uint16, bool or float"
        )
    _check_finite(array)
    if array.min() < 0 or array.max() > 1:
        raise Unusable(
            f"a float array must lie within 0 and 1, not {array.min():g} to {array.max():g}"
        )
    return _fractions(array), ()


def _check_finite(values: NDArray[Any]) -> None:
    if not all(np.isfinite(values[rows]).all() for rows in row_bands(len(values))):
        raise Unusable("some values are NaN or infinite")


def _fractions(values: NDArray[Any]) -> NDArray[np.uint8]:
    # Adding 0.5 before truncation rounds to the nearest.
    return _in_bands(
        values,
        lambda rows: (rows.astype(np.float32) * np.float32(255) + np.float32(0.5)).astype(np.uint8),
    )


def _of_16_bits(values: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Returns values of 0 to 65535 as bytes, and a warning if they seem to have fewer bits.

    Cameras and scanners of 8 to 14 bits a sample often leave the upper bits of 16 empty: such a
    page would be all but black.
    """
    high = int(values.max())
    bits = depth_of(high)
    told = f"grey values up to {high} were taken for {bits} bits"
    return scaled(values, bits), (told,) if bits < 16 else ()


def depth_of(high: int) -> int:
    """Returns how many of 16 bits are in use where this is the highest value."""
    return next((bits for bits in _DEPTHS if high < 1 << bits), 16) if high else 16


def scaled(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Returns values of so many bits, 16 at most, as bytes."""
    white = (1 << bits) - 1
    # Half of the divisor, added first, rounds to the nearest.
    return _in_bands(
        values,
        lambda rows: ((rows.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8),
    )


def _three_channels(grey: NDArray[np.uint8]) -> RGB:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)

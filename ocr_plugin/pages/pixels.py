"""Converts the pixels of Pillow images and arrays to 8-bit RGB."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ocr_plugin.pages.paper import on_paper
from ocr_plugin.pages.raster import Picture, Unusable, check_size
from ocr_plugin.protocols import RGB

# Bits of samples that are kept in 16.
_DEPTHS = (8, 10, 12, 14)


def rgb(image: Image.Image, warnings: tuple[str, ...]) -> tuple[RGB, tuple[str, ...]]:
    """Returns (H, W, 3) uint8, and the given warnings with those of the conversion."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey, further = _grey_levels(np.asarray(image))
        return _three_channels(grey), warnings + further
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        in_srgb = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return np.array(in_srgb), warnings
    if image.has_transparency_data:
        image = on_paper(image.convert("RGBA"))
    return np.array(image.convert("RGB")), warnings


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
    shifted = values.astype(np.float64) - float(low)
    stretched = np.rint(shifted * (255 / span if span else 0)).astype(np.uint8)
    return stretched, (f"grey values from {low} to {high} were stretched from black to white",)


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
        return Picture(*rgb(Image.fromarray(levels), warnings))
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
    if not np.isfinite(values).all():
        raise Unusable("some values are NaN or infinite")


def _fractions(values: NDArray[Any]) -> NDArray[np.uint8]:
    # Adding 0.5 before truncation rounds to the nearest.
    return (values.astype(np.float32) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


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
    return ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)


def _three_channels(grey: NDArray[np.uint8]) -> RGB:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)

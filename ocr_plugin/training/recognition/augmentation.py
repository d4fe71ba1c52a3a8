"""Varying real word images: other lights, other cameras, other boxes, the same letters.

After PARSeq's augmentation (https://arxiv.org/abs/2207.06966, appendix): three random operations of
magnitude 5 out of 10, RandAugment's list without Sharpness and with Invert, GaussianBlur and
PoissonNoise. Taken from it are those three, rotation, both shears, brightness, contrast, colour,
AutoContrast, Posterize and a milder Solarize; its magnitude is here the mean of what is drawn.
Equalize is left out, and Translate gives way to boxes a little looser or tighter, since detectors
differ in that. Added are perspective, curves, tints, motion blur, low resolution and JPEG.
Nothing mirrors, flips or cuts letters off.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ocr_plugin.protocols import RGB

Pixels = npt.NDArray[Any]  # uint8 RGB; OpenCV's results are not typed more closely

_OPERATIONS = 3
_STRENGTH = 0.5
_LOOSE, _TIGHT = 0.15, 0.05
"""How far a side of the box may move, out and in, in shorter sides of the crop."""


def augment(pixels: RGB, rng: random.Random) -> RGB:
    """Returns a varied picture of the same word, of about the same size.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        rng: source of randomness; the same state gives the same picture.
    """
    varied = _other_box(pixels, rng)
    for operation in rng.sample(_ALL, _OPERATIONS):
        varied = operation(varied, rng, rng.uniform(0, 2 * _STRENGTH))
    return np.ascontiguousarray(varied, np.uint8)


def _other_box(pixels: Pixels, rng: random.Random) -> Pixels:
    short = _short(pixels)
    moves = [round(rng.uniform(-_TIGHT, _LOOSE) * short * rng.random()) for _ in range(4)]
    top, bottom, left, right = (max(move, 0) for move in moves)
    grown = cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_REPLICATE)
    cut_top, cut_bottom, cut_left, cut_right = (max(-move, 0) for move in moves)
    cut = grown[
        cut_top : grown.shape[0] - cut_bottom, cut_left : max(grown.shape[1] - cut_right, 1)
    ]
    return cut if min(cut.shape[:2]) > 1 else pixels


def _short(pixels: Pixels) -> int:
    """Returns the shorter side, in pixels: what moves corners must not fold a narrow crop over."""
    return min(len(pixels), len(pixels[0]))


def _warped(pixels: Pixels, corners: list[tuple[float, float]]) -> Pixels:
    """Returns the picture with its corners moved, grown so that nothing leaves it.

    Args:
        pixels: (h, w, 3) uint8.
        corners: where top-left, top-right, bottom-right and bottom-left go, in pixels.
    """
    height, width = pixels.shape[:2]
    before = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    after = np.array(corners, np.float32)
    after -= after.min(axis=0)
    far = after.max(axis=0)
    matrix = cv2.getPerspectiveTransform(before, after)
    size = (max(math.ceil(far[0]), 1), max(math.ceil(far[1]), 1))
    return cv2.warpPerspective(
        pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _rotate(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    height, width = pixels.shape[:2]
    # Long words turn less: their box would grow out of all proportion.
    most = math.radians(15) * min(1.0, 3 * _short(pixels) / max(height, width))
    angle = rng.choice((-1, 1)) * strength * most
    sine, cosine = math.sin(angle), math.cos(angle)
    corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    return _warped(pixels, [(x * cosine - y * sine, x * sine + y * cosine) for x, y in corners])


def _shear(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    height, width = pixels.shape[:2]
    shift = rng.choice((-1, 1)) * strength * 0.4 * height
    return _warped(pixels, [(shift, 0), (width + shift, 0), (width, height), (0, height)])


def _slope(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    height, width = pixels.shape[:2]
    shift = rng.choice((-1, 1)) * strength * 0.3 * _short(pixels)
    return _warped(pixels, [(0, 0), (width, shift), (width, height + shift), (0, height)])


def _perspective(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    height, width = pixels.shape[:2]
    reach = 0.2 * strength * _short(pixels)
    return _warped(
        pixels,
        [
            (x + rng.uniform(-reach, reach), y + rng.uniform(-reach, reach))
            for x, y in ((0, 0), (width, 0), (width, height), (0, height))
        ],
    )


def _curve(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    height, width = pixels.shape[:2]
    bend = rng.choice((-1, 1)) * strength * 0.25 * _short(pixels)
    margin = math.ceil(abs(bend))
    across = np.linspace(-1, 1, width, dtype=np.float32)
    lift = bend * (across**2 - 0.5)
    rows = np.arange(height + margin, dtype=np.float32)[:, None] - margin / 2
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), (height + margin, width))
    return cv2.remap(
        pixels,
        np.ascontiguousarray(columns),
        np.ascontiguousarray(rows + lift),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _brightness(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    return cv2.convertScaleAbs(pixels, alpha=1 + rng.choice((-0.5, 0.5)) * strength)


def _contrast(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    factor = 1 + rng.choice((-0.6, 0.6)) * strength
    middle = float(pixels.mean())
    table = (np.arange(256) - middle) * factor + middle
    return _looked_up(pixels, table)


def _colour(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    share = 1 + rng.choice((-1, 1)) * strength
    return cv2.addWeighted(pixels, share, grey, 1 - share, 0)


def _stretch(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    low, high = np.percentile(pixels, (1, 99))
    if high - low < 1:
        return pixels
    table = (np.arange(256) - low) * 255 / (high - low)
    return _looked_up(pixels, table)


def _looked_up(pixels: Pixels, table: npt.NDArray[Any]) -> Pixels:
    """Returns each value's entry in a table of 256."""
    found: Pixels = np.clip(table, 0, 255).astype(np.uint8)[pixels]
    return found


def _posterize(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    step = 2 ** round(1 + 4 * strength)
    return _looked_up(pixels, np.arange(256) // step * step)


def _solarize(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    levels = np.arange(256)
    threshold = 256 - 64 * strength
    # Folded at the threshold rather than negated: white paper must not turn as dark as its ink.
    return _looked_up(pixels, np.minimum(levels, 2 * threshold - levels))


def _invert(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    return cv2.bitwise_not(pixels)


def _tint(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    factors = [1 + rng.uniform(-0.4, 0.4) * strength for _ in range(3)]
    tinted: Pixels = np.clip(pixels * np.array(factors, np.float32), 0, 255).astype(np.uint8)
    return tinted


def _gaussian_blur(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    # In heights, so that a small crop is not wiped out where a large one is hardly touched.
    sigma = 0.05 * strength * _short(pixels)
    return cv2.GaussianBlur(pixels, (0, 0), sigma) if sigma > 0.2 else pixels


def _motion_blur(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    reach = round(0.15 * strength * _short(pixels))
    if reach < 2:
        return pixels
    kernel = np.zeros((reach, reach), np.float32)
    angle, middle = rng.uniform(0, math.pi), (reach - 1) / 2
    for place in np.linspace(-middle, middle, 2 * reach):
        row, column = middle + place * math.sin(angle), middle + place * math.cos(angle)
        kernel[round(row), round(column)] = 1
    return cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _noise(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    normal = np.random.default_rng(rng.getrandbits(64)).standard_normal(
        pixels.shape, dtype=np.float32
    )
    # Shot noise grows with the root of the light, a sensor's own does not.
    deviation = 2.5 * strength * np.sqrt(pixels) if rng.random() < 0.5 else 25 * strength
    return np.clip(pixels + deviation * normal, 0, 255).astype(np.uint8)


def _low_resolution(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    height, width = pixels.shape[:2]
    small_height = max(height / (1 + 2 * strength), min(height, 12))
    share = small_height / height
    small = cv2.resize(
        pixels,
        (max(round(width * share), 4), max(round(small_height), 4)),
        interpolation=cv2.INTER_AREA,
    )
    way = rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST))
    return cv2.resize(small, (width, height), interpolation=way)


def _jpeg(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    quality = round(70 - 55 * strength)
    _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


_ALL: list[Callable[[Pixels, random.Random, float], Pixels]] = [
    _rotate,
    _shear,
    _slope,
    _perspective,
    _curve,
    _brightness,
    _contrast,
    _colour,
    _stretch,
    _posterize,
    _solarize,
    _invert,
    _tint,
    _gaussian_blur,
    _motion_blur,
    _noise,
    _low_resolution,
    _jpeg,
]

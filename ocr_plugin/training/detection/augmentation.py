"""Random pieces of pages, warped and recoloured, with their words' outlines."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.protocols import RGB, Points

_SCALES = (0.8, 3.0)
_TURN, _ANY_TURN, _QUARTER_TURN = 8.0, 0.08, 0.04
_PERSPECTIVE, _TILT = 0.3, 0.12
_ON_A_WORD = 0.88
_BLURRED, _CODED, _NOISY, _RELIT, _GREY, _INVERTED = 0.15, 0.25, 0.15, 0.7, 0.08, 0.04
_LEAST_SEEN = 0.35


@dataclass(frozen=True)
class Piece:
    """A piece of a page.

    Attributes:
        pixels: (side, side, 3) uint8 RGB.
        words: in its pixels; they may reach beyond it.
        page: outline of the page, (4, 2) float32; beyond it the piece shows the page mirrored.
        scale: about how much the page is enlarged.
    """

    pixels: RGB
    words: tuple[LabelledWord, ...]
    page: Points
    scale: float


def piece_of(
    page: RGB,
    words: Sequence[LabelledWord],
    side: int,
    rng: random.Random,
    scales: tuple[float, float] = _SCALES,
) -> Piece:
    """Returns a square piece of a page, turned, scaled and in perspective, and the words in it.

    A word that is cut off too far to be recognised gets `ignore`.

    Args:
        page: (H, W, 3) uint8.
        words: in pixels of the page.
        side: of the piece, in pixels.
        rng: source of randomness.
        scales: the least and the greatest enlargement.
    """
    matrix, scale = _view(page, words, side, rng, scales)
    if scale < 0.8:  # many pixels come to one; sampling alone would see few of them
        page = np.asarray(cv2.GaussianBlur(page, (0, 0), 0.45 / scale), np.uint8)
    # A flat frame around a page makes networks take the whole for a sign.
    piece = cv2.warpPerspective(
        page, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    moved = [replace(word, polygon=_moved(word.polygon, matrix)) for word in words]
    kept = [_seen(word, side) for word in moved]
    height, width = page.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    return Piece(
        np.asarray(piece, np.uint8),
        tuple(word for word in kept if word is not None),
        _moved(corners, matrix),
        scale,
    )


def recoloured(piece: RGB, rng: random.Random) -> RGB:
    """Returns a picture with random blur, light, colours, noise and compression."""
    values: Any = piece
    if rng.random() < _BLURRED:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < _RELIT:
        values = _relit(values, rng)
    if rng.random() < _GREY:
        values = np.repeat(cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if rng.random() < _INVERTED:
        values = 255 - values
    if rng.random() < _NOISY:
        grain = np.random.default_rng(rng.getrandbits(48))
        noise = grain.normal(0, rng.uniform(2, 12), values.shape[:2])[..., None]
        values = np.clip(values + noise, 0, 255).astype(np.uint8)
    if rng.random() < _CODED:
        quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(25, 80)]
        values = cv2.imdecode(cv2.imencode(".jpg", values, quality)[1], cv2.IMREAD_COLOR)
    return np.ascontiguousarray(values, np.uint8)


def _view(
    page: RGB,
    words: Sequence[LabelledWord],
    side: int,
    rng: random.Random,
    scales: tuple[float, float],
) -> tuple[NDArray[np.float64], float]:
    """Returns the homography from page to piece, and about how much it enlarges."""
    height, width = page.shape[:2]
    scale = math.exp(rng.uniform(math.log(scales[0]), math.log(scales[1])))
    angle = rng.gauss(0, _TURN / 2)
    chance = rng.random()
    if chance < _ANY_TURN:
        angle = rng.uniform(0, 360)
    elif chance < _ANY_TURN + _QUARTER_TURN:
        angle += rng.choice((90, 180, 270))
    legible = [word for word in words if not word.ignore]
    if legible and rng.random() < _ON_A_WORD:
        x, y = rng.choice(legible).polygon.mean(axis=0)
    else:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
    # The middle of the piece lies near that, and no nearer to the page's edge than it must.
    reach, half = 0.4 * side / scale, 0.5 * side / scale
    x, y = (
        _within(float(place) + rng.uniform(-reach, reach), half, length)
        for place, length in ((x, width), (y, height))
    )
    turn = cv2.getRotationMatrix2D((x, y), angle, scale)
    turn = turn + np.array([(0, 0, side / 2 - x), (0, 0, side / 2 - y)])
    matrix = np.vstack([turn, (0.0, 0.0, 1.0)])
    if rng.random() < _PERSPECTIVE:
        corners = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
        shift = [(rng.uniform(-_TILT, _TILT), rng.uniform(-_TILT, _TILT)) for _ in corners]
        tilted = corners + np.array(shift, np.float32) * side
        matrix = cv2.getPerspectiveTransform(corners, tilted) @ matrix
    return matrix, scale


def _within(place: float, margin: float, length: float) -> float:
    """Returns a place moved inside a length, its margins too where there is room for them."""
    return length / 2 if 2 * margin >= length else min(max(place, margin), length - margin)


def _moved(polygon: Points, matrix: NDArray[np.float64]) -> Points:
    # Pixel centres lie at halves, as `LabelledWord` counts; OpenCV counts them from 0.
    points = (polygon - 0.5)[None].astype(np.float64)
    return np.asarray(cv2.perspectiveTransform(points, matrix)[0] + 0.5, np.float32)


def _seen(word: LabelledWord, side: int) -> LabelledWord | None:
    """Returns a word as the piece shows it: None where it does not, ignored where hardly."""
    points = word.polygon
    low, high = points.min(axis=0), points.max(axis=0)
    if (high <= 0).any() or (low >= side).any():
        return None
    if (low >= 0).all() and (high <= side).all():
        return word
    corners = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    hull = cv2.convexHull(np.ascontiguousarray(points))[:, 0]
    inside = cv2.intersectConvexConvex(hull, corners)[0]
    share = inside / max(cv2.contourArea(hull), 1e-6)
    return replace(word, ignore=True) if share < _LEAST_SEEN else word


def _relit(piece: RGB, rng: random.Random) -> RGB:
    gamma = math.exp(rng.gauss(0, 0.3))
    contrast, brightness = rng.uniform(0.6, 1.25), rng.uniform(-30, 30)
    tints = [rng.uniform(0.85, 1.15) if rng.random() < 0.5 else 1.0 for _ in range(3)]
    levels = (np.arange(256) / 255) ** gamma * 255
    tables = [
        np.clip((levels - 128) * contrast * tint + 128 + brightness, 0, 255) for tint in tints
    ]
    table = np.stack(tables, axis=1).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(piece, table.reshape(1, 256, 3)), np.uint8)

"""Training targets of pages: the cores of words, and the weights of pixels.

As in Differentiable Binarization (https://arxiv.org/abs/1911.08947, section 3.4) a core is the word
shrunk by ``area * (1 - ratio ** 2) / perimeter``, so that neighbours stay apart;
`geometry.unshrink` takes a core back to its word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry

SHRINK_RATIO = 0.6
"""PaddleOCR's at the end of its training: PP-OCR's weights know cores of this size."""

_LEAST_HEIGHT = 5.0
"""Pixels; smaller words are not asked for."""

_REFERENCE_AREA = 900.0
"""Square pixels of a core whose pixels count once; those of a smaller core count more."""

_MOST, _LEAST = 3.0, 0.35
_GAP_REACH = 0.3
_SHIFT = 3  # of OpenCV's fixed-point coordinates


@dataclass(frozen=True)
class Target:
    """The training target of a picture.

    Attributes:
        cores: (H, W) uint8, 1 in the core of a word.
        weights: (H, W) float32; 0 where a pixel does not count.
    """

    cores: NDArray[np.uint8]
    weights: NDArray[np.float32]


def target_of(
    words: Sequence[LabelledWord], page: Points, size: tuple[int, int], gap_weight: float
) -> Target:
    """Returns the target of a picture.

    Args:
        words: in its pixels; they may reach beyond it.
        page: outline of the page in it, (4, 2); what lies beyond does not count.
        size: its height and width.
        gap_weight: of the pixels between two words that nearly touch.
    """
    cores, weights = np.zeros(size, np.uint8), np.zeros(size, np.float32)
    _fill(weights, page, 1.0)
    near = np.zeros(size, np.uint8)
    drawn = []
    for word in words:
        core = geometry.shrink(word.polygon, SHRINK_RATIO)
        if word.ignore or len(core) == 0 or _height(word.polygon) < _LEAST_HEIGHT:
            _fill(weights, word.polygon, 0.0)
        else:
            drawn.append((word, core))
    for word, core in drawn:
        area = max(geometry.signed_area(core), 1.0)
        _fill(weights, core, float(np.clip((_REFERENCE_AREA / area) ** 0.5, _LEAST, _MOST)))
        _fill(cores, core, 1)
        _count(near, geometry.grown(word.polygon, _GAP_REACH * _height(word.polygon)))
    # Where two words' surroundings meet is the gap between them: closing it makes them one.
    gaps = (near > 1) & (cores == 0) & (weights > 0)
    weights[gaps] = gap_weight
    return Target(cores, weights)


def _height(polygon: Points) -> float:
    """Returns how high a word stands, curved or not: its area over half its outline."""
    half = geometry.perimeter(polygon) / 2
    area = abs(geometry.signed_area(polygon))
    # Of a band of height h and length l: h * l = area, h + l = half.
    root = max(half * half / 4 - area, 0.0) ** 0.5
    return float(half / 2 - root)


def _fill(picture: NDArray[np.uint8] | NDArray[np.float32], polygon: Points, value: float) -> None:
    cv2.fillPoly(picture, [_fixed(polygon)], (value,), shift=_SHIFT)


def _count(counts: NDArray[np.uint8], polygon: Points) -> None:
    """Adds 1 to all pixels of a polygon."""
    height, width = counts.shape
    x0, y0 = np.clip(np.floor(polygon.min(axis=0)).astype(int), 0, (width, height))
    x1, y1 = np.clip(np.ceil(polygon.max(axis=0)).astype(int) + 1, 0, (width, height))
    if x1 <= x0 or y1 <= y0:
        return
    own = np.zeros((y1 - y0, x1 - x0), np.uint8)
    _fill(own, polygon - np.array((x0, y0), np.float32), 1)
    counts[y0:y1, x0:x1] += own


def _fixed(polygon: Points) -> NDArray[np.int32]:
    # Map points are pixel centres counted from 0; page points count pixel edges from 0.
    return np.asarray(np.rint((polygon - 0.5) * 2**_SHIFT), np.int32)

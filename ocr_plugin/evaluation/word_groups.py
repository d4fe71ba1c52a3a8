"""Labelled words by the height of their letters and by their length."""

import math
from collections.abc import Mapping

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry

Groups = Mapping[str, tuple[float, float]]
"""Groups by name, each from its first number to below its second."""

HEIGHTS: Groups = {
    "<10": (0, 10),
    "10-15": (10, 15),
    "15-20": (15, 20),
    "20-30": (20, 30),
    "30-40": (30, 40),
    "40+": (40, math.inf),
}
"""Of letters, in pixels."""

LENGTHS: Groups = {
    "1": (1, 2),
    "2": (2, 3),
    "3-4": (3, 5),
    "5-7": (5, 8),
    "8-11": (8, 12),
    "12+": (12, math.inf),
}
"""Of words, in characters."""

_QUAD = 4


def height_group(word: LabelledWord) -> str:
    """Returns the group of a word's letters by their height."""
    return _group(letter_height(word.polygon), HEIGHTS)


def length_group(word: LabelledWord) -> str | None:
    """Returns the group of a word by its length; None where the labels do not tell the text."""
    length = len("".join((word.text or "").split()))
    return _group(length, LENGTHS) if length else None


def letter_height(outline: Points) -> float:
    """Returns the height of the letters in a word's outline, across its reading direction.

    Of a quad it is the short side of the smallest rectangle around it; of an outline that may
    follow a curve, the width of the band that has its area and perimeter.

    Args:
        outline: (N, 2) float32, in pixels.
    """
    if len(outline) <= _QUAD:
        return min(geometry.quad_size(geometry.min_area_quad(outline)))
    shape = geometry.shape(outline)
    half = shape.length / 2
    return (half - math.sqrt(max(half**2 - 4 * shape.area, 0.0))) / 2


def _group(value: float, groups: Groups) -> str:
    return next(name for name, (low, high) in groups.items() if low <= value < high)

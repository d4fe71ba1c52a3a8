"""How many labelled words of a page were read, whether the engine answers in words or lines.

Text is compared by the 36-character rule: lower case, digits and Latin letters only. A labelled
word counts as read when a white-space token of an item equals it, the token has not been used
before, and the item's polygon, grown by a quarter of the word's height, holds the word's centre.
Tokens that are left over count against precision, except those of items that touch a region
marked as not to be judged.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union


@dataclass(frozen=True)
class Tally:
    """Counts over any number of pages."""

    read: int = 0
    labelled: int = 0
    answered: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.read + other.read,
            self.labelled + other.labelled,
            self.answered + other.answered,
        )

    def scores(self) -> dict[str, float]:
        """Returns recall, precision and their harmonic mean, to four digits."""
        recall = self.read / max(self.labelled, 1)
        precision = self.read / max(self.answered, 1)
        hmean = 2 * recall * precision / max(recall + precision, 1e-9)
        return {
            "recall": round(recall, 4),
            "precision": round(precision, 4),
            "hmean": round(hmean, 4),
        }


def tally(words: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> Tally:
    """Returns the counts of one page.

    Args:
        words: labels with ``polygon`` (pixels), ``text`` and ``ignore``.
        items: what an engine found, with ``polygon`` and ``text``.
    """
    unjudged = unary_union([_shape(word["polygon"]) for word in words if word.get("ignore")])
    found = [
        (shape, _tokens(item["text"]), shape.intersects(unjudged))
        for item in items
        for shape in [_shape(item["polygon"])]
    ]
    read = labelled = 0
    for word in words:
        if word.get("ignore"):
            continue
        shape = _shape(word["polygon"])
        # A labelled line holds several words; each must lie within reach of the line.
        target = shape if " " in word["text"] else shape.centroid
        for token in _tokens(word["text"]):
            labelled += 1
            for area, tokens, _ in found:
                if token in tokens and area.buffer(_height(shape) / 4).intersects(target):
                    tokens.remove(token)
                    read += 1
                    break
    left = sum(len(tokens) for _, tokens, excused in found if not excused)
    return Tally(read, labelled, read + left)


def _tokens(text: str) -> list[str]:
    plain = (re.sub("[^0-9a-z]", "", token.lower()) for token in text.split())
    return [token for token in plain if token]


def _shape(points: Sequence[Sequence[float]]) -> BaseGeometry:
    return shapely.Polygon(points).buffer(0)


def _height(shape: BaseGeometry) -> float:
    """Returns the short side of the smallest rectangle around a shape, in pixels."""
    if not shape.area:
        return 0.0
    corners = shapely.get_coordinates(shape.minimum_rotated_rectangle)
    sides = np.linalg.norm(np.diff(corners[:3], axis=0), axis=1)
    return float(sides.min())

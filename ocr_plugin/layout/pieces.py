"""Pieces: words that were read together, with their place on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry
from ocr_plugin.schema import Point, Polygon, Word


@dataclass(frozen=True)
class Piece:
    """Words that were read together, in the order in which they were read.

    Attributes:
        words: at least one.
        outline: (N, 2) float32 page pixels, starting at the text's top-left corner.
        direction: unit vector along which the text runs, (2,) float64.
        height: page pixels across the text.
    """

    words: tuple[Word, ...]
    outline: Points
    direction: NDArray[np.float64]
    height: float


@dataclass(frozen=True, eq=False)
class Item:
    """A piece in the upright frame.

    Attributes:
        piece: whose place this is.
        x0: left, in pixels of the frame, as the others.
        y0: top; of a raised or lowered piece, of the line that it belongs to.
        x1: right.
        y1: bottom; of a raised or lowered piece, as its top.
        height: of the piece, across its text; of a raised or lowered piece, as its top.
        stands_for: the rows of a group of pieces that run in another direction, each in the frame
            of that one; the item is then their place, and its piece the first of them.
    """

    piece: Piece
    x0: float
    y0: float
    x1: float
    y1: float
    height: float
    stands_for: tuple[list["Item"], ...] = ()

    @property
    def middle(self) -> float:
        """Half-way between top and bottom."""
        return (self.y0 + self.y1) / 2

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.piece.words)


def polygon_of(points: Points) -> Polygon:
    """Returns the public form of an (N, 2) array, to a hundredth of a pixel."""
    return Polygon(tuple(Point(round(float(x), 2), round(float(y), 2)) for x, y in points))


def quad_along(points: Points, direction: NDArray[np.float64]) -> Points:
    """Returns the rectangle around the points whose top runs along a direction, (4, 2)."""
    across = np.array([-direction[1], direction[0]])
    xs, ys = points @ direction, points @ across
    corners = [
        (xs.min(), ys.min()),
        (xs.max(), ys.min()),
        (xs.max(), ys.max()),
        (xs.min(), ys.max()),
    ]
    return np.array([x * direction + y * across for x, y in corners], np.float32)


def piece_of(words: Sequence[Word], outline: Points) -> Piece:
    """Returns a piece from its words and its outline in reading direction.

    Args:
        words: at least one, in reading order.
        outline: (N, 2) float32 page pixels; the first half runs along the top of the text, the
            second half back along its bottom.
    """
    half = len(outline) // 2
    start = (outline[0] + outline[-1]).astype(np.float64) / 2
    end = (outline[half - 1] + outline[half]).astype(np.float64) / 2
    vector = end - start
    length = float(np.linalg.norm(vector))
    direction = vector / length if length > 0 else np.array([1.0, 0.0])
    run = float(np.hypot(*np.diff(outline[:half].astype(np.float64), axis=0).T).sum())
    area = abs(geometry.signed_area(outline))
    return Piece(tuple(words), outline, direction, height=max(area / max(run, length, 1.0), 1.0))

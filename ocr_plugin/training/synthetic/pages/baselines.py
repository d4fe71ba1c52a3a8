"""Words whose letters stand on a path."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry
from ocr_plugin.training.synthetic.pages.lettering import Coverage, TextStyle, ink_of, stamp

SIDE_POINTS = 9
"""Points on each long side of a curved word's outline."""


@dataclass(frozen=True)
class Baseline:
    """A path that letters stand on.

    Attributes:
        points: (N, 2) float64 page pixels, from where the text begins.
        along: (N,) how far along the path each lies.
    """

    points: NDArray[np.float64]
    along: NDArray[np.float64]

    @classmethod
    def through(cls, points: NDArray[np.float64]) -> "Baseline":
        """Returns the path through some points."""
        steps = np.hypot(*np.diff(points, axis=0).T)
        return cls(points, np.concatenate([[0.0], np.cumsum(steps)]))

    @property
    def length(self) -> float:
        """Pixels."""
        return float(self.along[-1])

    def frames(
        self, places: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns points of the path and its unit directions there, (P, 2) each."""
        points = geometry.points_at(places, self.along, self.points.astype(np.float32))
        tangents = np.gradient(self.points, axis=0)
        found = np.stack([np.interp(places, self.along, tangents[:, axis]) for axis in (0, 1)], 1)
        lengths = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return points, found / lengths


def along(
    words: Sequence[str], style: TextStyle, path: Baseline, start: float, size: tuple[int, int]
) -> tuple[Coverage, list[tuple[str, Points]]]:
    """Returns words whose letters stand on a path, each turned as the path runs below it.

    Args:
        words: that follow each other.
        style: to set them in.
        path: in page pixels.
        start: where on the path they begin.
        size: height and width of the page.

    Returns:
        Coverage of the page, and each word with its outline: the top, then the bottom backwards.
    """
    coverage = np.zeros(size, np.uint8)
    found = []
    place = start
    for text in words:
        whole = ink_of(text, replace(style, spacing=0.0))
        begin = place
        single = replace(style, margin=0.0)
        for character in [text] if style.shaped else text:
            ink = ink_of(character, single)
            _stand(coverage, ink.coverage, ink.left, ink.top, ink.advance, place, path)
            place += ink.advance + style.spacing * style.size
        end = place - style.spacing * style.size
        left, top, right, bottom = whole.box
        overhang = right - whole.advance  # of the last letter; negative mostly
        places = np.linspace(begin + left, end + overhang, SIDE_POINTS)
        points, tangents = path.frames(places)
        down = np.stack([-tangents[:, 1], tangents[:, 0]], 1)
        outline = np.concatenate([points + down * top, (points + down * bottom)[::-1]])
        found.append((text, outline.astype(np.float32)))
        place = end + style.gap * style.size
    return coverage, found


def _stand(
    coverage: Coverage,
    ink: Coverage,
    left: int,
    top: int,
    advance: float,
    place: float,
    path: Baseline,
) -> None:
    """Adds a letter that stands upright on the path's direction below its middle."""
    (point,), (tangent,) = path.frames(np.array([place + advance / 2]))
    height, width = ink.shape
    turn = np.array([(tangent[0], -tangent[1]), (tangent[1], tangent[0])])
    # From the letter's pixels to the page, its pen at half its advance standing on the point.
    origin = point + turn @ np.array([left - advance / 2, top])
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) @ turn.T + origin
    low = np.floor(corners.min(axis=0)).astype(int) - 1
    high = np.ceil(corners.max(axis=0)).astype(int) + 1
    if (high < 0).any() or low[0] > coverage.shape[1] or low[1] > coverage.shape[0]:
        return
    shift = origin - low + turn @ np.array([0.5, 0.5]) - 0.5
    matrix = np.concatenate([turn, shift[:, None]], 1)
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    stamp(
        coverage, np.asarray(cv2.warpAffine(ink, matrix, size), np.uint8), int(low[0]), int(low[1])
    )

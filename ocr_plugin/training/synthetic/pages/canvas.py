"""A page while it is painted: its pixels, its words, and where there is room left."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.protocols import RGB, Points
from ocr_plugin.regions import geometry
from ocr_plugin.training.synthetic.pages.lettering import Coverage, TextStyle, ink_of, quad

Colour = tuple[int, int, int]

_CELL = 4
"""Pixels of a side of the cells in which room is kept account of."""

_LEAST_SEEN = 0.5
_NOWHERE = Path("<synthetic>")


class Canvas:
    """A page while it is painted.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        softness: sigma in pixels, how soft the picture below is; what is painted should match.
        words: noted so far.
    """

    def __init__(self, pixels: RGB) -> None:
        """Takes what is painted on; the array may be changed."""
        self.pixels = np.ascontiguousarray(pixels)  # OpenCV draws on nothing else
        self.softness = 0.0
        self.words: list[LabelledWord] = []
        height, width = pixels.shape[:2]
        self._taken = np.zeros((height // _CELL + 1, width // _CELL + 1), np.uint8)

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[1])

    def blend(
        self,
        coverage: Coverage,
        left: int,
        top: int,
        colour: Colour | NDArray[np.float32],
        alpha: float = 1.0,
    ) -> None:
        """Paints through a mask; what lies beyond the page is left out.

        Args:
            coverage: the mask.
            left: where it begins.
            top: where it begins.
            colour: one, or (H, W, 3) or (H, 1, 3) of them as the mask has pixels or rows.
            alpha: 0 to 1, how much of the paint covers.
        """
        height, width = coverage.shape
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, self.width), min(top + height, self.height)
        if x0 >= x1 or y0 >= y1:
            return
        rows, columns = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        paint = np.asarray(colour, np.float32)
        if paint.ndim == 3:
            paint = paint[rows, columns if paint.shape[1] > 1 else slice(None)]
        share = coverage[rows, columns, None].astype(np.float32) * np.float32(alpha / 255)
        under = self.pixels[y0:y1, x0:x1]
        under[...] = under + (paint - under) * share + np.float32(0.5)

    def write(
        self, words: Sequence[str], x: float, y: float, style: TextStyle, colour: Colour
    ) -> float:
        """Writes words from `x` on the baseline `y`; returns where the last one ends."""
        for text in words:
            ink = ink_of(text, style)
            left, baseline = round(x), round(y)
            self.blend(ink.coverage, left + ink.left, baseline + ink.top, colour)
            self.label(quad(ink.box) + np.array([left, baseline], np.float32), text)
            x += ink.advance + style.gap * style.size
        return x - style.gap * style.size

    def label(self, polygon: Points, text: str | None, ignore: bool = False) -> None:
        """Notes that there is a word."""
        polygon = geometry.clockwise(np.ascontiguousarray(polygon, np.float32))
        self.words.append(LabelledWord(polygon, text, ignore))

    def take(self, polygon: Points) -> None:
        """Notes that there is no more room inside a polygon."""
        cv2.fillPoly(self._taken, [_cells(polygon)], (1,))

    def free(self, polygon: Points) -> bool:
        """Returns whether nothing has been put into a polygon yet, nor right beside it."""
        cells = _cells(polygon)
        rows, columns = self._taken.shape
        low = np.clip(cells.min(axis=0) - 1, 0, (columns - 1, rows - 1))
        high = np.clip(cells.max(axis=0) + 1, 0, (columns - 1, rows - 1))
        under = self._taken[low[1] : high[1] + 1, low[0] : high[0] + 1]
        inside = np.zeros_like(under)
        cv2.fillPoly(inside, [(cells - low).astype(np.int32)], (1,))
        return not bool((inside & under).any())

    def page(self) -> LabelledPage:
        """Returns the words; those cut by the page's edge by more than half do not count."""
        corners = quad((0, 0, self.width, self.height))
        seen = []
        for word in self.words:
            low, high = word.polygon.min(axis=0), word.polygon.max(axis=0)
            if (low >= 0).all() and (high <= corners[2]).all():
                seen.append(word)
                continue
            whole = geometry.shape(word.polygon)
            share = whole.intersection(geometry.shape(corners)).area / max(whole.area, 1e-6)
            if share > 0.02:
                hidden = word.ignore or share < _LEAST_SEEN
                seen.append(LabelledWord(word.polygon, word.text, hidden))
        return LabelledPage(_NOWHERE, tuple(seen))


def _cells(polygon: Points) -> NDArray[np.int32]:
    return np.asarray(np.floor(polygon / _CELL), np.int32)

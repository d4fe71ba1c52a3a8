"""Sparse pages: where on an empty page something stands, so that only there is looked for text.

A network that sees mostly empty paper misses the few words on it: they are a vanishing part of what
it averages over the page. Each island of marks in the emptiness is therefore looked at by itself,
which is also less work than the whole page.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB

# Pixels of a cell's sides: at least one is inked throughout a line, however thin its strokes.
_CELL = 16
# Levels of contrast in a cell where there is a mark; fainter ones cannot be told from what a
# picture's compression leaves. A scan's paper has contrast of its own, which cells exceed by a
# quarter at most; of rougher paper no marks can be told.
_MARKED, _ROUGH, _ROUGHEST = 12, 1.25, 32
# Cells around a mark that belong to its island: words and lines of one text stand within twice
# that, and the network sees some paper around them.
_REACH = 4
# A page is sparse that has at most so many islands, on at most this share of its area.
_MOST_ISLANDS, _MOST_SHARE = 12, 0.3
# Pixels of a page's sides below which the network sees all of it well enough.
_LEAST_SIDE = 832
# Pixels of an island's sides: a word alone is not enlarged until it looks like a headline.
_LEAST_ISLAND = 416


@dataclass(frozen=True)
class Island:
    """A part of a page, in page pixels: columns x0 to x1, rows y0 to y1, the ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int

    def of(self, page: RGB) -> RGB:
        """Returns the island's pixels, (y1 - y0, x1 - x0, 3) uint8."""
        return page[self.y0 : self.y1, self.x0 : self.x1]


def islands_of(page: RGB) -> list[Island] | None:
    """Returns the islands of marks on a sparse page, none if it is empty.

    Returns None for all other pages: small ones, full ones, and photos, whose marks are everywhere.

    Args:
        page: (H, W, 3) uint8 RGB.
    """
    height, width = page.shape[:2]
    if max(height, width) < _LEAST_SIDE:
        return None
    contrast = _contrast(page)
    paper = float(np.median(contrast))
    if paper > _ROUGHEST:
        return None
    marked = (contrast > _MARKED + _ROUGH * paper).astype(np.uint8)
    # Most pages are not sparse, which shows before the islands are made out.
    if marked.mean() > _MOST_SHARE:
        return None
    near = cv2.dilate(marked, np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    if count - 1 > _MOST_ISLANDS:
        return None
    found = [_widened(box.tolist(), height, width) for box in boxes[1:, :4]]
    found = _apart(found)
    area = sum((each.x1 - each.x0) * (each.y1 - each.y0) for each in found)
    return found if area <= _MOST_SHARE * height * width else None


def _contrast(page: RGB) -> NDArray[np.uint8]:
    """Returns how much the pixels of each cell differ, in levels.

    Within a cell even uneven light is even, and a coloured field has no contrast but its text has.

    Args:
        page: (H, W, 3) uint8 RGB.

    Returns:
        (H / 16, W / 16) uint8, rounded up; the last row and column may be of smaller cells.
    """
    height, width = page.shape[:2]
    rows, columns = np.arange(0, height, _CELL), np.arange(0, width, _CELL)
    contrast = np.zeros((len(rows), len(columns)), np.uint8)
    # A row of cells at a time, as a huge page takes enough memory without copies.
    for index, top in enumerate(rows.tolist()):
        band = page[top : top + _CELL]
        highest = np.maximum.reduceat(band.max(axis=0), columns)
        lowest = np.minimum.reduceat(band.min(axis=0), columns)
        contrast[index] = (highest - lowest).max(axis=1)
    return contrast


def _widened(box: list[int], height: int, width: int) -> Island:
    """Returns the island of a box of cells (x, y, width, height), at least of the least size."""
    x, y, columns, rows = (_CELL * each for each in box)
    x0, x1 = _span(x, min(x + columns, width), width)
    y0, y1 = _span(y, min(y + rows, height), height)
    return Island(x0, y0, x1, y1)


def _span(start: int, end: int, length: int) -> tuple[int, int]:
    """Returns a span of 0 to `length` widened to the least size, within the page."""
    missing = max(_LEAST_ISLAND - (end - start), 0)
    start = max(min(start - missing // 2, length - _LEAST_ISLAND), 0)
    return start, min(max(end, start + _LEAST_ISLAND), length)


def _apart(islands: list[Island]) -> list[Island]:
    """Returns islands that do not overlap: those that do become one, so that no text is in two."""
    found: list[Island] = []
    for island in islands:
        while other := next((each for each in found if _overlap(each, island)), None):
            found.remove(other)
            island = Island(
                min(other.x0, island.x0),
                min(other.y0, island.y0),
                max(other.x1, island.x1),
                max(other.y1, island.y1),
            )
        found.append(island)
    return found


def _overlap(one: Island, other: Island) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1

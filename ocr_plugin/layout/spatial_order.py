"""Orders items that no white space cuts apart, by what lies above and what lies left of what.

Breuel, High Performance Document Layout Analysis, 2003 (Symposium on Document Image Understanding
Technology), section 4: a text line precedes another one if it is above it and they overlap
sideways, or if it is left of it and no line between them, upright, overlaps both sideways. A
topological sort makes an order of that.
"""

from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.layout.pieces import Item
from ocr_plugin.layout.rows import rows_of

# Pieces of a row no further apart than this, in line heights, are one line.
_LINE_GAP = 1.2
# Share of an item's width, but no more than this share of its height, by which boxes are loose.
_LOOSE = 0.3
# The relation's table grows with the square of the items' number, the work with the cube.
_MOST = 800


def spatial_order(items: list[Item]) -> list[list[Item]]:
    """Returns the items as rows in reading order, each row from left to right."""
    if len(items) > _MOST:
        return rows_of(items)
    lines = [line for row in rows_of(items) for line in _lines(row)]
    spans = np.array([_span(line) for line in lines])
    return [lines[k] for k in _sorted(_precedes(spans), spans)]


def _lines(row: list[Item]) -> list[list[Item]]:
    lines = [[row[0]]]
    for item in row[1:]:
        last = lines[-1][-1]
        gap = item.x0 - last.x1
        low = min(item.height, last.height)
        if -low <= gap <= _LINE_GAP * low:
            lines[-1].append(item)
        else:
            lines.append([item])
    return lines


def _span(line: list[Item]) -> tuple[float, float, float]:
    """Returns left, right and middle of a line, the first two less what a box may be too wide."""
    x0, x1 = min(item.x0 for item in line), max(item.x1 for item in line)
    loose = _LOOSE * min(x1 - x0, line[0].height)
    return x0 + loose, x1 - loose, float(np.mean([item.middle for item in line]))


def _precedes(spans: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns which line comes before which: (N, N), true where the first one does.

    Args:
        spans: left, right and middle of each line, (N, 3).
    """
    left, right, middle = spans.T
    overlap = (left[:, None] < right) & (left < right[:, None])
    above = middle[:, None] < middle
    between = np.zeros_like(above)
    for k in range(len(spans)):
        over, under = overlap[k] & above[:, k], overlap[k] & above[k]
        between[np.ix_(over, under)] = True
    between |= between.T
    beside = (right[:, None] <= left) & ~between
    precedes: NDArray[np.bool_] = (overlap & above) | beside
    return precedes


def _sorted(precedes: NDArray[np.bool_], spans: NDArray[np.float64]) -> list[int]:
    """Returns a topological order, the topmost and then the leftmost first where it is free.

    Lines may precede each other in a circle; then the topmost of those left breaks it.
    """
    before = precedes.sum(axis=0)
    keys = [(float(middle), float(left)) for left, _, middle in spans]
    free = [(keys[k], k) for k in np.flatnonzero(before == 0).tolist()]
    heapify(free)
    left, order = set(range(len(spans))), []
    while left:
        k = heappop(free)[1] if free else min(left, key=keys.__getitem__)
        if k not in left:
            continue
        left.remove(k)
        order.append(k)
        before[precedes[k]] -= 1
        for other in np.flatnonzero(precedes[k] & (before == 0)).tolist():
            heappush(free, (keys[other], other))
    return order

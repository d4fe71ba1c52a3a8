"""Finds the reading order of the pieces of a page.

The order is found by recursive cutting along white space (the X-Y cut of Nagy and Seth, 1984),
in the frame of the page's own reading direction, so that a turned page is read as an upright one.
Columns of prose are cut apart before rows are; narrow cells, as on receipts, are read by rows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import pairwise, starmap

import numpy as np

from ocr_plugin.layout.pieces import Item

_COLUMN_WIDTH = 7.0
_COLUMN_LINES = 3
_COLUMN_GUTTER = 0.7
_APART = 2.5
# From this share of level lines on, in the shorter of two columns, these are rows of a table.
_TABLE_SHARE = 0.7
# How far apart, as a share of the lower line's height, the middles of two level lines may be.
_LEVEL = 0.3
# Most rows to look ahead for columns, from their first row or from the last that showed them.
_ROWS_TO_SHOW = 12
# Share of a line's height by which its neighbour may overlap it: ascenders, tilt, loose boxes.
_SLACK = 0.25


def in_order(items: list[Item]) -> list[list[Item]]:
    """Returns the items as rows in reading order, each row from left to right."""
    if len(items) <= 1:
        return [items] if items else []
    if columns := _columns(items):
        return [row for column in columns for row in in_order(column)]
    bands = _cut(items, _upright_span, 0.0)
    if len(bands) > 1:
        return [row for part in _sections(bands) for row in in_order(part)]
    if _is_row(items):
        return [sorted(items, key=_start)]
    parts = _cut(items, _sideways_span, 0.0)
    if len(parts) > 1:
        return [row for part in parts for row in in_order(part)]
    return [[item] for item in sorted(items, key=lambda item: (_middle(item), item.x0))]


def _columns(items: list[Item]) -> list[list[Item]]:
    """Returns the items as columns to be read one after the other; empty if there are none.

    Columns of prose only need a gutter; others need a wide gap and rows that are not level.
    """
    columns = _cut(items, _sideways_span, _COLUMN_GUTTER)
    if len(columns) > 1 and all(map(_is_prose, columns)):
        return columns
    columns = _cut(items, _sideways_span, _APART)
    if len(columns) > 1 and not any(starmap(_is_table, pairwise(columns))):
        return columns
    return []


def _is_table(left: list[Item], right: list[Item]) -> bool:
    """Whether most lines of the shorter column are level with one of the other."""
    fewer, more = sorted((left, right), key=len)
    more = sorted(more, key=_middle)
    middles = [_middle(item) for item in more]
    level = 0
    for item in fewer:
        # No line further away than this can be level, of any height.
        reach = _LEVEL * item.height
        near = slice(
            bisect_left(middles, _middle(item) - reach),
            bisect_right(middles, _middle(item) + reach),
        )
        level += any(_level(item, other) for other in more[near])
    return level >= _TABLE_SHARE * len(fewer)


def _level(one: Item, other: Item) -> bool:
    low, high = sorted((one.height, other.height))
    return high <= 1.4 * low and abs(_middle(one) - _middle(other)) <= _LEVEL * low


def _middle(item: Item) -> float:
    return (item.y0 + item.y1) / 2


def _sections(bands: list[list[Item]]) -> list[list[Item]]:
    """Returns the bands from top to bottom; those that together form columns are merged.

    A heading that spans the columns is a band of its own; so would be each row of the columns
    below it, unless rows are taken together.
    """
    sections, first = [], 0
    while first < len(bands):
        together, last = bands[first], first
        for k in range(first + 1, len(bands)):
            if k - last > _ROWS_TO_SHOW:
                break
            together = together + bands[k]
            if _columns(together):
                last = k
            elif len(_cut(together, _sideways_span, _COLUMN_GUTTER)) == 1:
                break
        sections.append([item for band in bands[first : last + 1] for item in band])
        first = last + 1
    return sections


def _start(item: Item) -> float:
    return item.x0


def _sideways_span(item: Item) -> tuple[float, float]:
    return item.x0, item.x1


def _upright_span(item: Item) -> tuple[float, float]:
    slack = _SLACK * min(item.height, item.y1 - item.y0)
    return item.y0 + slack, item.y1 - slack


def _cut(
    items: list[Item], span: Callable[[Item], tuple[float, float]], gap: float
) -> list[list[Item]]:
    """Returns the items split wherever no span crosses a gap of at least `gap` heights."""
    ordered = sorted(items, key=span)
    least = gap * float(np.median([item.height for item in items]))
    groups, reach = [[ordered[0]]], span(ordered[0])[1]
    for item in ordered[1:]:
        start, end = span(item)
        if start > reach + least or (gap == 0 and start >= reach):
            groups.append([])
        groups[-1].append(item)
        reach = max(reach, end)
    return groups


def _is_prose(column: list[Item]) -> bool:
    """Whether a column holds several lines too long for the cells of a table."""
    widths = [(item.x1 - item.x0) / item.height for item in column]
    return len(column) >= _COLUMN_LINES and float(np.median(widths)) >= _COLUMN_WIDTH


def _is_row(items: list[Item]) -> bool:
    """Whether all items lie beside each other: none is below another."""
    ordered = sorted(items, key=_start)
    return all(b.x0 >= a.x1 - 0.5 * min(a.height, b.height) for a, b in pairwise(ordered))

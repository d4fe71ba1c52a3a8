"""Finds the reading order of the pieces of a page.

The order is found by recursive cutting along white space (the X-Y cut of Nagy and Seth,
Hierarchical Representation of Optically Scanned Documents, 1984), in the frame of the page's own
reading direction, so that a turned page is read as an upright one. First come sections, each of
which is a stack of rows with common white space upright through them; then the columns of a
section, if its columns are not those of a table; then rows. Where nothing can be cut, what lies
above and what lies left decide: `spatial_order`.
"""

from itertools import groupby, pairwise

import numpy as np

from ocr_plugin.layout.columns import GUTTER, columns_of, grid_of, is_table
from ocr_plugin.layout.pieces import Item
from ocr_plugin.layout.rows import (
    Spans,
    bands_of,
    cut,
    flat,
    gaps_between,
    median_height,
    merged_spans,
    rows_of,
    sideways_span,
    spaced,
)
from ocr_plugin.layout.spatial_order import spatial_order

# A header or footer keeps this distance from the text, in line heights.
_MARGIN = 1.5
# Text across the page stands beside rows if it is at least this share of them high.
_BESIDE = 0.25
# Most rows, and least additional space in line heights, of what stands above or below columns.
_STRAY_ROWS = 2
_STRAY_SPACE = 0.5


def in_order(items: list[Item]) -> list[list[Item]]:
    """Returns the items as rows in reading order, each row from left to right."""
    if not items:
        return []
    parts = _without_margins(bands_of(items))
    return [row for part in parts for row in _ordered(part)]


def _ordered(items: list[Item]) -> list[list[Item]]:
    if len(items) == 1:
        return [items]
    bands = bands_of(items)
    parts = _beside_turned(items) or _sections(bands)
    if len(parts) == 1:
        parts = columns_of(items)
    if not parts and len(bands) > 1:
        return _rows_in_order(bands)
    if not parts and _is_row(items):
        return [sorted(items, key=lambda item: item.x0)]
    if not parts:
        parts = _sideways(items)
    if len(parts) > 1:
        return [row for part in parts for row in _ordered(part)]
    return spatial_order(items)


def _beside_turned(items: list[Item]) -> list[list[Item]]:
    """Returns what lies left of, between and right of text across the page; empty if none stands.

    Such text is as high as many rows, and would join them all to one. It stands beside them if it
    takes up a good part of their height, as an axis's label does, or if they are columns.
    """
    if not any(item.stands_for for item in items):
        return []
    parts = [
        flat(list(group))
        for _, group in groupby(
            cut(items, sideways_span, 0.0), lambda part: all(item.stands_for for item in part)
        )
    ]
    if len(parts) == 1:
        return []
    height = _extent(items)
    for part in parts:
        is_turned = all(item.stands_for for item in part)
        if is_turned and _extent(part) >= _BESIDE * height:
            return parts
        if not is_turned and columns_of(part):
            return parts
    return []


def _extent(items: list[Item]) -> float:
    return max(item.y1 for item in items) - min(item.y0 for item in items)


def _sideways(items: list[Item]) -> list[list[Item]]:
    """Returns the items of one band from left to right, or by rows if they are a table's."""
    wide = cut(items, sideways_span, GUTTER)
    if len(wide) > 1 and is_table(wide, items):
        rows = rows_of(items)
        if len(rows) > 1:
            return rows
    return cut(items, sideways_span, 0.0)


def _rows_in_order(bands: list[list[Item]]) -> list[list[Item]]:
    """Returns the rows of a section that has no columns of text."""
    parts = flat(grid_of(flat(bands))) or [flat(part) for part in spaced(bands)]
    if len(parts) == 1:
        parts = bands
    return [row for part in parts for row in _ordered(part)]


def _sections(bands: list[list[Item]]) -> list[list[Item]]:
    """Returns the bands from top to bottom, merged while white space runs down through them.

    A heading that spans the columns is a band of its own; so would be each row of the columns
    below it, unless rows are taken together.
    """
    least = GUTTER * median_height(flat(bands))
    profiles = [_covered(band, least) for band in bands]
    sections, first = [], 0
    while first < len(bands):
        covered, last = profiles[first], first
        while last + 1 < len(bands):
            together = merged_spans(covered + profiles[last + 1], least)
            if len(together) == 1:
                break
            covered, last = together, last + 1
        sections += _without_strays(bands[first : last + 1], covered)
        first = last + 1
    return sections


def _covered(band: list[Item], least: float) -> Spans:
    # A heading's words are further apart than those of the text.
    gap = max(least, GUTTER * median_height(band))
    return merged_spans([sideways_span(item) for item in band], gap)


def _without_strays(bands: list[list[Item]], columns: Spans) -> list[list[Item]]:
    """Returns the bands as one section, but a few rows above or below the columns as others.

    So is a date at the right above two columns, or a heading at the left of what follows them: it
    keeps more distance from them than they have between their lines.
    """
    together = flat(bands)
    if len(columns) == 1 or len(bands) < 2 * _STRAY_ROWS or any(i.stands_for for i in together):
        return [together]
    gaps = gaps_between(bands)
    space = float(np.median(gaps)) + _STRAY_SPACE * median_height(together)
    first, last = 0, len(bands)
    for k in range(1, _STRAY_ROWS + 1):
        if min(item.x0 for item in flat(bands[:k])) <= columns[0][1]:
            break
        first = k if gaps[k - 1] > space else first
    for k in range(len(bands) - 1, len(bands) - 1 - _STRAY_ROWS, -1):
        if max(item.x1 for item in flat(bands[k:])) >= columns[-1][0]:
            break
        last = k if gaps[k - 1] > space else last
    parts = bands[:first], bands[first:last], bands[last:]
    return [flat(part) for part in parts if part]


def _without_margins(bands: list[list[Item]]) -> list[list[Item]]:
    """Returns all bands together, but the page's header and footer as parts of their own."""
    if len(bands) < 3:
        return [flat(bands)]
    gaps = gaps_between(bands)
    height = median_height(flat(bands))
    space = max(_MARGIN * height, float(np.median(gaps)) + height)
    first = int(gaps[0] > space and _is_row(bands[0]))
    last = len(bands) - int(gaps[-1] > space and _is_row(bands[-1]))
    parts = bands[:first], bands[first:last], bands[last:]
    return [flat(part) for part in parts if part]


def _is_row(items: list[Item]) -> bool:
    """Whether all items lie beside each other: none is below another."""
    ordered = sorted(items, key=lambda item: item.x0)
    return all(
        right.x0 >= left.x1 - 0.5 * min(left.height, right.height)
        for left, right in pairwise(ordered)
    )

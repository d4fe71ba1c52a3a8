"""Cuts items apart along white space, and groups those that stand level into rows."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ocr_plugin.layout.pieces import Item

_T = TypeVar("_T")
Spans = list[tuple[float, float]]

# Share of a line's height by which its neighbour may overlap it: ascenders, tilt, loose boxes.
_SLACK = 0.25
# Items share a row if they overlap by at least this share of the lower one's extent.
_SAME_ROW = 0.5
# How far apart, as a share of the lower row's height, the middles of two level rows may be.
_LEVEL = 0.3
# Digits, capitals or small print only make a row this many times lower than another of its line.
_HEIGHTS = 2.0
# Gaps of at least this share of the widest one part a section; narrower ones lie within parts.
_WIDEST = 0.6
# By how much such a gap must exceed the narrowest one, in line heights.
_WIDER = 0.5


def sideways_span(item: Item) -> tuple[float, float]:
    """Returns left and right."""
    return item.x0, item.x1


def flat(groups: Sequence[list[_T]]) -> list[_T]:
    """Returns the members of all groups, in their order."""
    return [member for group in groups for member in group]


def median_height(items: Sequence[Item]) -> float:
    """Returns the median of the items' heights, in pixels."""
    return float(np.median([item.height for item in items]))


def cut(
    items: list[Item], span: Callable[[Item], tuple[float, float]], gap: float
) -> list[list[Item]]:
    """Returns the items split wherever no span crosses a gap of at least `gap` heights."""
    ordered = sorted(items, key=span)
    least = gap * median_height(items) if gap else 0.0
    groups, reach = [[ordered[0]]], span(ordered[0])[1]
    for item in ordered[1:]:
        start, end = span(item)
        if start > reach + least or (gap == 0 and start >= reach):
            groups.append([])
        groups[-1].append(item)
        reach = max(reach, end)
    return groups


def merged_spans(spans: Spans, least: float) -> Spans:
    """Returns the spans from left to right; those less than `least` pixels apart are one."""
    merged: Spans = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + least:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def bands_of(items: list[Item], gap: float = 0.0) -> list[list[Item]]:
    """Returns the items split wherever none crosses a gap of at least `gap` heights upright.

    Neighbouring lines may overlap a little.
    """
    slack = _SLACK * median_height(items)

    def span(item: Item) -> tuple[float, float]:
        loose = min(slack, _SLACK * min(item.height, item.y1 - item.y0))
        return item.y0 + loose, item.y1 - loose

    return cut(items, span, gap)


def rows_of(items: list[Item]) -> list[list[Item]]:
    """Returns the items in rows from top to bottom, each from left to right.

    An item belongs to the row above it if it overlaps the row's first item upright.
    """
    rows: list[list[Item]] = []
    for item in sorted(items, key=lambda each: each.middle):
        if rows and _same_row(rows[-1][0], item):
            rows[-1].append(item)
        else:
            rows.append([item])
    return [sorted(row, key=lambda each: each.x0) for row in rows]


def _same_row(one: Item, other: Item) -> bool:
    overlap = min(one.y1, other.y1) - max(one.y0, other.y0)
    return overlap >= _SAME_ROW * min(one.y1 - one.y0, other.y1 - other.y0)


def share_of_level_rows(one: list[list[Item]], other: list[list[Item]]) -> float:
    """Returns which share of the rows of the column with fewer rows are level with the other's.

    Args:
        one: rows of a column, from top to bottom.
        other: those of another one.
    """
    fewer, more = (
        np.array([(row[0].middle, row[0].y1 - row[0].y0) for row in rows])
        for rows in sorted((one, other), key=len)
    )
    # The nearest row on either side; a level one is among them.
    after = np.searchsorted(more[:, 0], fewer[:, 0])
    near = np.stack([more[np.maximum(after - 1, 0)], more[np.minimum(after, len(more) - 1)]])
    low, high = np.minimum(near[:, :, 1], fewer[:, 1]), np.maximum(near[:, :, 1], fewer[:, 1])
    apart = np.abs(near[:, :, 0] - fewer[:, 0])
    level = (apart <= _LEVEL * low) & (high <= _HEIGHTS * low)
    return float(level.any(axis=0).mean())


def gaps_between(bands: list[list[Item]]) -> list[float]:
    """Returns the white space between bands, one value less than there are bands."""
    tops = [min(item.y0 for item in band) for band in bands]
    bottoms = [max(item.y1 for item in band) for band in bands]
    return [top - bottom for top, bottom in zip(tops[1:], bottoms, strict=False)]


def spaced(bands: list[list[Item]]) -> list[list[list[Item]]]:
    """Returns the bands in parts that clearly more white space separates than lies within."""
    gaps = gaps_between(bands)
    if len(gaps) < 2:
        return [bands]
    height = median_height(flat(bands))
    least = max(_WIDEST * max(gaps), min(gaps) + _WIDER * height)
    parts = [[bands[0]]]
    for gap, band in zip(gaps, bands[1:], strict=True):
        if gap >= least:
            parts.append([])
        parts[-1].append(band)
    return parts

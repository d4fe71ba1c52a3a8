"""Joins raised and lowered pieces, such as superscripts and dot leaders, to their lines."""

from dataclasses import replace

import numpy as np

from ocr_plugin.layout.pieces import Item

# Of a script and its base: the ratio of their heights; a large initial is higher still. Then the
# script's width, its distance beyond the base's end and the distance of its middle above the
# base's top or below its bottom, all in heights of the base.
_RATIO = (0.35, 0.7)
_WIDTH = 2.5
_TOUCHING = (-0.6, 0.4)
_BEYOND = 0.2
# A leader is flat, long, and may keep some distance from the text before and after it.
_LEADER = frozenset(".\u00b7\u2022\u2025\u2026_-\u2013\u2014")
_LEADER_GAP = 2.0


def with_scripts(items: list[Item]) -> list[Item]:
    """Returns the items; those that are scripts have the top, bottom and height of their base.

    So they stand in their base's line, in the place that their left end gives them.
    """
    if len(items) < 2:
        return items
    ordered = sorted(items, key=lambda item: item.middle)
    boxes = np.array([(item.x0, item.y0, item.x1, item.y1, item.height) for item in ordered])
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    # No base further away than this can reach a script.
    reach = (0.5 + _BEYOND) * float((boxes[:, 3] - boxes[:, 1]).max())
    starts = np.searchsorted(middles, middles - reach)
    ends = np.searchsorted(middles, middles + reach, side="right")
    joined = []
    for item, start, end in zip(ordered, starts, ends, strict=True):
        base = _base(item, boxes[start:end])
        joined.append(item if base is None else _in_line(item, ordered[start + base]))
    return joined


def _in_line(item: Item, base: Item) -> Item:
    return replace(item, y0=base.y0, y1=base.y1, height=base.height)


def _base(item: Item, boxes: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> int | None:
    """Returns the index of the box that an item is a script of, or None.

    Args:
        item: that may be a script.
        boxes: left, top, right, bottom and height of all that lies near it, (N, 5).
    """
    x0, y0, x1, y1, height = boxes.T
    leads = _LEADER.issuperset(item.text.replace(" ", ""))
    least, most = (0.0 if leads else _RATIO[0]), _RATIO[1]
    after, before = item.x0 - x1, x0 - item.x1
    gap = np.maximum(after, before)
    fits = (item.height < most * height) & (item.height >= least * height)
    fits &= (item.middle > y0 - _BEYOND * height) & (item.middle < y1 + _BEYOND * height)
    fits &= (gap >= _TOUCHING[0] * height) & (
        gap <= (_LEADER_GAP if leads else _TOUCHING[1]) * height
    )
    # A tall box that is no tall text is text across the page.
    fits &= y1 - y0 < 2 * height
    if not leads:
        fits &= item.x1 - item.x0 <= _WIDTH * height
    if not fits.any():
        return None
    # A script rather follows its base than precedes it, and is rather of the nearer line.
    distance = np.abs(gap) + np.where(after > before, 0.0, 0.1 * height)
    distance += np.abs(item.middle - (y0 + y1) / 2)
    return int(np.argmin(np.where(fits, distance, np.inf)))

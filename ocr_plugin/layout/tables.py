"""Recognizes tables among rows that were put in order: rows of cells that share columns.

Only what is surely a table is one: at least three columns and three rows of level cells, of which
one column holds numbers. Two columns may be a form, a receipt or a list of contents as well.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ocr_plugin.layout.pieces import Item
from ocr_plugin.layout.rows import Spans, flat, median_height, merged_spans

# Least number of columns, and of rows that have as many cells.
_COLUMNS = 3
_ROWS = 3
# White space between two columns, and from one row's middle to the next one's, in line heights.
_GUTTER = 0.7
_PITCH = 5.0
# Least share of the cells of a column of numbers that have a digit.
_NUMBERS = 0.6
# Most words of a column's median cell.
_WORDS = 6


class Stretch(NamedTuple):
    """Consecutive rows, and what table they are.

    Attributes:
        rows: lines from left to right.
        columns: of each row's lines, which column each is in; empty if this is no table.
    """

    rows: list[list[Item]]
    columns: list[list[int]]


def stretches(rows: list[list[Item]]) -> Iterator[Stretch]:
    """Yields all rows in their order, parted in tables and what lies between them.

    Args:
        rows: in reading order, each a row of lines from left to right.
    """
    first, text = 0, 0
    while first < len(rows):
        last = first + 1
        while last < len(rows) and _continues(rows[last - 1], rows[last]):
            last += 1
        start, columns = _table(rows[first:last])
        if columns:
            start += first
            if text < start:
                yield Stretch(rows[text:start], [])
            text = start + len(columns)
            yield Stretch(rows[start:text], columns)
        first = last
    if text < len(rows):
        yield Stretch(rows[text:], [])


def _continues(above: list[Item], below: list[Item]) -> bool:
    """Whether two rows may be of one table: both have several cells, one close below the other."""
    if min(len(above), len(below)) < 2:
        return False
    distance = float(np.mean([item.middle for item in below]))
    distance -= float(np.mean([item.middle for item in above]))
    height = median_height(above + below)
    return 0.5 * height < distance <= _PITCH * height


def _table(rows: list[list[Item]]) -> tuple[int, list[list[int]]]:
    """Returns a table's first row, and which columns its rows' cells are in; none is empty."""
    most = max(map(len, rows))
    full = [row for row in rows if len(row) == most]
    if most < _COLUMNS or len(full) < 2:
        return 0, []
    spans = merged_spans(
        [(item.x0, item.x1) for item in flat(full)], _GUTTER * median_height(flat(full))
    )
    fitted = [_fitted(row, spans) for row in rows]
    start, end = _longest(list(map(bool, fitted)))
    columns = fitted[start:end]
    if sum(len(row) >= _COLUMNS for row in columns) < _ROWS:
        return 0, []
    cells: list[list[Item]] = [[] for _ in spans]
    for row, places in zip(rows[start:end], columns, strict=True):
        for item, place in zip(row, places, strict=True):
            cells[place].append(item)
    return (start, columns) if _are_columns(cells) else (0, [])


def _fitted(row: list[Item], spans: Spans) -> list[int]:
    """Returns the column of each cell, the first that it touches; empty if they do not fit."""
    columns: list[int] = []
    for item in row:
        touched = (k for k, (start, end) in enumerate(spans) if item.x0 < end and start < item.x1)
        column = next(touched, -1)
        if column <= (columns[-1] if columns else -1):
            return []
        columns.append(column)
    return columns


def _longest(flags: list[bool]) -> tuple[int, int]:
    """Returns start and end of the longest run of true flags."""
    best, start = (0, 0), 0
    for k, flag in enumerate([*flags, False]):
        if not flag:
            best = max(best, (start, k), key=lambda run: run[1] - run[0])
            start = k + 1
    return best


def _are_columns(columns: list[list[Item]]) -> bool:
    """Whether all columns hold short cells that are no labels, and one of them numbers."""
    texts = [[item.text for item in column] for column in columns if column]
    if len(texts) < _COLUMNS:
        return False
    for column in texts:
        words = float(np.median([len(text.split()) for text in column]))
        labels = sum(text.endswith((":", "\uff1a")) for text in column)
        if words > _WORDS or 2 * labels > len(column):
            return False
    return any(
        len(column) >= _ROWS
        and sum(any(map(str.isdigit, text)) for text in column) >= _NUMBERS * len(column)
        for column in texts
    )

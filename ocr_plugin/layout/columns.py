"""Tells columns of text, which are read one after the other, from the columns of a table."""

from itertools import pairwise, starmap

import numpy as np

from ocr_plugin.layout.pieces import Item
from ocr_plugin.layout.rows import (
    bands_of,
    cut,
    flat,
    rows_of,
    share_of_level_rows,
    sideways_span,
    spaced,
)

Rows = list[list[Item]]

# White space between columns of prose, and between others, in line heights.
GUTTER = 0.7
_APART = 2.5
# White space within a line that makes it two cells, in line heights.
_CELL_GAP = 1.2
# Ratio of heights up to which two lines are in one size of print.
_SAME_PRINT = 1.4
# Columns stand beside each other by at least this share of the shorter one.
_BESIDE = 0.5
# From this share of level rows on, these are rows of a table.
_TABLE_SHARE = 0.7
# From this share on, they may be even if their cells are as long as lines of prose.
_ALL_LEVEL = 0.9

# Least number of lines by which a column is known as prose, and most heights from one to the next.
_LINES = 3
_PITCH = 2.2
# Least width of such lines, in heights, or number of words if they mostly begin in lower case.
_WIDE = 7.0
_WORDS = 3.0
# Fewer words a line are enough in so many lines, if most are full and some begin in lower case.
_LONG = 6
_FEW_WORDS = 1.4
_FULL_SHARE = 0.75
_LOWER_SHARE = 0.2
# A narrow space between words, in heights.
_SPACE = 0.2


def columns_of(items: list[Item]) -> list[list[Item]]:
    """Returns the items as columns to be read one after the other; empty if there are none.

    Columns of prose only need a gutter; others need a wide gap and rows that are not level.
    """
    columns = cut(items, sideways_span, GUTTER)
    if len(columns) == 1:
        return []
    if _beside(columns) and _are_prose(columns):
        return columns
    columns = cut(items, sideways_span, _APART)
    if len(columns) > 1 and _beside(columns) and not is_table(columns, items):
        return columns
    return []


def is_table(columns: list[list[Item]], items: list[Item]) -> bool:
    """Whether any two neighbouring columns have rows that are level, or all form a grid."""
    rows = list(map(rows_of, columns))
    shares = starmap(share_of_level_rows, pairwise(rows))
    return any(share >= _TABLE_SHARE for share in shares) or bool(grid_of(items))


def grid_of(items: list[Item]) -> list[list[list[Item]]]:
    """Returns the rows of cells of a table with wrapped cells; empty if it is none.

    White space parts its rows, and in most of them only few cells have several lines, the others
    one, beside the first or the middle one.
    """
    bands = bands_of(items)
    parts = [flat(part) for part in spaced(bands)]
    if len(parts) < _LINES:
        return []
    grid = [cells_of(part) for part in parts]
    if sum(map(bool, grid)) < _TABLE_SHARE * len(grid):
        return []
    return [cells or [part] for cells, part in zip(grid, parts, strict=True)]


def cells_of(part: list[Item]) -> list[list[Item]]:
    """Returns the cells of a table's row from left to right; empty if it seems to be several."""
    columns = cut(part, sideways_span, GUTTER)
    rows = list(map(rows_of, columns))
    single = sum(len(column) == 1 for column in rows)
    if len(columns) == 1 or 2 * single < len(columns):
        return []
    return columns if all(map(_is_cell, rows)) else []


def _is_cell(rows: Rows) -> bool:
    """Whether rows are the lines of one cell: without wide gaps, and in one size of print."""
    heights = [row[0].height for row in rows]
    return len(rows) == 1 or (
        max(heights) <= _SAME_PRINT * min(heights)
        and all(len(cut(row, sideways_span, _CELL_GAP)) == 1 for row in rows)
    )


def _beside(columns: list[list[Item]]) -> bool:
    """Whether all columns stand beside the longest one, rather than above or below it."""
    spans = [(min(item.y0 for item in c), max(item.y1 for item in c)) for c in columns]
    top, bottom = max(spans, key=lambda span: span[1] - span[0])
    return all(min(bottom, y1) - max(top, y0) >= _BESIDE * (y1 - y0) for y0, y1 in spans)


def _are_prose(columns: list[list[Item]]) -> bool:
    rows = list(map(rows_of, columns))
    longest = max(map(len, rows))
    if longest < _LINES or not all(_is_prose(column, longest) for column in rows):
        return False
    if _ends_in_colons(rows[0]):
        return False
    return not any(starmap(_are_cells, pairwise(rows)))


def _are_cells(left: Rows, right: Rows) -> bool:
    """Whether long lines are those of a table: all level, and those of a column do not go on."""
    if min(len(left), len(right)) < _LINES or share_of_level_rows(left, right) < _ALL_LEVEL:
        return False
    return any(
        _is_cased(rows)
        and _lower_share(rows) < _LOWER_SHARE
        and _share_of_full_lines(rows) < _FULL_SHARE
        for rows in (left, right)
    )


def _is_prose(rows: Rows, longest: int) -> bool:
    """Whether a column holds running text: words, in close lines too long for a table's cells.

    Shorter lines are those of running text if they hold several words, and half of them begin in
    lower case, or if some do and nearly all lines are as full as can be.

    Args:
        rows: of the column.
        longest: the number of rows of the longest column beside it.
    """
    texts = list(map(_text, rows))
    letters = sum(sum(map(str.isalpha, text)) >= sum(map(str.isdigit, text)) for text in texts)
    if 2 * letters <= len(rows):
        return False
    heights = float(np.median([row[0].height for row in rows]))
    pitches = [below[0].middle - above[0].middle for above, below in pairwise(rows)]
    if pitches and float(np.median(pitches)) > _PITCH * heights:
        return False
    widths = [(max(item.x1 for item in row) - row[0].x0) / row[0].height for row in rows]
    if float(np.median(widths)) >= _WIDE:
        return True
    counts = [len(text.split()) for text in texts]
    lower = _lower_share(rows)
    if float(np.median(counts)) >= _WORDS and 2 * lower >= 1:
        return True
    goes_on = lower >= _LOWER_SHARE or not _is_cased(rows)
    # Little may be left of the text in its last column.
    words = _FEW_WORDS if 2 * len(rows) >= longest else 1.0
    long = longest >= _LONG and float(np.mean(counts)) >= words
    return long and goes_on and _share_of_full_lines(rows) >= _FULL_SHARE


def _share_of_full_lines(rows: Rows) -> float:
    """Returns which share of lines the next one's first word would have made too long."""
    right = max(item.x1 for row in rows for item in row)
    full = 0
    for line, below in pairwise(rows):
        first = below[0]
        word = (first.x1 - first.x0) * len(first.text.split()[0]) / len(first.text)
        full += max(item.x1 for item in line) + _SPACE * first.height + word > right
    return full / max(len(rows) - 1, 1)


def _text(row: list[Item]) -> str:
    return " ".join(item.text for item in row)


def _lower_share(rows: Rows) -> float:
    return sum(row[0].text[0].islower() for row in rows) / len(rows)


def _is_cased(rows: Rows) -> bool:
    texts = list(map(_text, rows))
    return any(text != text.lower() or text != text.upper() for text in texts)


def _ends_in_colons(rows: Rows) -> bool:
    return 2 * sum(_text(row).endswith((":", "\uff1a")) for row in rows) >= len(rows)

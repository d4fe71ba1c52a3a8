"""From read pieces of text to lines, blocks and reading order.

The order is found by recursive cutting along white space (the X-Y cut of Nagy and Seth, 1984),
in the frame of the page's own reading direction, so that a turned page reads like an upright one.
Columns of prose are cut apart before rows are; narrow cells, as on receipts, are read by rows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap

import numpy as np
from numpy.typing import NDArray

from ocr_plugin import geometry
from ocr_plugin.protocols import Points
from ocr_plugin.schema import Block, Line, Point, Polygon, Word

# Distances are in line heights.
_LINE_GAP = 1.2
_BLOCK_GAP = 0.9
_ROW_GAP = 8.0
_COLUMN_WIDTH = 7.0
_COLUMN_LINES = 3
_COLUMN_GUTTER = 0.7
_APART = 2.5
# Of the lines in the shorter of two columns: from this share on, they are the rows of a table.
_TABLE_SHARE = 0.7
# How far apart, as a share of the lower line's height, the middles of two level lines may be.
_LEVEL = 0.3
# Columns show within this many rows below their first, or from one such row to the next.
_ROWS_TO_SHOW = 12
# Share of a line's height by which its neighbour may reach into it: ascenders, tilt, loose boxes.
_SLACK = 0.25


@dataclass(frozen=True)
class Piece:
    """Words that were read together, in the order in which they were read.

    Attributes:
        words: at least one.
        outline: (N, 2) float32 page pixels, starting at the text's top-left corner.
        direction: unit vector along which the text runs, (2,) float64.
        height: page pixels across the text.
    """

    words: tuple[Word, ...]
    outline: Points
    direction: NDArray[np.float64]
    height: float


@dataclass
class _Item:
    """A piece in the upright frame."""

    piece: Piece
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def height(self) -> float:
        return self.piece.height


def arrange(pieces: Sequence[Piece]) -> tuple[Block, ...]:
    """Returns all pieces as blocks of lines, in reading order."""
    blocks: list[Block] = []
    for direction, group in _by_direction(pieces):
        across = np.array([-direction[1], direction[0]])
        items = [_item(piece, direction, across) for piece in group]
        rows = _order(items)
        lines = [line for row in rows for line in _joined(row)]
        blocks.extend(_block(lines_of_block) for lines_of_block in _grouped(lines))
    return tuple(blocks)


def polygon_of(points: Points) -> Polygon:
    """Returns the public form of an (N, 2) array, to a hundredth of a pixel."""
    return Polygon(tuple(Point(round(float(x), 2), round(float(y), 2)) for x, y in points))


def _by_direction(pieces: Sequence[Piece]) -> list[tuple[NDArray[np.float64], list[Piece]]]:
    """Returns the pieces parted by quarter turns from the main direction, the fullest first."""
    if not pieces:
        return []
    weights = np.array([sum(len(word.text) for word in piece.words) for piece in pieces])
    vectors = np.stack([piece.direction for piece in pieces])
    # Every piece votes for its direction with its characters, those within 45 degrees together.
    votes = np.where(vectors @ vectors.T > np.cos(np.pi / 4), 1.0, 0.0) @ weights
    near = vectors @ vectors[int(np.argmax(votes))] > np.cos(np.pi / 4)
    main = (vectors[near] * weights[near, None]).sum(axis=0)
    main = main / np.linalg.norm(main)
    # A few degrees of tilt are perspective or hand-held photography, not the page's direction.
    angles = np.arctan2(vectors[:, 1], vectors[:, 0]) - np.arctan2(main[1], main[0])
    turns = np.rint(angles / (np.pi / 2)).astype(int) % 4
    groups = []
    for turn in range(4):
        members = [piece for piece, own in zip(pieces, turns, strict=True) if own == turn]
        if members:
            cosine, sine = (round(float(f(turn * np.pi / 2))) for f in (np.cos, np.sin))
            rotated = np.array(
                [cosine * main[0] - sine * main[1], sine * main[0] + cosine * main[1]]
            )
            groups.append((rotated, members))
    return groups


def _item(piece: Piece, along: NDArray[np.float64], across: NDArray[np.float64]) -> _Item:
    xs, ys = piece.outline @ along, piece.outline @ across
    return _Item(piece, float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))


def _order(items: list[_Item]) -> list[list[_Item]]:
    """Returns the items as rows in reading order, each row from left to right."""
    if len(items) <= 1:
        return [items] if items else []
    if columns := _columns(items):
        return [row for column in columns for row in _order(column)]
    bands = _cut(items, _upright_span, 0.0)
    if len(bands) > 1:
        return [row for part in _sections(bands) for row in _order(part)]
    if _is_row(items):
        return [sorted(items, key=_start)]
    parts = _cut(items, _sideways_span, 0.0)
    if len(parts) > 1:
        return [row for part in parts for row in _order(part)]
    return [[item] for item in sorted(items, key=lambda item: (_middle(item), item.x0))]


def _columns(items: list[_Item]) -> list[list[_Item]]:
    """Returns the items as columns to be read one after the other; empty where they are none.

    Columns of prose need a gutter only; others a wide gap and rows that do not correspond.
    """
    columns = _cut(items, _sideways_span, _COLUMN_GUTTER)
    if len(columns) > 1 and all(map(_is_prose, columns)):
        return columns
    columns = _cut(items, _sideways_span, _APART)
    if len(columns) > 1 and not any(starmap(_is_table, pairwise(columns))):
        return columns
    return []


def _is_table(left: list[_Item], right: list[_Item]) -> bool:
    """Whether most lines of the shorter column stand level with one of the other."""
    fewer, more = sorted((left, right), key=len)
    more = sorted(more, key=_middle)
    middles = [_middle(item) for item in more]
    level = 0
    for item in fewer:
        # No line further off than this can be level, however high it is.
        reach = _LEVEL * item.height
        near = slice(
            bisect_left(middles, _middle(item) - reach),
            bisect_right(middles, _middle(item) + reach),
        )
        level += any(_level(item, other) for other in more[near])
    return level >= _TABLE_SHARE * len(fewer)


def _level(one: _Item, other: _Item) -> bool:
    low, high = sorted((one.height, other.height))
    return high <= 1.4 * low and abs(_middle(one) - _middle(other)) <= _LEVEL * low


def _middle(item: _Item) -> float:
    return (item.y0 + item.y1) / 2


def _sections(bands: list[list[_Item]]) -> list[list[_Item]]:
    """Returns bands one below the other, those made one that together form columns of prose.

    A heading that spans the columns is a band of its own; each row of the columns below it is
    one, too, unless it is seen together with the next.
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


def _start(item: _Item) -> float:
    return item.x0


def _sideways_span(item: _Item) -> tuple[float, float]:
    return item.x0, item.x1


def _upright_span(item: _Item) -> tuple[float, float]:
    slack = _SLACK * min(item.height, item.y1 - item.y0)
    return item.y0 + slack, item.y1 - slack


def _cut(
    items: list[_Item], span: Callable[[_Item], tuple[float, float]], gap: float
) -> list[list[_Item]]:
    """Returns the items parted wherever no span crosses a gap of at least `gap` heights."""
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


def _is_prose(column: list[_Item]) -> bool:
    """Whether a column holds several lines too long for the cells of a table."""
    widths = [(item.x1 - item.x0) / item.height for item in column]
    return len(column) >= _COLUMN_LINES and float(np.median(widths)) >= _COLUMN_WIDTH


def _is_row(items: list[_Item]) -> bool:
    """Whether all items lie beside each other: none is below another."""
    ordered = sorted(items, key=_start)
    return all(b.x0 >= a.x1 - 0.5 * min(a.height, b.height) for a, b in pairwise(ordered))


def _joined(row: list[_Item]) -> list[_Item]:
    """Returns a row's items, those that continue each other made one line."""
    joined = [row[0]]
    for item in row[1:]:
        last = joined[-1]
        low, high = sorted((last.height, item.height))
        overlap = min(last.y1, item.y1) - max(last.y0, item.y0)
        if item.x0 - last.x1 <= _LINE_GAP * low and high < 1.8 * low and overlap >= 0.5 * low:
            joined[-1] = _continued(last, item)
        else:
            joined.append(item)
    return joined


def _continued(first: _Item, second: _Item) -> _Item:
    outline = np.concatenate([first.piece.outline, second.piece.outline])
    piece = Piece(
        words=first.piece.words + second.piece.words,
        outline=_quad_along(outline, first.piece.direction),
        direction=first.piece.direction,
        height=max(first.height, second.height),
    )
    return _Item(
        piece,
        min(first.x0, second.x0),
        min(first.y0, second.y0),
        max(first.x1, second.x1),
        max(first.y1, second.y1),
    )


def _grouped(lines: list[_Item]) -> list[list[_Item]]:
    """Returns consecutive lines that stand close together and are of like height as blocks."""
    blocks: list[list[_Item]] = []
    for line in lines:
        if blocks and any(_close(other, line) for other in blocks[-1]):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def _close(above: _Item, line: _Item) -> bool:
    low, high = sorted((above.height, line.height))
    if high > 1.7 * low:
        return False
    gap_y = max(line.y0 - above.y1, above.y0 - line.y1)
    gap_x = max(line.x0 - above.x1, above.x0 - line.x1)
    below = gap_y <= _BLOCK_GAP * low and gap_x < 0
    beside = gap_y < -0.5 * low and gap_x <= _ROW_GAP * low
    return below or beside


def _block(items: list[_Item]) -> Block:
    outline = np.concatenate([item.piece.outline for item in items])
    return Block(
        lines=tuple(
            Line(words=item.piece.words, polygon=polygon_of(item.piece.outline)) for item in items
        ),
        polygon=polygon_of(_quad_along(outline, items[0].piece.direction)),
    )


def _quad_along(points: Points, direction: NDArray[np.float64]) -> Points:
    """Returns the rectangle around the points whose top runs along a direction, (4, 2)."""
    across = np.array([-direction[1], direction[0]])
    xs, ys = points @ direction, points @ across
    corners = [
        (xs.min(), ys.min()),
        (xs.max(), ys.min()),
        (xs.max(), ys.max()),
        (xs.min(), ys.max()),
    ]
    return np.array([x * direction + y * across for x, y in corners], np.float32)


def piece_of(words: Sequence[Word], outline: Points) -> Piece:
    """Returns a piece from its words and its outline in reading direction.

    Args:
        words: at least one, in reading order.
        outline: (N, 2) float32 page pixels; the first half runs along the top of the text, the
            second half back along its bottom.
    """
    half = len(outline) // 2
    start = (outline[0] + outline[-1]).astype(np.float64) / 2
    end = (outline[half - 1] + outline[half]).astype(np.float64) / 2
    vector = end - start
    length = float(np.linalg.norm(vector))
    direction = vector / length if length > 0 else np.array([1.0, 0.0])
    run = float(np.hypot(*np.diff(outline[:half].astype(np.float64), axis=0).T).sum())
    area = abs(geometry.signed_area(outline))
    return Piece(tuple(words), outline, direction, height=max(area / max(run, length, 1.0), 1.0))

"""Merges the pieces of a row into lines, and groups lines into blocks."""

import numpy as np

from ocr_plugin.layout.pieces import Item, Piece, polygon_of, quad_along
from ocr_plugin.schema import Block, Line

# Distances are in line heights.
_LINE_GAP = 1.2
_BLOCK_GAP = 0.9
_ROW_GAP = 8.0


def merged_row(row: list[Item]) -> list[Item]:
    """Returns a row's items; those that continue each other are merged into one line."""
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


def _continued(first: Item, second: Item) -> Item:
    outline = np.concatenate([first.piece.outline, second.piece.outline])
    piece = Piece(
        words=first.piece.words + second.piece.words,
        outline=quad_along(outline, first.piece.direction),
        direction=first.piece.direction,
        height=max(first.height, second.height),
    )
    return Item(
        piece,
        min(first.x0, second.x0),
        min(first.y0, second.y0),
        max(first.x1, second.x1),
        max(first.y1, second.y1),
        max(first.height, second.height),
    )


def grouped(lines: list[Item]) -> list[list[Item]]:
    """Returns blocks of consecutive lines that are close together and of similar height."""
    blocks: list[list[Item]] = []
    for line in lines:
        # The last lines are most likely to be close; so a long block is rarely looked through.
        if blocks and any(_close(other, line) for other in reversed(blocks[-1])):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def _close(above: Item, line: Item) -> bool:
    low, high = sorted((above.height, line.height))
    if high > 1.7 * low:
        return False
    gap_y = max(line.y0 - above.y1, above.y0 - line.y1)
    gap_x = max(line.x0 - above.x1, above.x0 - line.x1)
    below = gap_y <= _BLOCK_GAP * low and gap_x < 0
    beside = gap_y < -0.5 * low and gap_x <= _ROW_GAP * low
    return below or beside


def block_of(items: list[Item], table: tuple[tuple[tuple[int, ...], ...], ...] = ()) -> Block:
    """Returns a block of some lines, in their order.

    Args:
        items: the lines.
        table: rows of cells, each the numbers of its lines.
    """
    outline = np.concatenate([item.piece.outline for item in items])
    return Block(
        lines=tuple(
            Line(words=item.piece.words, polygon=polygon_of(item.piece.outline)) for item in items
        ),
        polygon=polygon_of(quad_along(outline, items[0].piece.direction)),
        table=table,
    )


def table_of(rows: list[list[Item]], columns: list[list[int]]) -> Block:
    """Returns a table as a block.

    Args:
        rows: lines, each a cell, from left to right.
        columns: the column of each line.
    """
    number = max(max(places) for places in columns) + 1
    table, count = [], 0
    for places in columns:
        own = dict(zip(places, range(count, count + len(places)), strict=True))
        table.append(tuple((own[k],) if k in own else () for k in range(number)))
        count += len(places)
    return block_of([item for row in rows for item in row], tuple(table))

"""Splits a large page into overlapping tiles and stitches their maps without seams."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tile:
    """A rectangle of a page, in pixels of the scaled page.

    Attributes:
        x, y: its top-left corner.
        width, height: its size.
        left, top, right, bottom: the part whose map is used, relative to its corner; the rest is
            overlap that a neighbour covers better.
    """

    x: int
    y: int
    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int


def tiles_of(size: tuple[int, int], limit: int, overlap: int) -> list[Tile]:
    """Returns equal tiles, no side above `limit`, whose used parts cover the page exactly once.

    Args:
        size: height and width of the scaled page, in pixels.
        limit: longest side of a tile, in pixels.
        overlap: least overlap of neighbouring tiles in pixels; at most half a tile.
    """
    rows, columns = (_spans(length, limit, min(overlap, limit // 2)) for length in size)
    return [
        Tile(x, y, width, height, left, top, right, bottom)
        for y, height, top, bottom in rows
        for x, width, left, right in columns
    ]


def tile_count(size: tuple[int, int], limit: int, overlap: int) -> int:
    """Returns the number of tiles that `tiles_of` would return."""
    rows, columns = (_span_count(length, limit, min(overlap, limit // 2)) for length in size)
    return rows * columns


def _span_count(length: int, limit: int, overlap: int) -> int:
    return 1 if length <= limit else -(-(length - overlap) // (limit - overlap))


def _spans(length: int, limit: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Returns (start, length, used from, used to) of each span along one side."""
    if length <= limit:
        return [(0, length, 0, length)]
    count = _span_count(length, limit, overlap)
    starts = [round(k * (length - limit) / (count - 1)) for k in range(count)]
    # Neighbours meet in the middle of their overlap.
    seams = [0, *((a + limit + b) // 2 for a, b in itertools.pairwise(starts)), length]
    return [
        (start, limit, seams[k] - start, seams[k + 1] - start) for k, start in enumerate(starts)
    ]


def stitch(
    size: tuple[int, int], parts: Sequence[tuple[Tile, NDArray[np.uint8]]]
) -> NDArray[np.uint8]:
    """Returns the maps of the whole page, (M, H, W) uint8, from those of its tiles.

    Args:
        size: height and width of the scaled page, in pixels.
        parts: each tile with its maps, (M, tile.height, tile.width) uint8; at least one.
    """
    if len(parts) == 1:
        return parts[0][1]
    whole = np.zeros((len(parts[0][1]), *size), np.uint8)
    for tile, part in parts:
        rows = slice(tile.y + tile.top, tile.y + tile.bottom)
        columns = slice(tile.x + tile.left, tile.x + tile.right)
        whole[:, rows, columns] = part[:, tile.top : tile.bottom, tile.left : tile.right]
    return whole

"""Places pieces in the frame of the page's own direction, also those that run in another one."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.layout.pieces import Item, Piece
from ocr_plugin.layout.reading_order import in_order
from ocr_plugin.layout.rows import bands_of, cut, median_height, sideways_span
from ocr_plugin.layout.scripts import with_scripts
from ocr_plugin.protocols import Points

# Pieces across the page belong together if no more white space parts them, in line heights: along
# their text and across it.
_ALONG = 2.5
_ACROSS = 1.5
# Letters stacked on each other: how many at least; the most white space between two of them, and
# how far apart their middles may be sideways, in heights.
_STACK = 3
_STACK_GAP = 0.35
_STACK_SHIFT = 0.3
# A letter with a level neighbour this near, in heights, is no part of a stack.
_STACK_MARGIN = 1.5


def items_of(pieces: Sequence[Piece]) -> list[Item]:
    """Returns the pieces as items in the frame of the page's direction.

    Pieces that lie across, upside down or as a stack of letters are represented by an item for
    each group of them.
    """
    groups = _by_direction(pieces)
    if not groups:
        return []
    main, level = groups[0]
    items = with_scripts([_item(piece, main) for piece in level])
    stacks = _stacks(items)
    stacked = {id(letter) for stack in stacks for letter in stack}
    items = [item for item in items if id(item) not in stacked]
    items += [_stand_in([[letter] for letter in stack], main) for stack in stacks]
    for direction, members in groups[1:]:
        turned = with_scripts([_item(piece, direction) for piece in members])
        items += [_stand_in(in_order(cluster), main) for cluster in _clusters(turned)]
    return items


def _by_direction(pieces: Sequence[Piece]) -> list[tuple[NDArray[np.float64], list[Piece]]]:
    """Returns the pieces grouped by quarter turns from the main direction, that one first."""
    if not pieces:
        return []
    weights = np.array([sum(len(word.text) for word in piece.words) for piece in pieces])
    vectors = np.stack([piece.direction for piece in pieces])
    angles = np.arctan2(vectors[:, 1], vectors[:, 0])
    near = vectors @ vectors[_most_voted(angles, weights)] > np.cos(np.pi / 4)
    main = (vectors[near] * weights[near, None]).sum(axis=0)
    main = main / np.linalg.norm(main)
    # A few degrees of tilt are perspective or hand-held photography, not the page's direction.
    angles -= np.arctan2(main[1], main[0])
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


def _most_voted(angles: NDArray[np.float64], weights: NDArray[np.int64]) -> int:
    """Returns the index of the angle with most weight within 45 degrees of it.

    Args:
        angles: radians from -pi to pi, (N,).
        weights: of each angle, (N,).
    """
    order = np.argsort(angles)
    # Three turns in a row, so that no window passes an end.
    turns = np.concatenate([angles[order] + turn for turn in (-2 * np.pi, 0.0, 2 * np.pi)])
    sums = np.concatenate([[0], np.cumsum(np.tile(weights[order], 3))])
    start = np.searchsorted(turns, angles - np.pi / 4)
    end = np.searchsorted(turns, angles + np.pi / 4, side="right")
    return int(np.argmax(sums[end] - sums[start]))


def _bounds(outline: Points, along: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Returns left, top, right and bottom in the frame whose x runs along a unit vector."""
    xs, ys = outline @ along, outline @ np.array([-along[1], along[0]])
    return float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())


def _item(piece: Piece, along: NDArray[np.float64]) -> Item:
    return Item(piece, *_bounds(piece.outline, along), piece.height)


def _stand_in(rows: list[list[Item]], along: NDArray[np.float64]) -> Item:
    members = [item for row in rows for item in row]
    outline = np.concatenate([item.piece.outline for item in members])
    bounds = _bounds(outline, along)
    return Item(members[0].piece, *bounds, median_height(members), tuple(rows))


def _clusters(items: list[Item]) -> Iterator[list[Item]]:
    """Yields the items in groups that wide white space parts."""
    for parts in (cut(items, sideways_span, _ALONG), bands_of(items, _ACROSS)):
        if len(parts) > 1:
            for part in parts:
                yield from _clusters(part)
            return
    yield items


def _stacks(items: list[Item]) -> list[list[Item]]:
    """Returns the columns of single letters, from top to bottom, that touch but nothing beside."""
    letters = [item for item in items if len(item.text) == 1 and item.text.isalpha()]
    stacks: list[list[Item]] = []
    # Of each stack's last letter: x0 + x1, bottom, height.
    ends = np.empty((3, len(letters)))
    for letter in sorted(letters, key=lambda item: item.y0):
        centres, bottoms, heights = ends[:, : len(stacks)]
        low = np.minimum(heights, letter.height)
        fits = np.abs(letter.y0 - bottoms) <= _STACK_GAP * low
        fits &= np.abs(centres - letter.x0 - letter.x1) / 2 <= _STACK_SHIFT * low
        place = int(fits.argmax()) if fits.any() else len(stacks)
        if place == len(stacks):
            stacks.append([])
        stacks[place].append(letter)
        ends[:, place] = letter.x0 + letter.x1, letter.y1, letter.height
    stacks = [stack for stack in stacks if len(stack) >= _STACK]
    beside = _Beside(items) if stacks else None
    return [stack for stack in stacks if beside and not any(map(beside.has_neighbour, stack))]


class _Beside:
    """Tells which items have a level neighbour, in few steps on a page of thousands of them."""

    def __init__(self, items: list[Item]) -> None:
        places = np.array([(item.middle, item.x0, item.x1) for item in items])
        self._middles, self._lefts, self._rights = places[places[:, 0].argsort()].T

    def has_neighbour(self, item: Item) -> bool:
        """Returns whether another one of the items stands level with one of them, and near it."""
        # A little more than those that are level: these are found exactly.
        bounds = item.middle - item.height, item.middle + item.height
        near = slice(*np.searchsorted(self._middles, bounds))
        level = np.abs(self._middles[near] - item.middle) < item.height / 2
        gaps = np.maximum(self._lefts[near] - item.x1, item.x0 - self._rights[near])
        # One of them is the item itself.
        return int(np.count_nonzero(level & (gaps < _STACK_MARGIN * item.height))) > 1

"""Arranges the pieces of a page in reading order, in the frame of the page's own direction."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.layout.blocks import block_of, grouped, merged_row
from ocr_plugin.layout.pieces import Item, Piece
from ocr_plugin.layout.reading_order import in_order
from ocr_plugin.layout.withheld import withheld_of
from ocr_plugin.layout.words import ReadRegion, pieces_of
from ocr_plugin.schema import Block, EngineInfo, Page, Source


def arrange(pieces: Sequence[Piece]) -> tuple[Block, ...]:
    """Returns all pieces as blocks of lines, in reading order."""
    blocks: list[Block] = []
    for direction, group in _by_direction(pieces):
        across = np.array([-direction[1], direction[0]])
        items = [_item(piece, direction, across) for piece in group]
        rows = in_order(items)
        lines = [line for row in rows for line in merged_row(row)]
        blocks.extend(block_of(lines_of_block) for lines_of_block in grouped(lines))
    return tuple(blocks)


def _by_direction(pieces: Sequence[Piece]) -> list[tuple[NDArray[np.float64], list[Piece]]]:
    """Returns the pieces grouped by quarter turns from the main direction, that one first."""
    if not pieces:
        return []
    weights = np.array([sum(len(word.text) for word in piece.words) for piece in pieces])
    vectors = np.stack([piece.direction for piece in pieces])
    # Every piece votes for its direction, and those within 45 degrees, with its characters.
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


def _item(piece: Piece, along: NDArray[np.float64], across: NDArray[np.float64]) -> Item:
    xs, ys = piece.outline @ along, piece.outline @ across
    return Item(piece, float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))


def assemble(
    source: Source,
    regions: Sequence[ReadRegion],
    engine: EngineInfo,
    min_confidence: float,
    warnings: tuple[str, ...],
) -> Page:
    """Returns the result of a page.

    Args:
        source: of the page.
        regions: with their readings.
        engine: what read them.
        min_confidence: words below it are left out; those that a constraint withholds are not
            among them.
        warnings: for the user, one line each.
    """
    pieces = [piece for region in regions for piece in pieces_of(region, min_confidence)]
    downwards = sorted(regions, key=lambda region: float(region.outline.polygon()[:, 1].min()))
    return Page(
        source=source,
        blocks=arrange(pieces),
        withheld=tuple(each for region in downwards for each in withheld_of(region)),
        engine=engine,
        warnings=warnings,
    )

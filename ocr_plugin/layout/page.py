"""Arranges the pieces of a page in reading order, in the frame of the page's own direction."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from ocr_plugin.layout.blocks import block_of, grouped, merged_row, table_of
from ocr_plugin.layout.directions import items_of
from ocr_plugin.layout.pieces import Item, Piece
from ocr_plugin.layout.reading_order import in_order
from ocr_plugin.layout.rows import flat
from ocr_plugin.layout.tables import stretches
from ocr_plugin.layout.withheld import withheld_of
from ocr_plugin.layout.words import ReadRegion, pieces_of
from ocr_plugin.schema import Block, EngineInfo, Page, Source


def arrange(pieces: Sequence[Piece]) -> tuple[Block, ...]:
    """Returns all pieces as blocks of lines, in reading order.

    Groups of pieces that run in another direction than the page are ordered by themselves and then
    have their place in the page's order, as a whole.
    """
    blocks: list[Block] = []
    for rows in _by_frame(in_order(items_of(pieces))):
        for lines, columns in stretches(list(map(merged_row, rows))):
            if columns:
                blocks.append(table_of(lines, columns))
            else:
                blocks += map(block_of, grouped(flat(lines)))
    return tuple(blocks)


def _by_frame(rows: list[list[Item]]) -> Iterator[list[list[Item]]]:
    """Yields the rows in stretches, each of the same frame."""
    stretch: list[list[Item]] = []
    for row in rows:
        for stands_for, part in groupby(row, key=lambda item: item.stands_for):
            if not stands_for:
                stretch.append(list(part))
                continue
            if stretch:
                yield stretch
            yield list(stands_for)
            stretch = []
    if stretch:
        yield stretch


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

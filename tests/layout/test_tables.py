"""Tables among the blocks of a page."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from ocr_plugin.layout import pieces
from ocr_plugin.layout.page import arrange
from ocr_plugin.schema import Block
from tests.layout.sheet_kinds import KINDS, unruled_invoice
from tests.layout.sheets import VARIATIONS, Sheet, Variation
from tests.layout.test_layout import piece

PRICES = [
    ("Item", "Qty", "Price"),
    ("Tea", "2", "2.10"),
    ("Coffee", "", "3.40"),
    ("Cake", "1", "4.00"),
    ("Milk", "3", ""),
]


def cells(rows: Sequence[tuple[str, ...]], below: float = 0.0) -> list[pieces.Piece]:
    return [
        piece(250 * column, below + 30 * row, text)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
        if text
    ]


def tables(blocks: tuple[Block, ...]) -> list[Block]:
    return [block for block in blocks if block.table]


def test_level_cells_in_columns_are_a_table_with_its_empty_cells() -> None:
    (block,) = arrange(cells(PRICES)[::-1])
    assert block.rows == tuple(PRICES)


def test_what_stands_above_and_below_is_no_part_of_a_table() -> None:
    above, below = piece(0, -60, "What it costs"), piece(0, 200, "Thank you very much")
    first, table, last = arrange([below, *cells(PRICES), above])
    assert (first.text, last.text) == ("What it costs", "Thank you very much")
    assert table.rows == tuple(PRICES)


def test_a_merged_cell_is_in_its_first_column() -> None:
    merged = piece(250, 150, "4 pieces at 2.00")
    (block,) = arrange([*cells(PRICES), piece(0, 150, "Nuts"), merged])
    assert block.rows[-1] == ("Nuts", "4 pieces at 2.00", "")


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda each: each.language)
def test_an_invoices_rows_are_one_table(variation: Variation) -> None:
    sheet = Sheet(variation)
    unruled_invoice(sheet)
    (table,) = tables(arrange(sheet.pieces))
    assert len(table.table) == 11
    assert table.rows[0] == ("Item", "Qty", "Price", "Amount")
    assert table.rows[5] == ("Sand paper fine", "4 pcs at 4.10", "", "16.40")
    assert table.rows[-1] == ("", "", "Total", "104.80")


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda each: each.language)
@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind is not unruled_invoice], ids=lambda each: each.__name__
)
def test_other_sheets_have_no_table(kind: Callable[[Sheet], None], variation: Variation) -> None:
    sheet = Sheet(variation)
    kind(sheet)
    assert not tables(arrange(sheet.pieces))


@pytest.mark.parametrize(
    "rows",
    [
        [("Tea", "2.10"), ("Coffee", "3.40"), ("Cake", "4.00")],
        [("Item", "Qty", "Price"), ("Tea", "2", "2.10")],
        [("Name:", "Ann", "Born:", "1980"), ("City:", "Rome", "Zip:", "0100")] * 2,
        [("North", "Gate", "Lane"), ("Upper", "Mill", "Hill"), ("Old", "Town", "Road")],
    ],
    ids=["two columns", "two rows", "labels", "no numbers"],
)
def test_what_may_be_something_else_is_no_table(rows: Sequence[tuple[str, ...]]) -> None:
    assert not tables(arrange(cells(rows)))


def test_words_scattered_as_in_a_photo_are_hardly_ever_a_table() -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(100):
        scattered = [
            piece(rng.uniform(0, 900), rng.uniform(0, 900), f"word {k}", height=rng.uniform(12, 40))
            for k in range(rng.integers(5, 40))
        ]
        found.append(bool(tables(arrange(scattered))))
    assert sum(found) <= 1

"""The reading order of whole pages of many kinds."""

from collections.abc import Callable

import pytest

from ocr_plugin.layout.page import arrange
from tests.layout.sheet_kinds import KINDS
from tests.layout.sheets import VARIATIONS, Sheet, Variation, kendall_tau
from tests.layout.test_layout import piece, texts


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda each: each.language)
@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.__name__)
def test_a_sheet_is_read_in_its_true_order(
    kind: Callable[[Sheet], None], variation: Variation
) -> None:
    sheet = Sheet(variation)
    kind(sheet)
    order = sheet.found()
    assert kendall_tau(order) == 1, sheet.text(order)


def test_kendalls_tau() -> None:
    assert kendall_tau([0, 1, 2]) == 1
    assert kendall_tau([2, 1, 0]) == -1
    assert kendall_tau([1, 0, 2]) == pytest.approx(1 / 3)


def test_cells_of_a_row_stay_together_where_their_lines_are_not_level() -> None:
    pieces = []
    for k in range(4):
        pieces += [
            piece(0, 100 * k, "blue shirt of"),
            piece(0, 100 * k + 26, "fine cotton"),
            piece(300, 100 * k + 13, f"{k}.50"),
        ]
    assert texts(arrange(pieces)) == [
        text for k in range(4) for text in ("blue shirt of", "fine cotton", f"{k}.50")
    ]


def test_small_print_below_a_name_is_not_part_of_its_cell() -> None:
    pieces = []
    for k in range(4):
        pieces += [
            piece(0, 60 * k, "Tomato soup"),
            piece(10, 60 * k + 23, "with basil", height=14),
            piece(400, 60 * k, f"{k}.50"),
        ]
    assert texts(arrange(pieces)) == [
        text for k in range(4) for text in ("Tomato soup", f"{k}.50", "with basil")
    ]


def test_a_date_at_the_right_is_read_before_the_letter() -> None:
    letter = [piece(700, 0, "Berlin, 3 May"), piece(0, 60, "Dear Sir,")]
    assert texts(arrange(letter[::-1])) == ["Berlin, 3 May", "Dear Sir,"]


def test_lines_that_nothing_cuts_apart_are_read_from_left_to_right() -> None:
    """The small piece's middle is the highest, but the large one is left of it."""
    pieces = [
        piece(0, 0, "Big", height=60),
        piece(140, 5, "small", height=20),
        piece(125, 24, "below it", height=30),
    ]
    assert texts(arrange(pieces[::-1])) == ["Big", "small", "below it"]

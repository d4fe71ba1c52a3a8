"""The reading order of whole pages of many kinds."""

from collections.abc import Callable

import pytest

from tests.layout.sheet_kinds import KINDS
from tests.layout.sheets import VARIATIONS, Sheet, Variation, kendall_tau


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

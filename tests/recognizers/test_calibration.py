"""How sure a choice is: by its odds, and by how well it fits the picture."""

import numpy as np
import pytest

from ocr_plugin.recognizers.calibration import Calibration
from ocr_plugin.recognizers.decision import View

NAN = float("nan")
REGRESSION = Calibration(bias=0.5, odds=0.5, seen=1.0)


def view(**scores: tuple[float, float]) -> View:
    return View(list(scores), np.array(list(scores.values()), np.float64).reshape(-1, 2))


def test_it_is_a_logistic_regression() -> None:
    found = REGRESSION.confidence("ab", 0.8, [view(ab=(-0.6, -9), cd=(-1, 0))])
    total = 0.5 + 0.5 * np.log(0.8 / 0.2) - 0.6 / 3
    assert found == pytest.approx(1 / (1 + np.exp(-total)))


def test_a_text_that_fits_badly_is_not_sure_though_no_other_fits_better() -> None:
    alone = 0.99
    good = REGRESSION.confidence("daily", alone, [view(daily=(-0.1, 0))])
    upside_down = REGRESSION.confidence("Alep", alone, [view(Alep=(-20.0, 0))])
    assert good > 0.9 and upside_down < 0.3


def test_the_view_counts_in_which_the_text_fits_best() -> None:
    poor, good = view(ab=(-9, 0)), view(ab=(-0.3, 0))
    both = REGRESSION.confidence("ab", 0.9, [poor, good, view(cd=(0, 0))])
    assert both == REGRESSION.confidence("ab", 0.9, [good])


@pytest.mark.parametrize("views", [[view(ab=(NAN, -1))], [view(cd=(0, 0))], []])
def test_what_the_reader_has_no_opinion_about_is_unsure(views: list[View]) -> None:
    assert 0 < REGRESSION.confidence("ab", 0.9, views) < 0.3


def test_certainty_stays_finite() -> None:
    assert 0 < REGRESSION.confidence("a", 0.0, [view(a=(0, 0))]) < 0.01
    assert 0.99 < REGRESSION.confidence("a", 1.0, [view(a=(0, 0))]) < 1

"""How sure a choice is: by its odds, and by how well it fits the picture."""

import math

import numpy as np
import pytest

from ocr_plugin.recognizers.calibration import Calibration

REGRESSION = Calibration(bias=0.5, odds=0.5, seen=1.0)


def test_it_is_a_logistic_regression() -> None:
    total = 0.5 + 0.5 * np.log(0.8 / 0.2) - 0.2
    assert REGRESSION.confidence(0.8, -0.2) == pytest.approx(1 / (1 + np.exp(-total)))


def test_a_text_that_fits_badly_is_not_sure_though_no_other_fits_better() -> None:
    assert REGRESSION.confidence(0.99, -0.02) > 0.9
    assert REGRESSION.confidence(0.99, -4.0) < 0.3


@pytest.mark.parametrize(
    ("probability", "score", "least", "most"),
    [(0.0, 0.0, 0, 0.01), (1.0, 0.0, 0.99, 1), (0.5, -math.inf, 0, 0.01)],
)
def test_certainty_stays_finite(
    probability: float, score: float, least: float, most: float
) -> None:
    assert least < REGRESSION.confidence(probability, score) < most

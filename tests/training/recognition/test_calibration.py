from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin.datasets.word_sets import WordImage
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component
from ocr_plugin.training.recognition.calibration import confidence_power, likeliest_power


@pytest.mark.parametrize("power", [0.3, 1.0, 3.0])
def test_the_power_behind_confidences_is_found(power: float) -> None:
    random = np.random.default_rng(0)
    stated = random.uniform(0.05, 1, 20_000)
    correct = random.random(20_000) < stated**power
    assert likeliest_power(stated.tolist(), correct.tolist()) == pytest.approx(power, rel=0.05)


def test_certain_and_wrong_is_survived() -> None:
    assert likeliest_power([1.0, 1.0, 0.0], [True, False, True]) > 0


class Unsure:
    """Reads every word right and says 0.5 to it."""

    unit: Unit = "word"
    component = Component(name="unsure", version="1")

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        return [Reading("Word", 0.5) for _ in crops]


def test_a_reader_is_calibrated_on_words() -> None:
    pixels = np.zeros((4, 8, 3), np.uint8)
    words = [WordImage(str(index), pixels, "WORD-") for index in range(60)]
    assert confidence_power(Unsure(), words) == 0.1  # always right: as sure as it may be
    with pytest.raises(ConfigurationError, match="49 held-back words are too few"):
        confidence_power(Unsure(), words[:49])

"""Calibration: makes a confidence the probability that the whole word is right.

A network that has seen its words many times is overconfident, one that learnt from softened words
underconfident. One number corrects most of that: the power to which the product of the token
probabilities is raised, fitted on words that were held back.
"""

from collections.abc import Sequence

import numpy as np

from ocr_plugin.datasets.labels import compared
from ocr_plugin.datasets.word_sets import WordImage
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import Recognizer
from ocr_plugin.recognizers.charset import CHARACTERS

_POWERS = np.geomspace(0.1, 10, 401)
_LEAST = 50
"""Fewer words would fit noise."""


def confidence_power(
    reader: Recognizer, words: Sequence[WordImage], characters: str = CHARACTERS
) -> float:
    """Returns the power that makes a reader's confidences likeliest for some labelled words.

    Args:
        reader: whose confidences are not raised to a power yet.
        words: that it has not learnt from.
        characters: that it reads.

    Raises:
        ConfigurationError: too few words to tell.
    """
    kept = [word for word in words if compared(word.label, characters)]
    if len(kept) < _LEAST:
        raise ConfigurationError(
            f"{len(kept)} held-back words are too few to calibrate on; {_LEAST} are needed"
        )
    readings = reader.recognize([word.pixels for word in kept])
    correct = [
        compared(reading.text, characters) == compared(word.label, characters)
        for reading, word in zip(readings, kept, strict=True)
    ]
    return likeliest_power([reading.confidence for reading in readings], correct)


def likeliest_power(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Returns the power, 0.1 to 10, under which what was correct is likeliest.

    Args:
        confidences: N, 0 to 1.
        correct: N, whether each reading was.
    """
    logarithms = np.log(np.clip(confidences, 1e-6, 1 - 1e-6))
    raised = np.outer(_POWERS, logarithms)  # (powers, N)
    wrong = np.log1p(-np.exp(np.minimum(raised, -1e-9)))
    likelihoods = np.where(np.asarray(correct), raised, wrong).mean(1)
    return round(float(_POWERS[likelihoods.argmax()]), 3)

"""How often a chosen text is right.

The probability of a text among the candidates says nothing of texts that are none of them, and a
word of a language wins even where all candidates fit the picture badly, as upside down. So the
reader's own score counts as well, in a logistic regression (Platt 1999).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocr_plugin.recognizers.decision import View

# Of a text that no view's reader has an opinion about, a character.
_UNSEEN = -3.0
# Probabilities as close as this to 0 or 1 are as good as certain.
_LEAST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """A logistic regression, fitted on words and on the same words upside down.

    Attributes:
        bias: the constant.
        odds: factor of the logarithm of the odds among the candidates.
        seen: factor of the first reader's log-probability, a character, the end counted as one.
    """

    bias: float
    odds: float
    seen: float

    def confidence(self, text: str, probability: float, views: Sequence[View]) -> float:
        """Returns how likely a chosen text is right.

        Args:
            text: not empty.
            probability: its share among the candidates.
            views: of the crop; the one in which the first reader likes the text best counts.
        """
        clipped = min(max(probability, _LEAST), 1 - _LEAST)
        seen = max((_seen(view, text) for view in views), default=-math.inf)
        mean = seen / (len(text) + 1) if math.isfinite(seen) else _UNSEEN
        total = self.bias + self.odds * math.log(clipped / (1 - clipped)) + self.seen * mean
        return 1 / (1 + math.exp(-total))


def _seen(view: View, text: str) -> float:
    """Returns the first reader's log-probability of a text; minus infinity where it has none."""
    if text not in view.texts:
        return -math.inf
    score = float(view.log_probabilities[list(view.texts).index(text), 0])
    return -math.inf if np.isnan(score) else score

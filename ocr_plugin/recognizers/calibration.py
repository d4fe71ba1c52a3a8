"""How often a chosen text is right.

The probability of a text among the candidates says nothing of texts that are none of them, and a
word of a language wins even where all candidates fit the picture badly, as upside down. So the
reader's own score counts as well, in a logistic regression (Platt 1999).
"""

import math
from dataclasses import dataclass

# Scores a character are no lower than this, nor is that of a text that the reader cannot say.
_LOWEST = -8.0
# Probabilities as close as this to 0 or 1 are as good as certain.
_LEAST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """A logistic regression, fitted on words and, with little weight, on the same upside down.

    Attributes:
        bias: the constant.
        odds: factor of the logarithm of the odds among the candidates.
        seen: factor of the first reader's log-probability of the text, a character.
    """

    bias: float
    odds: float
    seen: float

    def confidence(self, probability: float, score: float) -> float:
        """Returns how likely a chosen text is right.

        Args:
            probability: its share among the candidates.
            score: its log-probability by the first reader, a character; the end counts as one.
        """
        clipped = min(max(probability, _LEAST), 1 - _LEAST)
        odds = math.log(clipped / (1 - clipped))
        total = self.bias + self.odds * odds + self.seen * max(score, _LOWEST)
        return 1 / (1 + math.exp(-total))


AS_IT_IS = Calibration(bias=0.0, odds=1.0, seen=0.0)
"""The share among the candidates."""

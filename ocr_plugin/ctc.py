"""Best path of a CTC reader: one guess a column, repeats and blanks taken out.

Connectionist temporal classification, Graves et al. 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BLANK = 0
"""The class that says nothing."""


@dataclass(frozen=True)
class Emission:
    """A character on the best path.

    Attributes:
        id: its class, 1 or more.
        confidence: 0 to 1, where it is most certain.
        first, last: its columns are those from `first` up to `last`, without that.
    """

    id: int
    confidence: float
    first: int
    last: int


def best_path(probabilities: NDArray[np.float32]) -> list[Emission]:
    """Returns the characters of (columns, classes) probabilities, from left to right."""
    ids = probabilities.argmax(axis=1)
    best = probabilities[np.arange(len(ids)), ids]
    bounds = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
    return [
        Emission(int(ids[first]), min(float(best[first:last].max()), 1.0), first, last)
        for first, last in pairwise(bounds)
        if first < last and ids[first] != BLANK
    ]

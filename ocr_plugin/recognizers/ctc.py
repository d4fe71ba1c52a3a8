"""Best-path decoding of CTC outputs: one class per column, repeats and blanks removed.

Connectionist temporal classification, Graves et al. 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import CharacterReading, Reading, WordReading
from ocr_plugin.recognizers.charset import Charset

if TYPE_CHECKING:
    from torch import Tensor

BLANK = 0
"""The class of no character."""


@dataclass(frozen=True)
class Emission:
    """A character on the best path.

    Attributes:
        id: its class, 1 or more.
        confidence: 0 to 1, the highest of its columns.
        first, last: its columns, `last` excluded.
    """

    id: int
    confidence: float
    first: int
    last: int


def best_path(probabilities: NDArray[np.float32]) -> list[Emission]:
    """Returns the characters on the best path, from left to right.

    Args:
        probabilities: (columns, classes) float32.
    """
    ids = probabilities.argmax(axis=1)
    best = probabilities[np.arange(len(ids)), ids]
    bounds = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
    return [
        Emission(int(ids[first]), min(float(best[first:last].max()), 1.0), first, last)
        for first, last in pairwise(bounds)
        if first < last and ids[first] != BLANK
    ]


# The decoders' EOS shares its id with the blank; the two never occur together.


def greedy_texts(logits: "Tensor", charset: Charset) -> list[str]:
    """Returns the most likely path of each row as text.

    Args:
        logits: (B, columns, classes), of `Clip4Str.ctc_logits`.
        charset: of the network.
    """
    rows = logits.detach().float().softmax(-1).cpu().numpy()
    return [ctc_reading(row, charset).text for row in rows]


def ctc_reading(probabilities: NDArray[np.float32], charset: Charset, power: float = 1) -> Reading:
    """Returns the most likely path of a crop as a reading.

    Args:
        probabilities: (columns, classes).
        charset: of the network.
        power: exponent of the product of the characters' confidences, for the text's.
    """
    path, columns = best_path(probabilities), len(probabilities)
    if not path:
        return Reading("", 0.0)
    characters = tuple(
        CharacterReading(
            charset.characters[each.id - 1],
            each.confidence,
            (each.first / columns, each.last / columns),
        )
        for each in path
    )
    text = "".join(character.text for character in characters)
    confidence = math.prod(each.confidence for each in path) ** power
    return Reading(text, confidence, (WordReading(text, confidence, characters=characters),))

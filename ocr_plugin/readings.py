"""A line's reading and its words: where they stand, and how they come together again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import Reading

# A reader that works by CTC answers near the middle of each character, so that a word reaches
# further than its first and last answer: by this share of the distance between characters.
_REACH = 0.7


@dataclass(frozen=True)
class WordSpan:
    """A word within a line's reading.

    Attributes:
        first, last: its characters are ``reading.text[first:last]``.
        start, end: where it stands, as fractions of the crop's width.
    """

    first: int
    last: int
    start: float
    end: float


def spaced_spans(reading: Reading) -> list[WordSpan]:
    """Returns the words of a line's reading, parted at its white space.

    Where the reader does not say at which place of the crop each character stands, the width is
    shared out evenly among the characters.
    """
    text = reading.text
    extents = reading.character_extents or tuple(
        (index / len(text), (index + 1) / len(text)) for index in range(len(text))
    )
    places = np.array([(start + end) / 2 for start, end in extents])
    spans = []
    for first, last in (match.span() for match in re.finditer(r"\S+", text)):
        half = _REACH * _pitch(places[first:last], extents[first])
        before = places[first - 1] if first else 0.0
        after = places[last] if last < len(text) else 1.0
        start = min(extents[first][0], max(before, places[first] - half))
        end = max(extents[last - 1][1], min(after, places[last - 1] + half))
        spans.append(WordSpan(first, last, max(0.0, float(start)), min(1.0, float(end))))
    return spans


def even_extents(count: int, start: float, end: float) -> tuple[tuple[float, float], ...]:
    """Returns extents of `count` characters that fill a word's span, as `spaced_spans` finds it."""
    if count == 1:  # `_pitch` takes a lone character's extent for half of its distance
        half = (end - start) / (8 * _REACH)
        return (((start + end) / 2 - half, (start + end) / 2 + half),)
    pitch = (end - start) / (count - 1 + 2 * _REACH)
    middles = (start + (index + _REACH) * pitch for index in range(count))
    return tuple((middle - pitch / 2, middle + pitch / 2) for middle in middles)


def joined(words: Sequence[Reading]) -> Reading:
    """Returns the readings of a line's words, each with characters and extents, as the line's."""
    words = [word for word in words if word.text]
    if not words:
        return Reading("", 0.0)
    if len(words) == 1:
        return replace(words[0], word_confidences=(words[0].confidence,))
    confidences, extents = list(words[0].character_confidences), list(words[0].character_extents)
    for before, word in pairwise(words):
        # A space is as sure as the words that it parts.
        confidences += [min(before.confidence, word.confidence), *word.character_confidences]
        extents += [
            (before.character_extents[-1][1], word.character_extents[0][0]),
            *word.character_extents,
        ]
    return Reading(
        " ".join(word.text for word in words),
        fmean((word.confidence for word in words), [len(word.text) for word in words]),
        tuple(confidences),
        tuple(extents),
        word_confidences=tuple(word.confidence for word in words),
    )


def _pitch(places: NDArray[np.float64], extent: tuple[float, float]) -> float:
    """Returns the usual distance between the middles of neighbouring characters."""
    if len(places) < 2:
        return 2 * (extent[1] - extent[0])
    return float(np.median(np.diff(places)))

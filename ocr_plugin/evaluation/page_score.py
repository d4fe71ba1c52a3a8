"""How many labelled words of a page were read, whether the engine answers in words or lines.

Text is compared by the 36-character rule: lower case, digits and Latin letters only. A labelled
word counts as read when a white-space token of an answer equals it, the token has not been used
before, and the answer's polygon, grown by a quarter of the word's height, holds the word's centre.
Tokens that are left over count against precision, except those of answers that touch a region
marked to be ignored.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.evaluation.detection import shapes


@dataclass(frozen=True)
class Answer:
    """What an engine read at a place: a word, or a line of several.

    Attributes:
        polygon: at least three points x, y in page pixels.
        text: as read.
    """

    polygon: Sequence[tuple[float, float]]
    text: str


@dataclass(frozen=True)
class Tally:
    """Counts over any number of pages."""

    read: int = 0
    labelled: int = 0
    answered: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.read + other.read,
            self.labelled + other.labelled,
            self.answered + other.answered,
        )

    def scores(self) -> dict[str, float]:
        """Returns recall, precision and their harmonic mean, to four digits."""
        recall = self.read / max(self.labelled, 1)
        precision = self.read / max(self.answered, 1)
        hmean = 2 * recall * precision / max(recall + precision, 1e-9)
        return {
            "recall": round(recall, 4),
            "precision": round(precision, 4),
            "hmean": round(hmean, 4),
        }


@dataclass(frozen=True)
class Sought:
    """A labelled word: a label, or one of the words of a labelled line.

    Attributes:
        label: index among the page's labels.
        read: whether it was.
    """

    label: int
    read: bool


def judged(word: LabelledWord) -> bool:
    """Returns whether a label counts: not one to ignore, nor one without its text."""
    return not word.ignore and word.text is not None


def tally(labels: Sequence[LabelledWord], answers: Sequence[Answer]) -> tuple[Tally, list[Sought]]:
    """Returns the counts of one page, and what became of each labelled word."""
    outlines = shapes([word.polygon for word in labels])
    unjudged = shapely.union_all([outlines[i] for i, word in enumerate(labels) if not judged(word)])
    areas = shapes([np.asarray(answer.polygon, np.float64) for answer in answers])
    left = [_tokens(answer.text) for answer in answers]
    sought = []
    for index, word in enumerate(labels):
        if word.text is None or word.ignore:
            continue
        # A labelled line holds several words; each must lie within reach of the line.
        target = outlines[index] if " " in word.text else outlines[index].centroid
        reach = _height(outlines[index]) / 4
        for token in _tokens(word.text):
            for area, tokens in zip(areas, left, strict=True):
                if token in tokens and area.buffer(reach).intersects(target):
                    tokens.remove(token)
                    sought.append(Sought(index, read=True))
                    break
            else:
                sought.append(Sought(index, read=False))
    read = sum(word.read for word in sought)
    excused = shapely.intersects(areas, unjudged)
    wrong = sum(len(tokens) for tokens, free in zip(left, excused, strict=True) if not free)
    return Tally(read, len(sought), read + wrong), sought


def _tokens(text: str) -> list[str]:
    plain = (re.sub("[^0-9a-z]", "", token.lower()) for token in text.split())
    return [token for token in plain if token]


def _height(shape: BaseGeometry) -> float:
    """Returns the short side of the smallest rectangle around a shape, in pixels."""
    if not shape.area:
        return 0.0
    corners = shapely.get_coordinates(shape.minimum_rotated_rectangle)
    sides = np.linalg.norm(np.diff(corners[:3], axis=0), axis=1)
    return float(sides.min())

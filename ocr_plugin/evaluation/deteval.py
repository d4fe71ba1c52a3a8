"""DetEval: found words against labelled ones by area, where one may stand for several.

The rule is that of Wolf and Jolion (Object count / area graphs for the evaluation of object
detection and segmentation algorithms, IJDAR 8, 2006). A labelled word and a found one match
where enough of the labelled one is covered and enough of the found one lies on it. A word that was
found in pieces, and words that were found as one, count in part. As in Total-Text's scripts
(https://github.com/cs-chan/Total-Text-Dataset) that is 0.8 for each piece as well as for the whole;
those of ICDAR-2013 count words found as one in full.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.evaluation.detection import shapes, shared_areas, to_ignore
from ocr_plugin.protocols import Points

_IN_PART = 0.8
_QUAD = 4


@dataclass(frozen=True)
class Thresholds:
    """Shares of area from which words match.

    Attributes:
        recall: share of a labelled word's area that is covered.
        precision: share of a found word's area that lies on labelled ones.
    """

    recall: float
    precision: float


STRAIGHT = Thresholds(recall=0.8, precision=0.4)
CURVED = Thresholds(recall=0.7, precision=0.6)
"""Total-Text's."""


@dataclass(frozen=True)
class Credits:
    """How much was found, and how much of it is words; may be added up.

    Attributes:
        recalled: sum over the labelled words of what each counts, 0 to 1.
        confirmed: sum over the found words of what each counts, 0 to 1.
        labelled: words that count.
        found: found words that count.
    """

    recalled: float = 0.0
    confirmed: float = 0.0
    labelled: int = 0
    found: int = 0

    def __add__(self, other: "Credits") -> "Credits":
        return Credits(
            self.recalled + other.recalled,
            self.confirmed + other.confirmed,
            self.labelled + other.labelled,
            self.found + other.found,
        )

    @property
    def recall(self) -> float:
        """Share of the labelled words that was found."""
        return self.recalled / max(self.labelled, 1)

    @property
    def precision(self) -> float:
        """Share of what was found that is labelled."""
        return self.confirmed / max(self.found, 1)

    @property
    def f(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.recall * self.precision / max(self.recall + self.precision, 1e-9)


def thresholds_for(words: Sequence[LabelledWord]) -> Thresholds:
    """Returns those for a set with these words: Total-Text's where outlines follow curves."""
    curved = any(len(word.polygon) > _QUAD for word in words if not word.ignore)
    return CURVED if curved else STRAIGHT


def area_credits(
    labels: Sequence[LabelledWord], found: Sequence[Points], thresholds: Thresholds
) -> Credits:
    """Returns the counts of one page.

    Args:
        labels: the page's words.
        found: outlines, (N, 2) float32 each, in the same pixels.
        thresholds: of area.
    """
    outlines = shapes(found)
    words = shapes([word.polygon for word in labels if not word.ignore])
    shared = shared_areas(words, outlines)
    covered = shared / np.maximum(shapely.area(words), 1e-9)[:, None]
    on_word = shared / np.maximum(shapely.area(outlines), 1e-9)[None, :]
    recalled, confirmed = np.zeros(len(words)), np.zeros(len(outlines))
    for rows, columns in _groups(covered, on_word, thresholds):
        credit = 1.0 if len(rows) == len(columns) == 1 else _IN_PART
        recalled[rows], confirmed[columns] = credit, credit
    counted = (confirmed > 0) | ~to_ignore(labels, outlines)
    return Credits(float(recalled.sum()), float(confirmed.sum()), len(words), int(counted.sum()))


_Areas = NDArray[np.float64]
_Indices = NDArray[np.intp]


def _groups(
    covered: _Areas, on_word: _Areas, thresholds: Thresholds
) -> Iterator[tuple[_Indices, _Indices]]:
    """Yields which labelled words are which found ones: pairs, then pieces, then words as one."""
    enough_covered, enough_on_word = (
        covered >= thresholds.recall,
        on_word >= thresholds.precision,
    )
    same = enough_covered & enough_on_word
    alone = same & (same.sum(axis=1) == 1)[:, None] & (same.sum(axis=0) == 1)[None, :]
    rows, columns = np.nonzero(alone)
    for row, column in zip(rows, columns, strict=True):
        yield np.array([row]), np.array([column])
    free_rows, free_columns = ~alone.any(axis=1), ~alone.any(axis=0)
    for row in np.flatnonzero(free_rows):
        pieces = np.flatnonzero(enough_on_word[row] & free_columns)
        if covered[row, pieces].sum() >= thresholds.recall:
            free_rows[row], free_columns[pieces] = False, False
            yield np.array([row]), pieces
    for column in np.flatnonzero(free_columns):
        words = np.flatnonzero(enough_covered[:, column] & free_rows)
        if on_word[words, column].sum() >= thresholds.precision:
            free_rows[words] = False
            yield words, np.array([column])

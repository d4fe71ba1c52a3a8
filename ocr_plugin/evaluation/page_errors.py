"""What became of each labelled word of a page: read, and if not, at which stage it went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely

from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.evaluation.detection import Shapes, shapes, shared_areas
from ocr_plugin.evaluation.page_score import Answer, Tally, tally

_COVERED, _SAME = 0.5, 0.5


class Outcome(StrEnum):
    """What became of a labelled word.

    The answered words decide between the last three: they cover less than half of the word; they
    cover it, but none by an intersection of more than half of the union; one does, and says
    something else.
    """

    RIGHT = "right"
    NOT_FOUND = "not found"
    CUT_WRONG = "cut wrong"
    MISREAD = "misread"


@dataclass(frozen=True)
class Verdict:
    """What became of one labelled word.

    Attributes:
        outcome: as `Outcome` tells.
        page: on which it stands.
        label: index among the page's labels; a labelled line has a verdict for each of its words.
        text: what was answered at its place, unless it is right: of a misread word the answer that
            lies on it, of others all that touch it, in the engine's order.
        answers: all of the page's.
    """

    outcome: Outcome
    page: LabelledPage
    label: int
    text: str
    answers: Sequence[Answer]

    @property
    def word(self) -> LabelledWord:
        """The label."""
        return self.page.words[self.label]


def judge(page: LabelledPage, answers: Sequence[Answer]) -> tuple[Tally, list[Verdict]]:
    """Returns the counts of a page, and a verdict on each labelled word that counts."""
    counts, sought = tally(page.words, answers)
    areas = shapes([np.asarray(answer.polygon, np.float64) for answer in answers])
    verdicts = []
    for item in sought:
        word = page.words[item.label]
        outcome, touching = (Outcome.RIGHT, []) if item.read else _wrong(word, areas)
        text = " ".join(answers[index].text for index in touching)
        verdicts.append(Verdict(outcome, page, item.label, text, answers))
    return counts, verdicts


def _wrong(word: LabelledWord, areas: Shapes) -> tuple[Outcome, list[int]]:
    """Returns what is wrong with a word that was not read, and the answers that tell."""
    shape = shapes([word.polygon])
    shared = shared_areas(shape, areas)[0]
    touching = np.flatnonzero(shared)
    if not len(touching):
        return Outcome.NOT_FOUND, []
    own = shape[0].area
    union = shapely.area(areas[touching]) + own - shared[touching]
    ious = shared[touching] / union
    if ious.max() > _SAME:
        return Outcome.MISREAD, [int(touching[ious.argmax()])]
    covered = shapely.union_all(shapely.intersection(areas[touching], shape[0])).area
    outcome = Outcome.NOT_FOUND if covered < _COVERED * own else Outcome.CUT_WRONG
    return outcome, touching.tolist()

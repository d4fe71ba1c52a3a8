"""How well a detector finds the words of labelled pages."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.evaluation.detection import Counts, matched
from ocr_plugin.evaluation.deteval import Credits, Thresholds, area_credits, thresholds_for
from ocr_plugin.evaluation.word_groups import (
    HEIGHTS,
    LENGTHS,
    Groups,
    height_group,
    length_group,
)
from ocr_plugin.pages.raster import PageFailure
from ocr_plugin.protocols import Detector, Points, Regions
from ocr_plugin.schema import PageError


@dataclass
class SetDetection:
    """What a detector found in a set; pages that failed are in no count.

    Attributes:
        thresholds: of DetEval.
        counts: by IoU, one to one.
        deteval: by area.
        by_height: hits and labelled words by the height of their letters.
        by_length: the same by the words' lengths.
        failures: the pages that could not be opened or searched.
    """

    thresholds: Thresholds
    pages: int = 0
    counts: Counts = field(default_factory=Counts)
    deteval: Credits = field(default_factory=Credits)
    by_height: Counter[tuple[str, bool]] = field(default_factory=Counter)
    by_length: Counter[tuple[str, bool]] = field(default_factory=Counter)
    failures: list[PageError] = field(default_factory=list)

    def add(self, words: Sequence[LabelledWord], found: Sequence[Points]) -> None:
        """Counts a page."""
        counts, pairs = matched(words, found)
        self.pages += 1
        self.counts += counts
        self.deteval += area_credits(words, found, self.thresholds)
        for index, word in enumerate(words):
            if word.ignore:
                continue
            self.by_height[height_group(word), index in pairs] += 1
            if (length := length_group(word)) is not None:
                self.by_length[length, index in pairs] += 1

    def scores(self) -> dict[str, Any]:
        """Returns the scores, each from 0 to 1 and to four digits."""
        return {
            "pages": self.pages,
            "failed": [failure.name for failure in self.failures],
            "words": self.counts.labelled,
            **_three(self.counts),
            "deteval": {
                "area_recall": self.thresholds.recall,
                "area_precision": self.thresholds.precision,
                **_three(self.deteval),
            },
            "by_height": _recalls(self.by_height, HEIGHTS),
            "by_length": _recalls(self.by_length, LENGTHS),
        }


def search(pages: PageSet, detector: Detector) -> SetDetection:
    """Returns what a detector finds in a set, at its own threshold."""
    found = SetDetection(thresholds_for([word for page in pages.pages for word in page.words]))
    for page in pages.pages:
        try:
            outlines = outlines_of(_regions(page, detector))
        except Exception as error:  # a defect of the detector is that page's error, as in an engine
            found.failures.append(PageFailure(str(page.path), None, error).as_error())
            continue
        found.add(page.words, outlines)
    return found


def outlines_of(regions: Regions) -> list[Points]:
    """Returns the outlines of a page's words; of a line that is not cut into words, its own."""
    words: Sequence[Sequence[Points]] = getattr(regions, "words", None) or ()
    if not words:
        return list(regions.polygons)
    return [
        outline
        for line, inner in zip(regions.polygons, words, strict=True)
        for outline in (inner if len(inner) else (line,))
    ]


def _regions(page: LabelledPage, detector: Detector) -> Regions:
    answers = detector.detect([page.pixels()])
    if len(answers) != 1:
        raise RuntimeError(f"the detector answered {len(answers)} of 1 pages")
    return answers[0]


def _three(counts: Counts | Credits) -> dict[str, float]:
    return {
        "recall": round(counts.recall, 4),
        "precision": round(counts.precision, 4),
        "f": round(counts.f, 4),
    }


def _recalls(counted: Counter[tuple[str, bool]], groups: Groups) -> dict[str, Any]:
    """Returns recall and count of each group that has members."""
    found = {}
    for name in groups:
        count = counted[name, True] + counted[name, False]
        if count:
            found[name] = {"recall": round(counted[name, True] / count, 4), "count": count}
    return found

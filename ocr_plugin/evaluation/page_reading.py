"""How well an engine reads labelled pages, from the picture to the words."""

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.evaluation.page_errors import Outcome, Verdict, judge
from ocr_plugin.evaluation.page_score import Answer, Tally, judged
from ocr_plugin.evaluation.protocol_scores import ProtocolScores
from ocr_plugin.evaluation.word_groups import HEIGHTS, height_group
from ocr_plugin.schema import Page, PageError


@dataclass
class SetReading:
    """What an engine read of a set; pages that failed are in no count.

    Attributes:
        counts: by the rule of `page_score`.
        outcomes: labelled words by the height of their letters and what became of them.
        seconds: that each page took, from its file to its words.
        errors: a verdict on each labelled word that was not read.
        failures: the pages that could not be read.
        protocols: the same readings by published protocols.
    """

    counts: Tally = field(default_factory=Tally)
    outcomes: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    errors: list[Verdict] = field(default_factory=list)
    failures: list[PageError] = field(default_factory=list)
    protocols: ProtocolScores = field(default_factory=ProtocolScores)

    def add(self, page: LabelledPage, answers: Sequence[Answer], seconds: float) -> None:
        """Counts a page."""
        counts, verdicts = judge(page, answers)
        self.counts += counts
        self.protocols.add(page, answers)
        self.seconds.append(seconds)
        for verdict in verdicts:
            self.outcomes[height_group(verdict.word), verdict.outcome] += 1
            if verdict.outcome is not Outcome.RIGHT:
                self.errors.append(verdict)

    def scores(self) -> dict[str, Any]:
        """Returns the scores, each from 0 to 1 and to four digits, and the counts of outcomes.

        ``protocols`` is there if any was asked for: `ProtocolScores.scores` tells its form.
        """
        by_height = {
            group: {str(outcome): self.outcomes[group, outcome] for outcome in Outcome}
            for group in HEIGHTS
        }
        protocols = self.protocols.scores()
        return {
            "pages": len(self.seconds),
            "failed": [failure.name for failure in self.failures],
            "words": self.counts.labelled,
            **self.counts.scores(),
            "median_seconds_per_page": round(statistics.median(self.seconds or [0.0]), 4),
            "outcomes": {
                str(outcome): sum(counts[outcome] for counts in by_height.values())
                for outcome in Outcome
            },
            "outcomes_by_height": {
                group: counts for group, counts in by_height.items() if any(counts.values())
            },
            **({"protocols": protocols} if protocols else {}),
        }


def check_texts(pages: PageSet) -> None:
    """Refuses a set that cannot be used to score readings.

    Raises:
        ConfigurationError: none of its labels tells a text.
    """
    if not any(judged(word) for page in pages.pages for word in page.words):
        raise ConfigurationError(
            f"{pages.path}: no label tells what a word says (ocr-plugin eval detection needs none)"
        )


def read(pages: PageSet, engine: Engine, protocols: ProtocolScores | None = None) -> SetReading:
    """Returns what an engine reads of a set, page by page.

    Args:
        pages: the set.
        engine: reads each page once, however often it is scored.
        protocols: what else to score by, after its `check` of the pages; nothing if None.
    """
    reading = SetReading(protocols=protocols or ProtocolScores())
    for page in pages.pages:
        start = time.perf_counter()
        result = next(results := engine.read_many([page.path]))
        seconds = time.perf_counter() - start
        results.close()
        if isinstance(result, PageError):
            reading.failures.append(result)
        else:
            reading.add(page, _answers(result), seconds)
    return reading


def _answers(page: Page) -> tuple[Answer, ...]:
    return tuple(Answer(word.polygon.points, word.text) for word in page.words)

"""The same readings scored by several protocols, each without a lexicon and with several."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.evaluation.icdar_protocols import PageProtocol
from ocr_plugin.evaluation.icdar_score import tally
from ocr_plugin.evaluation.lexicons import NO_LEXICON, Lexicon
from ocr_plugin.evaluation.page_score import Answer, Tally


class ProtocolScores:
    """Counts over the pages of a set, by protocol and lexicon.

    Args:
        protocols: by which to score; without any, nothing is counted.
        lexicons: each a run of its own, beside the run without.
    """

    def __init__(
        self, protocols: Sequence[PageProtocol] = (), lexicons: Sequence[Lexicon] = ()
    ) -> None:
        self._lexicons = tuple(lexicons)
        self._counts = {
            protocol: dict.fromkeys((NO_LEXICON, *(each.name for each in lexicons)), Tally())
            for protocol in protocols
        }

    def check(self, pages: Sequence[LabelledPage]) -> None:
        """Checks before any page is read that every lexicon has words for each.

        Raises:
            ConfigurationError: one has not.
        """
        for lexicon in self._lexicons:
            for page in pages:
                lexicon.words_for(page.path)

    def add(self, page: LabelledPage, answers: Sequence[Answer]) -> None:
        """Counts a page.

        Raises:
            ConfigurationError: a lexicon has no words for it.
        """
        if not self._counts:
            return
        runs = {each.name: _corrected(page, answers, each) for each in self._lexicons}
        for name, corrected in {NO_LEXICON: answers, **runs}.items():
            for protocol, counts in self._counts.items():
                counts[name] += tally(page.words, corrected, protocol)

    def scores(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Returns words that count, recall, precision and hmean, by protocol and lexicon."""
        return {
            str(protocol): {
                name: {"words": own.labelled, **own.scores()} for name, own in counts.items()
            }
            for protocol, counts in self._counts.items()
        }


def _corrected(
    page: LabelledPage, answers: Sequence[Answer], lexicon: Lexicon
) -> tuple[Answer, ...]:
    """Returns the answers that have a word in the lexicon, each with that word."""
    words = lexicon.words_for(page.path)
    return tuple(
        replace(answer, text=word)
        for answer in answers
        if (word := words.nearest(answer.text)) is not None
    )

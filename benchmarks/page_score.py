"""The rule by which pages are scored, on labels and answers as the benchmarks have them.

The rule itself is that of ``ocr-plugin eval pages``: `ocr_plugin.evaluation.page_score`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.evaluation import page_score
from ocr_plugin.evaluation.page_score import Answer, Tally

__all__ = ["Tally", "answers_of", "labels_of", "tally"]


def tally(words: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> Tally:
    """Returns the counts of one page.

    Args:
        words: labels with ``polygon`` (pixels), ``text`` and ``ignore``.
        items: what an engine found, with ``polygon`` and ``text``.
    """
    return page_score.tally(labels_of(words), answers_of(items))[0]


def labels_of(words: Sequence[Mapping[str, Any]]) -> tuple[LabelledWord, ...]:
    """Returns labels, as `tally` takes them, as the package's own."""
    return tuple(
        LabelledWord(
            np.asarray(word["polygon"], np.float32), word["text"], bool(word.get("ignore"))
        )
        for word in words
    )


def answers_of(items: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...]:
    """Returns what an engine found as the package's own answers."""
    return tuple(Answer(item["polygon"], item["text"]) for item in items)

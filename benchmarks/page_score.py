"""The rule by which pages are scored, on labels and answers as the benchmarks have them.

The rule itself is that of ``ocr-plugin eval pages``: `ocr_plugin.evaluation.page_score`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.evaluation import page_score
from ocr_plugin.evaluation.page_score import Answer, Tally

__all__ = ["Tally", "tally"]


def tally(words: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> Tally:
    """Returns the counts of one page.

    Args:
        words: labels with ``polygon`` (pixels), ``text`` and ``ignore``.
        items: what an engine found, with ``polygon`` and ``text``.
    """
    labels = [
        LabelledWord(
            np.asarray(word["polygon"], np.float32), word["text"], bool(word.get("ignore"))
        )
        for word in words
    ]
    answers = [Answer(item["polygon"], item["text"]) for item in items]
    return page_score.tally(labels, answers)[0]

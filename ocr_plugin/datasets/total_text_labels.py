"""Total-Text's text files.

``x: [[1 9 9 1]], y: [[1 1 5 5]], ornt: [u'c'], transcriptions: [u'TEXT']``, an entry for each word.
An entry may run over several lines. ``#`` as text or as orientation means that it does not count.
"""

import ast
import re
from pathlib import Path

from ocr_plugin.datasets.label_files import naming, word_of, words_of
from ocr_plugin.datasets.labelled_page import LabelledWord

_BEGINNING = re.compile(r"\s*x:\s*\[\[")
_ENTRY = re.compile(
    r"x:\s*\[\[(?P<x>[^][]*)\]\]\s*,\s*y:\s*\[\[(?P<y>[^][]*)\]\]\s*,"
    r"\s*ornt:\s*(?P<orientation>\[[^][]*\])\s*,"
    # The text may contain brackets: it ends before the next entry.
    r"\s*transcriptions:\s*(?P<text>\[.*?\])\s*(?=x:\s*\[\[|\Z)",
    re.DOTALL,
)


def is_total_text(text: str) -> bool:
    """Returns whether a text begins like such a file."""
    return _BEGINNING.match(text) is not None


def total_text_words(path: Path, text: str) -> tuple[LabelledWord, ...]:
    """Returns the words of a file.

    Args:
        path: the file.
        text: its content.

    Raises:
        ConfigurationError: an invalid entry.
    """
    words = []
    place = len(text) - len(text.lstrip())
    while place < len(text):
        with naming(f"{path}:{text.count(chr(10), 0, place) + 1}"):
            entry = _ENTRY.match(text, place)
            if entry is None:
                raise ValueError("expected x: [[...]], y: [[...]], ornt: [...], transcriptions: [")
            words.append(_word(entry))
            place = entry.end()
    return words_of(words)


def _word(entry: re.Match[str]) -> LabelledWord | None:
    x, y = ([float(each) for each in re.split(r"[\s,]+", entry[name].strip())] for name in "xy")
    text = "".join(_strings(entry["text"]))
    ignore = text in ("", "#") or "#" in _strings(entry["orientation"])
    return word_of(list(zip(x, y, strict=True)), None if text in ("", "#") else text, ignore)


def _strings(literal: str) -> list[str]:
    try:
        values = ast.literal_eval(literal)
    except SyntaxError as error:
        raise ValueError(f"no list of texts: {literal}") from error
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"no list of texts: {literal}")
    return values

"""A printed token, taken apart into what the parts of a mixture score."""

import re
import unicodedata
from dataclasses import dataclass
from math import log

from ocr_plugin.language.any_letters import initials_log_probability, letters_log_probability
from ocr_plugin.language.codes import code_log_probability
from ocr_plugin.language.frame import frame_log_probability, runs_of
from ocr_plugin.language.letter_case import case_log_probability

_QUOTES = str.maketrans("\u2019\u2018\u00b4`\u02bc\u201c\u201d\u201e\u201f", 5 * "'" + 4 * '"')
_DIGIT = re.compile("[0-9]")


@dataclass(frozen=True)
class Token:
    """What is known of a token before n-grams are looked up. Probabilities are natural logarithms.

    Attributes:
        words: its runs of letters, in small letters.
        frame: of its letter case, its signs and digits, and the order of its runs.
        shape: in small letters, with 0 for every digit.
        shaped: of its letter case and its digits, given its shape.
        code: of the whole token as a code.
        initials: of the whole token as initials.
        letters: of the words as words of no language.
    """

    words: tuple[str, ...]
    frame: float
    shape: str
    shaped: float
    code: float
    initials: float
    letters: float


def describe(token: str) -> Token:
    """Takes a token without white space apart."""
    if not token.isascii():
        token = unicodedata.normalize("NFC", token).translate(_QUOTES)
    runs = runs_of(token)
    printed = [run.text for run in runs if run.kind == "word"]
    # Word lists are folded, and so write ss for the German ß.
    words = tuple(folded(word).replace("ß", "ss") for word in printed)
    case = case_log_probability(printed)
    shape, digits = _DIGIT.subn("0", folded(token))
    return Token(
        words=words,
        frame=case + frame_log_probability(runs),
        shape=shape,
        shaped=case - digits * log(10),
        code=code_log_probability(token),
        initials=initials_log_probability(token),
        letters=sum(map(letters_log_probability, words)),
    )


def folded(text: str) -> str:
    """Returns a text in small letters, as many as it has; one that would become two stays."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)

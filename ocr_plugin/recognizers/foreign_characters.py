"""Characters that a reader of few characters cannot say, and another one is sure of.

Where one of two readers has no accents, it is sure of the word without them, and a language model
that does not know the language agrees. So what the other reader surely sees of such characters is
not up for decision: only texts that have them are.
"""

import unicodedata
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from ocr_plugin.protocols import WordReading

# A character of this confidence is there. Of noise and worn English print, accents are read too,
# but hardly any so surely.
_SURE = 0.8
# In a line that surely has other letters with accents, less is enough.
_LIKELY = 0.4


def is_foreign(character: str, known: AbstractSet[str]) -> bool:
    """Returns whether a character is none of those known, nor an ideograph or a full-width form.

    Noise and dashes are read as those, and full-width forms stand for plain characters.
    """
    return character not in known and unicodedata.east_asian_width(character) not in "FHW"


def kept_characters(
    words: Sequence[WordReading], known: AbstractSet[str], sure: float
) -> list[str]:
    """Returns, for each word of a line, the foreign characters that are surely in it, in order.

    Args:
        words: of one line, with their characters.
        known: the characters of the reader that has few.
        sure: confidence of a word that tells about its line.
    """
    accented = any(
        word.confidence >= sure and any(_is_foreign_letter(each, known) for each in word.text)
        for word in words
    )
    return [
        "".join(
            each.text
            for each in word.characters
            if is_foreign(each.text, known)
            and each.confidence >= (_LIKELY if accented and each.text.isalpha() else _SURE)
        )
        for word in words
    ]


def has_in_order(text: str, characters: str) -> bool:
    """Returns whether a text has all of the characters, in their order, among others."""
    rest = iter(text)
    return all(each in rest for each in characters)


def _is_foreign_letter(character: str, known: AbstractSet[str]) -> bool:
    return character.isalpha() and is_foreign(character, known)

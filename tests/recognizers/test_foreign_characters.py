"""Characters that one reader cannot say and the other is sure of."""

# ruff: noqa: RUF001

import string

import pytest

from ocr_plugin.protocols import CharacterReading, WordReading
from ocr_plugin.recognizers.foreign_characters import has_in_order, is_foreign, kept_characters

ASCII = frozenset(string.ascii_letters + string.digits + string.punctuation)


def word(text: str, *confidences: float) -> WordReading:
    """A word whose characters are as sure as told."""
    characters = tuple(map(CharacterReading, text, confidences))
    return WordReading(text, min(confidences), characters=characters)


@pytest.mark.parametrize("character", ["é", "ł", "ß", "°", "™", "•", "→", "½", "µ", "Ω"])
def test_accents_and_signs_are_foreign(character: str) -> None:
    assert is_foreign(character, ASCII)


@pytest.mark.parametrize("character", ["e", "-", "一", "Ａ", "，", "￥", "日", "ｱ"])
def test_what_it_knows_and_what_noise_is_read_as_is_not(character: str) -> None:
    assert not is_foreign(character, ASCII)


def test_sure_characters_alone_are_kept() -> None:
    words = [word("Łódź", 0.9, 0.85, 0.2, 0.6), word("plain", *[0.5] * 5)]
    assert kept_characters(words, ASCII, 0.95) == ["Łó", ""]


def test_a_line_that_surely_has_accents_keeps_likely_letters() -> None:
    doubtful = word("jaźń™", 0.9, 0.9, 0.5, 0.3, 0.7)
    assert kept_characters([doubtful], ASCII, 0.95) == [""]
    assert kept_characters([word("gęś", 0.99, 0.99, 0.99), doubtful], ASCII, 0.95) == ["ęś", "ź"]
    # A sign tells nothing about letters.
    assert kept_characters([word("•", 0.99), doubtful], ASCII, 0.95) == ["•", ""]


def test_words_whose_characters_are_not_known_keep_none() -> None:
    assert kept_characters([WordReading("é", 0.9), WordReading("", 0.0)], ASCII, 0.95) == ["", ""]


def test_order_counts() -> None:
    assert has_in_order("gęślą", "ęą") and has_in_order("gesla", "")
    assert not has_in_order("gęślą", "ąę") and not has_in_order("gęsla", "ęą")

"""Shapes that are read as characters: frames as ideographs, rows of windows as zeros.

A reader says of any shape which character it looks like most, often surely. What else is on the
page tells: where nothing is surely text, single characters and rows of alike ones are rather
shapes, and where nothing else is Chinese or Japanese, a frame is no ideograph.
"""

from collections.abc import Sequence
from dataclasses import replace

from ocr_plugin.engine.attempt import Attempt
from ocr_plugin.protocols import CharacterReading, Reading, WordReading
from ocr_plugin.recognizers.line_words import line_of

# Ideographs of straight strokes, as frames, crosses, tables and windows have.
_FRAMES = frozenset(
    "一丨二三十丁丅冂口囗日曰目旦且田由甲申囲四皿回円冊册凹凸卜下上工土士干王门門井亚亞〇"
)
# What a frame or a stroke is, where it is none.
_SIGNS = str.maketrans({"一": "—", "丨": "|", "口": "□", "囗": "□", "\u3007": "○"})
# Two other ideographs, read surely, tell that the page has Chinese or Japanese.
_ENOUGH = 2
# Characters that rows of rings, windows, bars and crenels are read as.
_ROUND = frozenset("0OoQDCcG8B69eaº°○●◎⊙")
_UPRIGHT = frozenset("mnuwMWNHIl1iTtLEFrj|![]/\\-_=+.,:;'\"")
_FEW = 3
_PAIR, _LIKELY, _LIKELIER, _SURE, _SURELY_NO_SHAPE = 0.6, 0.75, 0.9, 0.8, 0.95


def without_lookalikes(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Returns the readings of a page, without those of shapes.

    Args:
        attempts: all that was read on the page; what was asked for by its place is always kept.
    """
    if not any(map(_has_ideographs, attempts)):
        kept = list(attempts)
    elif _is_chinese(attempts):
        return list(attempts)
    else:
        kept = [_with_signs(each) for each in attempts if each.is_required or not _is_frame(each)]
    if any(map(_is_surely_text, kept)):
        return kept
    return [each for each in kept if each.is_required or _may_be_text(each)]


def _text(attempt: Attempt) -> str:
    """Returns what was read, without white space."""
    return "".join(attempt.text.split())


def _is_ideograph(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\u3040" <= character <= "\u30ff"


def _has_ideographs(attempt: Attempt) -> bool:
    return any(each == "\u3007" or _is_ideograph(each) for each in _text(attempt))


def _is_chinese(attempts: Sequence[Attempt]) -> bool:
    sure = {
        each.text
        for attempt in attempts
        for reading in attempt.readings
        if reading is not None
        for word in reading.words
        if word.confidence >= _SURE
        for each in word.characters or (CharacterReading(word.text, word.confidence),)
        if each.confidence >= _SURE
    }
    others = {each for text in sure for each in text if _is_ideograph(each)} - _FRAMES
    return len(others) >= _ENOUGH


def _is_frame(attempt: Attempt) -> bool:
    """Returns whether nothing is read but one ideograph, once or several times, or unsure ones."""
    characters = set(_text(attempt))
    if not characters or not characters <= _FRAMES or characters <= {chr(key) for key in _SIGNS}:
        return False
    return len(characters) == 1 or attempt.confidence < _SURELY_NO_SHAPE


def _with_signs(attempt: Attempt) -> Attempt:
    """Returns an attempt with the signs that strokes and frames stand for."""
    if not any(ord(each) in _SIGNS for each in _text(attempt)):
        return attempt
    readings = [None if each is None else _signs_in(each) for each in attempt.readings]
    return replace(attempt, readings=readings)


def _signs_in(reading: Reading) -> Reading:
    if not reading.words:
        return replace(reading, text=reading.text.translate(_SIGNS))
    words = tuple(map(_signs_in_word, reading.words))
    return replace(line_of(words), withheld=reading.withheld)


def _signs_in_word(word: WordReading) -> WordReading:
    characters = tuple(replace(each, text=each.text.translate(_SIGNS)) for each in word.characters)
    return replace(word, text=word.text.translate(_SIGNS), characters=characters)


def _is_surely_text(attempt: Attempt) -> bool:
    """Returns whether a region has a word that no shape is read as."""
    return any(
        word.confidence >= _SURE and not _is_like_shapes(word.text)
        for reading in attempt.readings
        if reading is not None
        for word in reading.words or (WordReading(reading.text, reading.confidence),)
    )


def _may_be_text(attempt: Attempt) -> bool:
    """Returns whether a region may be text, although nothing on the page surely is."""
    text = _text(attempt)
    if not any(map(str.isalnum, text)):
        return True
    if len(text) < _FEW:
        # Of all shapes, rings are the commonest; hardly any looks like two different characters.
        least = _LIKELIER if _ROUND.issuperset(text) else _LIKELY
        return attempt.confidence >= (least if len(set(text)) < 2 else _PAIR)
    return not _is_like_shapes(text) or attempt.confidence >= _SURELY_NO_SHAPE


def _is_like_shapes(text: str) -> bool:
    """Returns whether a text has few characters, or looks alike all along."""
    letters = [each for each in text if each.isalnum()]
    kinds = len(set(letters))
    if kinds < 2 or len(letters) < _FEW:
        return kinds < 2
    return kinds < _FEW and any(alike.issuperset(text) for alike in (_ROUND, _UPRIGHT))

"""Splits lines into words, reads these, and joins them into lines again.

A line is split where a line recognizer reads spaces, or at the gaps in its ink; words are cut out
and read, and replace earlier readings. The engine, the hosts and every reader's decision use it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB, Reading, Recognizer, Span, WordReading
from ocr_plugin.regions.word_gaps import cut, ink_spans

# A line read with less confidence than this is split by its ink: its spaces are guesses.
_TRUSTED = 0.3
# A CTC recognizer responds near the middle of each character, so a word extends beyond its first
# and last response, by this share of the distance between characters.
_REACH = 0.7


def split(lines: Sequence[RGB], reader: Recognizer | None) -> list[tuple[WordReading, ...]]:
    """Returns the words of each line with their spans, but without texts.

    Args:
        lines: (h, w, 3) uint8 RGB each, rectified.
        reader: a line recognizer whose words give the spans; without one, or where it is unsure,
            lines are split at the gaps in the ink.
    """
    if reader is None:
        return [_unread(ink_spans(line)) for line in lines]
    readings = reader.recognize(lines)
    return [
        _unread(
            [word.span for word in reading.words] if has_sure_words(reading) else ink_spans(line)
        )
        for line, reading in zip(lines, readings, strict=True)
    ]


def reread(
    lines: Sequence[RGB],
    words: Sequence[Sequence[WordReading]],
    reader: Recognizer,
    wanted: Callable[[WordReading], bool],
    choose: Callable[[WordReading, WordReading], WordReading],
) -> list[tuple[WordReading, ...]]:
    """Returns the words of lines, some of them read again, all in one batch.

    Args:
        lines: (h, w, 3) uint8 RGB each, rectified.
        words: of each line, as read so far.
        reader: a word recognizer.
        wanted: whether a word is to be read again.
        choose: takes a word's new reading and the old one, and returns the one to keep.
    """
    crops = [
        crop_of(line, own, place)
        for line, own in zip(lines, words, strict=True)
        for place, word in enumerate(own)
        if wanted(word)
    ]
    readings = reader.recognize(crops)
    if len(readings) != len(crops):
        raise RuntimeError(f"the recognizer answered {len(readings)} of {len(crops)} words")
    answers = iter(readings)
    return [
        tuple(
            choose(_word_of(next(answers), word.span), word) if wanted(word) else word
            for word in own
        )
        for own in words
    ]


def crop_of(line: RGB, words: Sequence[WordReading], place: int) -> RGB:
    """Returns the crop of a word of a line: the whole line if no other word was read in it."""
    word = words[place]
    return line if len(words) == 1 and word.text else cut(line, *word.span)


def line_of(words: Sequence[WordReading]) -> Reading:
    """Returns the reading of a line from those of its words; empty if nothing was read.

    A word without a text that has alternatives is withheld: see `without_text`.
    """
    read = tuple(word for word in words if word.text)
    withheld = tuple(word for word in words if not word.text and word.alternatives)
    if not read:
        return Reading("", 0.0, withheld=withheld)
    confidence = fmean((word.confidence for word in read), [len(word.text) for word in read])
    if len(read) == 1:
        confidence = read[0].confidence
    return Reading(" ".join(word.text for word in read), confidence, read, withheld=withheld)


def without_text(word: WordReading) -> WordReading:
    """Returns a word for which nothing that is allowed was found; its text is an alternative."""
    own = ((word.text, word.confidence),) if word.text else ()
    others = (*own, *word.alternatives)
    return replace(word, text="", confidence=0.0, characters=(), alternatives=others)


def has_sure_words(reading: Reading) -> bool:
    """Returns whether a line's reading is sure enough for the spans of its words."""
    return bool(reading.words) and reading.confidence >= _TRUSTED


def words_of(reading: Reading) -> tuple[WordReading, ...]:
    """Returns the words of a reading: its own, or its text's at evenly spaced characters."""
    if reading.words:
        return reading.words
    text = reading.text
    even = [(index / len(text), (index + 1) / len(text)) for index in range(len(text))]
    return tuple(
        WordReading(text[first:last], reading.confidence, span)
        for first, last, span in spaced_spans(text, even)
    )


def spaced_spans(text: str, extents: Sequence[Span]) -> Iterator[tuple[int, int, Span]]:
    """Yields the words of a line's text, split at white space.

    Args:
        text: of the line.
        extents: of its characters along the crop, as fractions of its width.

    Yields:
        first, last, span: of the word ``text[first:last]``.
    """
    places = np.array([(start + end) / 2 for start, end in extents])
    for first, last in (match.span() for match in re.finditer(r"\S+", text)):
        half = _REACH * _pitch(places[first:last], extents[first])
        before = places[first - 1] if first else 0.0
        after = places[last] if last < len(text) else 1.0
        start = min(extents[first][0], max(before, places[first] - half))
        end = max(extents[last - 1][1], min(after, places[last - 1] + half))
        yield first, last, (max(0.0, float(start)), min(1.0, float(end)))


def _unread(spans: Sequence[Span]) -> tuple[WordReading, ...]:
    return tuple(WordReading("", 0.0, span) for span in spans)


def _word_of(reading: Reading, span: Span) -> WordReading:
    """Returns the reading of a word's crop as a word of its line."""
    if not reading.text and reading.withheld:
        return replace(reading.withheld[0], span=span)
    if len(reading.words) != 1:
        return WordReading(reading.text, reading.confidence, span)
    # The spans of its characters refer to the crop, which may be wider than the word.
    characters = tuple(replace(each, span=None) for each in reading.words[0].characters)
    return replace(reading.words[0], span=span, characters=characters)


def _pitch(places: NDArray[np.float64], extent: Span) -> float:
    """Returns the usual distance between the middles of neighbouring characters."""
    if len(places) < 2:
        return 2 * (extent[1] - extent[0])
    return float(np.median(np.diff(places)))

"""Turns the readings of a region into words with their places on the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ocr_plugin.layout.pieces import Piece, piece_of, polygon_of
from ocr_plugin.protocols import Reading
from ocr_plugin.recognizers.line_words import words_of
from ocr_plugin.regions import geometry
from ocr_plugin.regions.strips import Strip, gap_between, outline_of
from ocr_plugin.schema import Alternative, Character, Word

# Words of a line further apart than this, in line heights, become separate pieces.
_APART = 1.2
# Least IoU of two outlines of the same word.
_SAME = 0.4
# A line of this confidence is text for sure, so a doubtful word in it is no speck of dirt: leaving
# it out would leave a hole.
_SURELY_TEXT = 0.8


@dataclass(frozen=True)
class ReadRegion:
    """A region with its readings.

    Attributes:
        outline: the whole region's strip, in its reading direction.
        strips: those that its crops were cut along, in reading order.
        seen: the words that the detector found in it, in reading order; may be empty.
        readings: of the crops; None for a crop that was not read.
        abstain_below: words, or lines, of less confidence are withheld.
        as_line: whether lines are withheld as a whole.
        is_required: whether a region in which nothing was read is withheld too.
    """

    outline: Strip
    strips: Sequence[Strip]
    seen: Sequence[Strip]
    readings: Sequence[Reading | None]
    abstain_below: float = 0.0
    as_line: bool = False
    is_required: bool = False

    def withholds(self, reading: Reading) -> bool:
        """Returns whether a line is withheld as a whole."""
        return self.as_line and rounded(reading.confidence) < self.abstain_below

    @property
    def confidence(self) -> float:
        """Mean of the readings, weighted by their characters; 0 if nothing was read."""
        read = [reading for reading in self.readings if reading is not None and reading.text]
        characters = sum(len(reading.text) for reading in read)
        total = sum(len(reading.text) * reading.confidence for reading in read)
        return total / characters if characters else 0.0


class _Placed(NamedTuple):
    """A word, its strip on the page, and whether the strip is known rather than estimated."""

    word: Word
    strip: Strip
    known: bool


def pieces_of(region: ReadRegion, min_confidence: float) -> Iterator[Piece]:
    """Yields the pieces of a region: one, or several if its words are far apart.

    Words of less confidence are left out, unless their line is sure as a whole, and those that
    `withheld_of` has.
    """
    if region.confidence >= max(min_confidence, _SURELY_TEXT):
        min_confidence = 0.0
    if not region.as_line:
        min_confidence = max(min_confidence, region.abstain_below)
    found = [
        placed
        for strip, reading in zip(region.strips, region.readings, strict=True)
        if reading is not None and not region.withholds(reading)
        for placed in _words(reading, strip)
    ]
    homes = [_nearest(placed.strip, region.seen) for placed in found]
    groups: list[list[_Placed]] = [[]]
    for index, (placed, home) in enumerate(zip(found, homes, strict=True)):
        if index and _apart(found[index - 1 : index + 1], homes[index - 1], home, region.seen):
            groups.append([])
        if placed.word.confidence >= min_confidence:
            if home is not None and homes.count(home) == 1:
                placed = _outlined(placed, region.seen[home])
            groups[-1].append(placed)
    for group in groups:
        if group:
            outline = (
                region.outline.polygon()
                if len(groups) == 1
                else outline_of([placed.strip for placed in group])
            )
            yield piece_of([placed.word for placed in group], outline)


def _nearest(strip: Strip, seen: Sequence[Strip]) -> int | None:
    """Returns the index of the seen word nearest to a strip's middle; None if none was seen."""
    if not seen:
        return None
    centre = strip.polygon().mean(axis=0)
    middles = [(other.top + other.bottom) / 2 for other in seen]
    return int(np.argmin([np.hypot(*(middle - centre).T).min() for middle in middles]))


def _outlined(placed: _Placed, strip: Strip) -> _Placed:
    """Returns a word with the detector's outline, if that roughly equals the word's own.

    The detector is more exact: a recognizer locates words by its coarse output columns.
    """
    outline = strip.polygon()
    if geometry.iou(placed.strip.polygon(), outline) <= _SAME:
        return placed
    word = placed.word.model_copy(update={"polygon": polygon_of(outline)})
    return _Placed(word, strip, known=True)


def _apart(
    neighbours: Sequence[_Placed],
    first: int | None,
    last: int | None,
    seen: Sequence[Strip],
) -> bool:
    """Returns whether two consecutive words are far apart, both as detected and as read.

    The detector misses text between two words more often than the recognizer does, but the
    recognizer locates the ends of words less exactly.

    Args:
        neighbours: the two words.
        first: index of the seen word nearest to the first of them.
        last: index of the one nearest to the second.
        seen: the words that the detector found, in reading order.
    """
    if first is None or last is None:
        return False
    gaps = [gap_between(*pair) for pair in pairwise(seen[first : last + 1])]
    if max(gaps, default=0.0) <= _APART:
        return False
    one, other = neighbours
    read_apart = gap_between(one.strip, other.strip) > _APART / 2
    return read_apart or not (one.known and other.known)


def _words(reading: Reading, strip: Strip) -> Iterator[_Placed]:
    """Yields the words of one reading, each with its place on the page."""
    for read in words_of(reading):
        part = strip.part(*read.span)
        word = Word(
            text=read.text,
            polygon=polygon_of(part.polygon()),
            confidence=rounded(read.confidence),
            characters=tuple(
                Character(text=character.text, confidence=rounded(character.confidence))
                for character in read.characters
            ),
            alternatives=tuple(
                Alternative(text=text, confidence=rounded(confidence))
                for text, confidence in read.alternatives
            ),
        )
        yield _Placed(word, part, known=bool(reading.words))


def rounded(confidence: float) -> float:
    """Returns a confidence as it is recorded: 0 to 1, six places."""
    return round(min(max(float(confidence), 0.0), 1.0), 6)

"""A page on its way through the engine: which crops it still waits for, and what was read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ocr_plugin import crops, layout, readings, words
from ocr_plugin.images import PageImage
from ocr_plugin.protocols import RGB, Points, Reading, Recognizer, Regions, Unit
from ocr_plugin.schema import Alternative, Character, EngineInfo, Page, Source, Word

# A reading this confident is taken as it is; otherwise other ways to read the region are tried.
_SETTLED = 0.8
# By how much another way must be more confident than the likelier one before it.
_MARGIN = 0.05
# Words of one line that stand further apart than so many of its heights are pieces of their own.
_APART = 1.2


@dataclass
class _Attempt:
    """One way of reading a region: the region turned, and the crops cut from it.

    Attributes:
        outline: the whole region's strip, in this way.
        strips: that the crops are cut along, in reading order.
        own_words: whether they are words that the detector sees.
        readings: of the crops, as far as they are known.
    """

    outline: crops.Strip
    strips: Sequence[crops.Strip]
    own_words: bool
    readings: list[Reading | None]

    @property
    def confidence(self) -> float:
        """Mean over the crops, by their share of the characters; 0 where nothing was read."""
        read = [reading for reading in self.readings if reading is not None and reading.text]
        characters = sum(len(reading.text) for reading in read)
        if not characters:
            return 0.0
        return sum(len(reading.text) * reading.confidence for reading in read) / characters


@dataclass
class _RegionWork:
    attempts: Iterator[tuple[_Attempt, list[RGB]]]
    best: _Attempt | None = None


@dataclass(eq=False)
class CropTask:
    """A crop that waits to be read, and where its reading belongs."""

    page: "PageWork"
    pixels: RGB
    region: _RegionWork
    attempt: _Attempt
    index: int

    def settle(self, reading: Reading) -> "list[CropTask]":
        """Takes the crop's reading; returns the further crops its region calls for."""
        self.attempt.readings[self.index] = reading
        if any(known is None for known in self.attempt.readings):
            return []
        return self.page.judge(self.region, self.attempt)


@dataclass(eq=False)
class PageWork:
    """A page, its regions, and what was read in them so far."""

    image: PageImage
    splitter: Recognizer | None = None
    regions: list[_RegionWork] = field(default_factory=list)
    open_regions: int = 0
    error: Exception | None = None

    @property
    def done(self) -> bool:
        """Whether nothing is awaited any more."""
        return self.error is not None or self.open_regions == 0

    def begin(self, found: Regions, unit: Unit) -> list[CropTask]:
        """Takes the detector's regions; returns the first crops to be read.

        Args:
            found: in page pixels.
            unit: what the recognizer reads; lines are cut where it reads words.
        """
        split = found.kind == "line" and unit == "word"
        words_of = found.words or [()] * len(found.polygons)
        self.regions = [
            _RegionWork(self._attempts(np.asarray(polygon, np.float32), own, split))
            for polygon, own in zip(found.polygons, words_of, strict=True)
        ]
        self.open_regions = len(self.regions)
        return [task for region in self.regions for task in self._next_attempt(region)]

    def judge(self, region: _RegionWork, attempt: _Attempt) -> list[CropTask]:
        """Keeps the better of a region's attempts; returns the crops of the next one, if any."""
        if region.best is None or attempt.confidence > region.best.confidence + _MARGIN:
            region.best = attempt
        if region.best.confidence >= _SETTLED:
            self.open_regions -= 1
            return []
        return self._next_attempt(region)

    def _next_attempt(self, region: _RegionWork) -> list[CropTask]:
        following = next(region.attempts, None)
        if following is None:
            self.open_regions -= 1
            return []
        attempt, pixels = following
        return [CropTask(self, crop, region, attempt, n) for n, crop in enumerate(pixels)]

    def _attempts(
        self, polygon: Points, own_words: Sequence[Points], split: bool
    ) -> Iterator[tuple[_Attempt, list[RGB]]]:
        """Yields the ways to read a region, likeliest first, each with its crops.

        Args:
            polygon: the region.
            own_words: those that the detector sees in it.
            split: whether the recognizer needs words, and the region is a line.
        """
        for way, strip in enumerate(crops.readings_of(polygon)):
            several = len(own_words) > 1
            # What the words say of the line's direction, the line says for less.
            if own_words and not strip.stacked and (way == 0 or not several):
                strips = crops.word_strips(strip, own_words)
                attempt = _Attempt(strip, strips, True, [None] * len(strips))
                yield attempt, [crops.rectify(self.image.pixels, each) for each in strips]
            if not own_words or several or strip.stacked:
                whole = crops.rectify(self.image.pixels, strip)
                spans = words.word_spans([whole], self.splitter)[0] if split else [(0.0, 1.0)]
                parts = [strip.part(start, end) for start, end in spans]
                attempt = _Attempt(strip, parts, False, [None] * len(parts))
                yield attempt, [words.cut(whole, *span) for span in spans]

    def page(self, info: EngineInfo, min_confidence: float) -> Page:
        """Returns the finished page."""
        height, width = self.image.pixels.shape[:2]
        pieces = [
            piece
            for region in self.regions
            if region.best is not None
            for piece in _pieces(region.best, min_confidence)
        ]
        return Page(
            source=Source(
                name=self.image.name,
                page_index=self.image.page_index,
                sha256=self.image.sha256,
                width=width,
                height=height,
            ),
            blocks=layout.arrange(pieces),
            engine=info,
            warnings=self.image.warnings,
        )


def _pieces(attempt: _Attempt, min_confidence: float) -> Iterator[layout.Piece]:
    """Yields what was read in a region: one piece, or more where its words stand far apart."""
    groups = _near_groups(attempt.strips) if attempt.own_words else [range(len(attempt.strips))]
    for group in groups:
        found: list[Word] = []
        for index in group:
            reading = attempt.readings[index]
            read = () if reading is None else _words(reading, attempt.strips[index])
            found.extend(word for word in read if word.confidence >= min_confidence)
        if found and len(groups) == 1:
            yield layout.piece_of(found, attempt.outline.polygon())
        elif found:
            yield layout.piece_of(found, crops.outline_of([attempt.strips[n] for n in group]))


def _near_groups(strips: Sequence[crops.Strip]) -> list[range]:
    """Returns the numbers of strips along a line, parted where the next is far from the last."""
    starts = [0]
    for index, (one, other) in enumerate(pairwise(strips), 1):
        if crops.gap_between(one, other) > _APART:
            starts.append(index)
    return [range(first, last) for first, last in pairwise([*starts, len(strips)])]


def _words(reading: Reading, strip: crops.Strip) -> Iterator[Word]:
    """Yields the words of one reading, each with its place on the page."""
    spans = readings.spaced_spans(reading)
    alone = len(spans) == 1
    sure = reading.word_confidences or (reading.confidence,) * len(spans)
    for span, confidence in zip(spans, sure, strict=True):
        confidences = reading.character_confidences[span.first : span.last]
        text = reading.text[span.first : span.last]
        outline: Points = strip.part(span.start, span.end).polygon()
        yield Word(
            text=text,
            polygon=layout.polygon_of(outline),
            confidence=_rounded(confidence),
            characters=tuple(
                Character(text=character, confidence=_rounded(own))
                for character, own in zip(text, confidences, strict=True)
            )
            if confidences
            else (),
            alternatives=tuple(
                Alternative(text=other, confidence=_rounded(own))
                for other, own in (reading.alternatives if alone else ())
            ),
        )


def _rounded(confidence: float) -> float:
    return round(min(max(float(confidence), 0.0), 1.0), 6)

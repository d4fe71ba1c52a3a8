"""Leaders: rows of dots that lead from an entry to its number, as in tables of contents.

Detectors find hardly anything of them, and readers see as many dots as they like. So they are
looked for in the ink between two pieces of text that stand level, and counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.engine.attempt import Attempt
from ocr_plugin.protocols import RGB, CharacterReading, Points, Reading, WordReading
from ocr_plugin.recognizers.line_words import line_of
from ocr_plugin.regions.rectify import rectify
from ocr_plugin.regions.strips import Strip, plane_strip

Floats = NDArray[np.float64]

_DOTS = ".\u00b7\u2022\u2025\u2026"
# What a few dots alone are read as.
_MARKS = _DOTS + ",:;'-_\u2013\u2014"
_READ = 0.5
# How wide a gap may have a leader in it, and how far two lines may be out of level, in heights of
# the line before it; and how much higher than the other one of them may be.
_GAP = (1.5, 80.0)
_LEVEL, _RATIO = 0.4, 1.8
# Cosine of the greatest angle between them.
_ALONG = 0.97
# A dot's greatest height and width, and where its middle may be, from the line's top to its foot.
_DOT, _PLACE = 0.3, (0.5, 1.0)
# How many times larger or smaller a dot may be than the usual one, and how many other things may be
# among the dots, for each dot.
_UNLIKE, _OTHERS = 4, 0.15
# Share of the dots that follow each other at the usual distance, and how far the distances may be
# from multiples of it, on the average.
_WHOLE, _UNEVEN = 0.8, 0.2
_FEWEST = 4
# Height at which dots are counted.
_HEIGHT = 48
# Grey levels that differ less from the paper are no ink.
_FAINTEST = 24


@dataclass(frozen=True)
class _Line:
    """A region's text between the dots that were read at its ends.

    Attributes:
        attempt: the region without them.
        start: middle of the strip where the text begins, (2,).
        end: that where it ends, (2,).
        height: of the strip, pixels.
    """

    attempt: Attempt
    start: Floats
    end: Floats
    height: float


def with_leaders(pixels: RGB, attempts: Sequence[Attempt]) -> list[Attempt]:
    """Returns the readings of a page with its leaders, each as a reading of its own.

    Dots that were read as part of a leader are taken out of the readings beside it.

    Args:
        pixels: (H, W, 3) uint8 RGB, the page.
        attempts: what was read in its regions.
    """
    lines = {index: line for index, each in enumerate(attempts) if (line := _line_of(each))}
    trimmed = dict(enumerate(attempts))
    leaders: list[Attempt] = []
    for one, other in _level(lines):
        strip = _between(lines[one], lines[other])
        dots, confidence = count_dots(pixels, strip)
        if dots:
            word = WordReading("." * dots, confidence)
            reading = Reading(word.text, confidence, (word,))
            leaders.append(Attempt(strip, [strip], (), [reading]))
            trimmed |= {index: lines[index].attempt for index in (one, other)}
    bands = [leader.outline.quad for leader in leaders]
    rest = [each for each in trimmed.values() if not (bands and _is_part(each, bands))]
    return rest + leaders


def _line_of(attempt: Attempt) -> _Line | None:
    """Returns the text of a region without the dots at its ends; None if nothing else was read."""
    # Some dots of a leader are read as anything, but not surely.
    if attempt.outline.stacked or attempt.is_constrained or attempt.confidence < _READ:
        return None
    readings = list(attempt.readings)
    read = [index for index, reading in enumerate(readings) if reading and reading.words]
    first = last = None
    for index in read:
        readings[index] = words = _without_dots(readings[index], at_start=True)
        if words.words:
            first = attempt.strips[index].part(*words.words[0].span)
            break
    for index in reversed(read):
        readings[index] = words = _without_dots(readings[index], at_start=False)
        if words.words:
            last = attempt.strips[index].part(*words.words[-1].span)
            break
    if first is None or last is None:
        return None
    start, end = (
        (each.top[place] + each.bottom[place]).astype(np.float64) / 2
        for each, place in ((first, 0), (last, -1))
    )
    height = attempt.outline.size[1]
    if height < 1:
        return None
    trimmed = replace(attempt, readings=readings)
    only = readings[0] if len(readings) == 1 else None
    if only is not None and only != attempt.readings[0]:
        # Else the line would seem to lie over its leader.
        text = attempt.strips[0].part(only.words[0].span[0], only.words[-1].span[1])
        trimmed = replace(trimmed, outline=text)
    return _Line(trimmed, start, end, height)


def _without_dots(reading: Reading | None, *, at_start: bool) -> Reading:
    """Returns a line without the dots at one of its ends."""
    assert reading is not None
    words = list(reading.words)
    end = 0 if at_start else -1
    while words and not words[end].text.strip(_MARKS):
        words.pop(end)
    if words:
        words[end] = _stripped(words[end], at_start=at_start)
    if tuple(words) == reading.words:
        return reading
    return replace(line_of(words), withheld=reading.withheld)


def _stripped(word: WordReading, *, at_start: bool) -> WordReading:
    text = word.text.lstrip(_DOTS) if at_start else word.text.rstrip(_DOTS)
    cut = len(word.text) - len(text)
    if not cut or len(word.characters) != len(word.text):
        return word
    kept: tuple[CharacterReading, ...] = (
        word.characters[cut:] if at_start else word.characters[:-cut]
    )
    spans = [each.span for each in kept if each.span is not None]
    start, end = word.span
    if spans and at_start:
        start = spans[0][0]
    elif spans:
        end = spans[-1][1]
    return WordReading(text, word.confidence, (start, end), kept)


def _level(lines: dict[int, _Line]) -> Iterator[tuple[int, int]]:
    """Yields pairs of lines of which the second is the next to the right of the first."""
    if len(lines) < 2:
        return
    indices = list(lines)
    starts = np.stack([lines[each].start for each in indices])
    ways = np.stack([_way(lines[each].attempt.outline) for each in indices])
    heights = np.array([lines[each].height for each in indices])
    for index, way in zip(indices, ways, strict=True):
        height = lines[index].height
        away = (starts - lines[index].end) / height
        ahead = away @ way
        # A short line's own direction is inexact; that of either of the two will do.
        aside = np.minimum(np.abs(_across(away, way)), np.abs(_across(away, ways)))
        fits = (ahead > 0) & (aside < _LEVEL) & ((ways @ way) > _ALONG)
        fits &= (heights < _RATIO * height) & (height < _RATIO * heights)
        if not fits.any():
            continue
        nearest = int(np.argmin(np.where(fits, ahead, np.inf)))
        if _GAP[0] < ahead[nearest] < _GAP[1]:
            yield index, indices[nearest]


def _way(strip: Strip) -> Floats:
    """Returns the direction in which a strip runs, (2,), of length 1."""
    way = (strip.top[-1] + strip.bottom[-1] - strip.top[0] - strip.bottom[0]).astype(np.float64)
    return np.asarray(way / max(float(np.linalg.norm(way)), 1e-6))


def _across(away: Floats, way: Floats) -> Floats:
    return np.asarray(away[..., 0] * way[..., 1] - away[..., 1] * way[..., 0])


def _between(one: _Line, other: _Line) -> Strip:
    """Returns the strip from the end of a line to the start of the next."""
    way = other.start - one.end
    down = np.array([-way[1], way[0]]) / np.linalg.norm(way) * (one.height + other.height) / 4
    corners = [one.end - down, other.start - down, other.start + down, one.end + down]
    return plane_strip(np.stack(corners).astype(np.float32))


def count_dots(pixels: RGB, strip: Strip) -> tuple[int, float]:
    """Returns how many dots the leader in a strip has, and how even they are; 0, 0 without one.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        strip: from the end of the text before it to the start of the text behind it.
    """
    height, width = pixels.shape[:2]
    left, top = np.maximum(strip.quad.min(axis=0), 0).astype(int).tolist()
    right, foot = np.ceil(strip.quad.max(axis=0)).astype(int).tolist()
    box = pixels[top : min(foot, height), left : min(right, width)]
    if not box.size or int(box.max()) - int(box.min()) < _FAINTEST:
        return 0, 0.0
    grey = cv2.cvtColor(rectify(pixels, strip), cv2.COLOR_RGB2GRAY)
    columns = max(round(grey.shape[1] * _HEIGHT / grey.shape[0]), 1)
    grey = cv2.resize(grey, (columns, _HEIGHT), interpolation=cv2.INTER_LINEAR)
    distance = cv2.absdiff(grey, np.full_like(grey, np.median(grey)))
    level, _ = cv2.threshold(distance, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    ink = (distance > max(level, _FAINTEST)).astype(np.uint8)
    _, _, boxes, centres = cv2.connectedComponentsWithStats(ink)
    return _dots_among(boxes[1:].astype(np.int32), centres[1:].astype(np.float64), columns)


def _dots_among(boxes: NDArray[np.int32], centres: Floats, columns: int) -> tuple[int, float]:
    """Returns how many of some components are dots in a row, and how even these are.

    Args:
        boxes: (N, 5), left, top, width, height and area of each.
        centres: (N, 2).
        columns: width of the crop that they are in; what touches its sides is cut off text.
    """
    left, _, wide, high, area = boxes.T
    inside = (left > 0) & (left + wide < columns)
    places = centres[:, 1] / _HEIGHT
    dots = inside & (np.maximum(wide, high) <= _DOT * _HEIGHT)
    dots &= (_PLACE[0] <= places) & (places <= _PLACE[1])
    if dots.sum() < _FEWEST:
        return 0, 0.0
    usual = float(np.median(area[dots]))
    dots &= (area > usual / _UNLIKE) & (area < usual * _UNLIKE)
    others = inside & ~dots & (area > usual / _UNLIKE)
    if dots.sum() < _FEWEST or others.sum() > _OTHERS * dots.sum() or np.ptp(places[dots]) > _DOT:
        return 0, 0.0
    return _row_of(np.sort(centres[dots, 0]))


def _row_of(middles: Floats) -> tuple[int, float]:
    """Returns how many dots a row has, those that are covered counted in, and its evenness."""
    steps = np.diff(middles)
    pitch = float(np.median(steps))
    units = np.rint(steps / max(pitch, 1))
    unevenness = np.abs(steps / max(pitch, 1) - units)
    if (units == 1).mean() < _WHOLE or unevenness.mean() > _UNEVEN:
        return 0, 0.0
    return 1 + int(units.sum()), float(1 - unevenness.mean())


def _is_part(attempt: Attempt, bands: Sequence[Points]) -> bool:
    """Returns whether nothing but dots was read in a region, and it lies in a leader's band."""
    if attempt.text.replace(" ", "").strip(_MARKS):
        return False
    x, y = attempt.outline.quad.mean(axis=0).tolist()
    return any(cv2.pointPolygonTest(band, (x, y), False) >= 0 for band in bands)

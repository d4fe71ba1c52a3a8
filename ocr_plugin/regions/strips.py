"""Strips of text on a page: the directions to read a region in, its words, their gaps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry, ribbons

# A region this many times taller than wide is assumed to be turned or stacked text.
_TALL = 1.5
# Samples along a strip: enough for a smooth curve and for perspective foreshortening.
_SAMPLES = 33


@dataclass(frozen=True)
class Strip:
    """A region laid out for reading: its upper and its lower edge, in page pixels.

    Attributes:
        top: (K, 2) float32, from where the text begins to where it ends.
        bottom: (K, 2) float32; point k lies below point k of the top at the same place of the
            text, so that the K points are equally spaced in the rectified crop.
        curved: whether the edges bend. Those of a straight strip are straight lines.
        stacked: whether the letters stand upright, one below the other, while the strip runs down.
    """

    top: Points
    bottom: Points
    curved: bool
    stacked: bool = False

    @property
    def quad(self) -> Points:
        """The four corners, (4, 2) float32."""
        return np.stack([self.top[0], self.top[-1], self.bottom[-1], self.bottom[0]])

    @property
    def size(self) -> tuple[float, float]:
        """Width along the text and mean height across it, in page pixels."""
        middle = (self.top + self.bottom).astype(np.float64) / 2
        width = float(np.hypot(*np.diff(middle, axis=0).T).sum())
        height = float(np.linalg.norm(self.top - self.bottom, axis=1).mean())
        return width, height

    def part(self, start: float, end: float) -> "Strip":
        """Returns the piece between two fractions of the crop's width."""
        places = np.linspace(start, end, _SAMPLES) * (len(self.top) - 1)
        indices = np.arange(len(self.top))
        top, bottom = (
            geometry.points_at(places, indices, edge) for edge in (self.top, self.bottom)
        )
        return replace(self, top=top.astype(np.float32), bottom=bottom.astype(np.float32))

    def polygon(self, side_points: int = 12) -> Points:
        """Returns the outline: a quad, or `side_points` on each edge of a curved strip."""
        if not self.curved:
            return self.quad
        top, bottom = (geometry.resample(edge, side_points) for edge in (self.top, self.bottom))
        return np.concatenate([top, bottom[::-1]])

    def reversed(self) -> "Strip":
        """Returns the strip read the other way up: turned by 180 degrees."""
        return replace(self, top=self.bottom[::-1].copy(), bottom=self.top[::-1].copy())


def strip_of(polygon: Points) -> Strip:
    """Returns the strip that a region's polygon covers, in the polygon's own reading direction.

    Four points are the corners of a plane text seen in perspective. More points are a band,
    curved or not; a compact shape that is not a band is read as its smallest rectangle.
    """
    if len(polygon) == 4:
        return plane_strip(polygon)
    band = ribbons.ribbon(polygon)
    if band is None:
        return plane_strip(geometry.min_area_quad(polygon))
    top, bottom = band.sides()
    return Strip(top, bottom, curved=True)


def orientations(polygon: Points) -> Iterator[Strip]:
    """Yields the ways in which a region may have to be turned to be read, likeliest first.

    A wide region is read as it lies and upside down; a tall one downwards, upwards, letter below
    letter, and as it stands; a region that is nearly square in all four directions; a curved one
    along its curve, across its smallest rectangle in case the curve is only ragged, and upside
    down.
    """
    first = strip_of(polygon)
    quad = first.quad
    width, height = geometry.quad_size(quad)
    if not first.curved and height >= _TALL * width:
        downwards = plane_strip(np.roll(quad, -1, axis=0))
        yield from (downwards, downwards.reversed(), replace(downwards, stacked=True), first)
        return
    yield first
    if first.curved:
        yield plane_strip(geometry.min_area_quad(polygon))
        yield first.reversed()
        return
    turns = [2] if width >= _TALL * height else [2, 1, 3]
    for turn in turns:
        yield plane_strip(np.roll(quad, -turn, axis=0))


def word_strips(line: Strip, words: Sequence[Points]) -> list[Strip]:
    """Returns the strips of a line's words, in reading order, each running as the line does.

    Args:
        line: in its reading direction.
        words: outlines of the words that stand in it, (N, 2) float32 page pixels each.
    """
    middle = (line.top + line.bottom).astype(np.float64) / 2
    steps = np.hypot(*np.diff(middle, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    placed = []
    for word in words:
        centre = word.astype(np.float64).mean(axis=0)
        nearest = int(np.argmin(np.hypot(*(middle - centre).T)))
        ahead = middle[min(nearest + 1, len(middle) - 1)] - middle[max(nearest - 1, 0)]
        direction = ahead / max(float(np.linalg.norm(ahead)), 1e-6)
        # Plus the offset from the nearest sample, which also places words beyond the line's ends.
        place = along[nearest] + float((centre - middle[nearest]) @ direction)
        placed.append((place, _running(word, direction)))
    return [strip for _, strip in sorted(placed, key=lambda entry: entry[0])]


def _running(word: Points, direction: NDArray[np.float64]) -> Strip:
    """Returns a word's strip, turned so that it runs most nearly along a direction."""
    strip = strip_of(word)
    if strip.curved:
        ahead = (strip.top[-1] + strip.bottom[-1] - strip.top[0] - strip.bottom[0]).astype(float)
        return strip if float(ahead @ direction) >= 0 else strip.reversed()
    sides = (np.roll(strip.quad, -1, axis=0) - strip.quad).astype(np.float64)
    sides /= np.maximum(np.linalg.norm(sides, axis=1, keepdims=True), 1e-6)
    first = int(np.argmax(sides @ direction))
    return strip if first == 0 else plane_strip(np.roll(strip.quad, -first, axis=0))


def gap_between(one: Strip, other: Strip) -> float:
    """Returns the gap between two strips that follow each other, in heights of the lower one."""
    end = (one.top[-1] + one.bottom[-1]).astype(np.float64) / 2
    start = (other.top[0] + other.bottom[0]).astype(np.float64) / 2
    return float(np.linalg.norm(start - end)) / max(min(one.size[1], other.size[1]), 1.0)


def outline_of(strips: Sequence[Strip], side_points: int = 6) -> Points:
    """Returns the outline of consecutive strips: along their tops, back along their bottoms."""
    count = side_points if any(strip.curved for strip in strips) else 2
    top = np.concatenate([geometry.resample(strip.top, count) for strip in strips])
    bottom = np.concatenate([geometry.resample(strip.bottom, count) for strip in strips])
    return np.concatenate([top, bottom[::-1]])


def plane_strip(quad: Points) -> Strip:
    """Returns the strip of a plane text's corners, its samples foreshortened as the text is."""
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    places = np.linspace(0, 1, _SAMPLES, dtype=np.float32)
    edges = np.concatenate(
        [np.stack([places, np.zeros_like(places)], 1), np.stack([places, np.ones_like(places)], 1)]
    )
    if abs(geometry.signed_area(quad)) < 1e-3 or not _convex(quad):
        quad = geometry.min_area_quad(quad)
    homography = cv2.getPerspectiveTransform(unit, np.ascontiguousarray(quad, dtype=np.float32))
    mapped = cv2.perspectiveTransform(edges[None], homography)[0].astype(np.float32)
    return Strip(mapped[:_SAMPLES], mapped[_SAMPLES:], curved=False)


def _convex(quad: Points) -> bool:
    return bool(cv2.isContourConvex(np.ascontiguousarray(quad, dtype=np.float32)))

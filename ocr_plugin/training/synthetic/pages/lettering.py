"""Words, lines and blocks of text as coverage masks, with the boxes of their words."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import Points
from ocr_plugin.training.synthetic.pages.typefaces import heights, sized

Coverage = NDArray[np.uint8]
"""(H, W), 255 where there is ink."""


@dataclass(frozen=True)
class TextStyle:
    """How text is set.

    Attributes:
        font: a file.
        size: pixels of an em.
        spacing: between letters, in ems.
        gap: between words, in ems.
        leading: from baseline to baseline, in ems.
        stroke: pixels by which strokes are thickened on either side.
        margin: around a word's ink in its outline, as a share of its height.
        shaped: whether letters change with their neighbours.
        stacks: whether words may be written downwards.
        latin: whether a word's box keeps to capitals' and small letters' heights.
    """

    font: Path
    size: int
    spacing: float = 0.0
    gap: float = 0.3
    leading: float = 1.2
    stroke: int = 0
    margin: float = 0.04
    shaped: bool = False
    stacks: bool = False
    latin: bool = True

    @property
    def cap_height(self) -> float:
        """Pixels that capitals stand above the baseline."""
        return heights(self.font, self.size)[0] if self.latin else 0.8 * self.size


@dataclass(frozen=True)
class Ink:
    """A word as drawn, the pen's start on the baseline being the origin.

    Attributes:
        coverage: its ink, cut to it.
        left: where the coverage begins.
        top: negative above the baseline.
        advance: pixels to where the next word's gap begins.
        box: left, top, right, bottom of the word's outline.
    """

    coverage: Coverage
    left: int
    top: int
    advance: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Lettering:
    """Text on a patch of its own.

    Attributes:
        coverage: the patch.
        words: each word's text and its outline in pixels of the patch.
    """

    coverage: Coverage
    words: tuple[tuple[str, Points], ...]

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.coverage.shape[0])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.coverage.shape[1])


def ink_of(text: str, style: TextStyle) -> Ink:
    """Returns a word as drawn."""
    if style.spacing and not style.shaped:
        coverage, left, top, advance = _spaced(text, style)
    else:
        coverage, left, top, advance = _glyphs(
            text, style.font, style.size, style.stroke, style.shaped
        )
    height, width = coverage.shape
    upper, lower = float(top), float(top + height)
    if style.latin:
        capital, small = heights(style.font, style.size)
        # Annotators give words of small letters some of the room of their taller neighbours.
        if any(map(str.islower, text)):
            upper = min(upper, -(capital + small) / 2)
        else:
            upper = min(upper, -0.9 * capital if any(map(str.isalnum, text)) else -small)
        lower = max(lower, 0.0)
    margin = style.margin * (lower - upper)
    box = (left - margin, upper - margin, left + width + margin, lower + margin)
    return Ink(coverage, left, top, advance, box)


def length_of(words: Sequence[str], style: TextStyle) -> float:
    """Returns how many pixels words and the gaps between them take on a line."""
    font = sized(style.font, style.size, style.shaped)
    spread = 0 if style.shaped else sum(len(word) - 1 for word in words) * style.spacing
    gaps = (len(words) - 1) * style.gap
    return sum(font.getlength(word) for word in words) + (spread + gaps) * style.size


def stacked(text: str, style: TextStyle) -> Lettering:
    """Returns a word that is written downwards, one character below the other."""
    drawn = [ink_of(character, replace(style, margin=0.0)) for character in text]
    width = max(ink.coverage.shape[1] for ink in drawn) + 2
    pitch = (1.08 + style.spacing) * style.size
    coverage = np.zeros((int(pitch * (len(drawn) - 1) + 1.6 * style.size), width), np.uint8)
    for number, ink in enumerate(drawn):
        row = round(number * pitch + style.size) + ink.top
        stamp(coverage, ink.coverage, (width - ink.coverage.shape[1]) // 2, row)
    rows = np.nonzero(coverage.any(axis=1))[0]
    if not len(rows):
        rows = np.array([0])
    coverage = np.pad(coverage[rows[0] : rows[-1] + 1], max(1, round(style.margin * width)))
    height, width = coverage.shape
    return Lettering(coverage, ((text, quad((0, 0, width, height))),))


def block(
    lines: Sequence[Sequence[str]], style: TextStyle, align: float, rng: random.Random
) -> Lettering:
    """Returns lines of words, one below the other.

    Args:
        lines: of words.
        style: of all of them.
        align: 0 to the left, 0.5 centred, 1 to the right.
        rng: of the gaps between words.
    """
    # Gaps differ from line to line a little, as in justified text.
    placed: list[tuple[str, Ink, float, float]] = []
    widths = []
    for number, words in enumerate(lines):
        x, gap = 0.0, style.gap * style.size * rng.uniform(0.9, 1.1)
        for text in words:
            ink = ink_of(text, style)
            placed.append((text, ink, x, float(number)))
            x += ink.advance + gap
        widths.append(x - gap)
    widest = max(widths)
    pitch = style.leading * style.size
    placed = [
        (text, ink, x + align * (widest - widths[int(number)]), number * pitch)
        for text, ink, x, number in placed
    ]
    left = min(x + min(ink.box[0], ink.left) for _, ink, x, _ in placed) - 1
    top = min(y + ink.box[1] for _, ink, _, y in placed) - 1
    right = max(x + max(ink.box[2], ink.left + ink.coverage.shape[1]) for _, ink, x, _ in placed)
    bottom = max(y + ink.box[3] for _, ink, _, y in placed)
    coverage = np.zeros((int(bottom - top) + 3, int(right - left) + 3), np.uint8)
    words_found = []
    for text, ink, x, y in placed:
        column, row = round(x - left), round(y - top)
        stamp(coverage, ink.coverage, column + ink.left, row + ink.top)
        words_found.append((text, quad(ink.box) + np.array([column, row], np.float32)))
    return Lettering(coverage, tuple(words_found))


def stamp(coverage: Coverage, ink: Coverage, left: int, top: int) -> None:
    """Adds ink to a coverage, what lies beyond its edges left out."""
    rows, columns = coverage.shape
    height, width = ink.shape
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, columns), min(top + height, rows)
    if x0 < x1 and y0 < y1:
        under = coverage[y0:y1, x0:x1]
        np.maximum(under, ink[y0 - top : y1 - top, x0 - left : x1 - left], out=under)


def quad(box: tuple[float, float, float, float]) -> Points:
    """Returns a box's corners, clockwise from its top left, (4, 2) float32."""
    x0, y0, x1, y1 = box
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


@lru_cache(maxsize=2048)
def _glyphs(
    text: str, path: Path, size: int, stroke: int, shaped: bool
) -> tuple[Coverage, int, int, float]:
    font = sized(path, size, shaped)
    core, (left, top) = font.getmask2(text, "L", stroke_width=stroke, anchor="ls")
    width, height = core.size
    if not width or not height:  # a font may draw nothing for what it should have
        return np.zeros((1, 1), np.uint8), 0, -1, font.getlength(text)
    coverage = np.frombuffer(bytes(core), np.uint8).reshape(height, width)
    return coverage, int(left), int(top), font.getlength(text)


def _spaced(text: str, style: TextStyle) -> tuple[Coverage, int, int, float]:
    drawn: list[tuple[Coverage, int, int]] = []
    x = 0.0
    for character in text:
        coverage, left, top, advance = _glyphs(
            character, style.font, style.size, style.stroke, False
        )
        drawn.append((coverage, round(x) + left, top))
        x += advance + style.spacing * style.size
    left, top = min(start for _, start, _ in drawn), min(start for _, _, start in drawn)
    right = max(start + coverage.shape[1] for coverage, start, _ in drawn)
    bottom = max(start + coverage.shape[0] for coverage, _, start in drawn)
    whole = np.zeros((bottom - top, right - left), np.uint8)
    for coverage, start, above in drawn:
        stamp(whole, coverage, start - left, above - top)
    return whole, left, top, x - style.spacing * style.size

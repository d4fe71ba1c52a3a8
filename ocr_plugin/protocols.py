"""The interfaces of detectors and recognizers, and the values they take and return.

Inside the pipeline everything is numpy; only results (`schema`) are pydantic models.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.schema import Component

RGB = NDArray[np.uint8]
"""An image: (height, width, 3) uint8, red first."""

Points = NDArray[np.float32]
"""A polygon: (N, 2) float32 x, y in page pixels, clockwise from the text's top-left corner."""

Span = tuple[float, float]
"""Start and end along a crop, as fractions of the crop's width."""

Unit = Literal["line", "word"]

# Overrides, embeddings and isolates; the marks that are part of Arabic and Hebrew texts are none.
_TURNS_AROUND = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def steers(character: str) -> bool:
    """Returns whether a character is not printed, but steers a terminal or turns text around."""
    return (
        unicodedata.category(character) == "Cc"
        or unicodedata.bidirectional(character) in _TURNS_AROUND
    )


@dataclass(frozen=True)
class Regions:
    """The text regions of one page.

    Attributes:
        polygons: one (N, 2) float32 array per region, N >= 3, in page pixels, clockwise. A quad
            has four points; more points mean that the region may be curved.
        confidences: (R,) float32, 0 to 1, one per polygon.
        kind: whether a region is a line of text or a single word.
        words: the outlines of the words in each line, one entry per polygon, in any order; an
            empty entry, or no entries, if the detector does not find words.
        warnings: for the page's reader, one line each: what the detector may have missed.
    """

    polygons: Sequence[Points]
    confidences: NDArray[np.float32]
    kind: Unit = "line"
    words: Sequence[Sequence[Points]] = ()
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        if len(self.polygons) != len(self.confidences):
            raise ValueError(
                f"{len(self.polygons)} polygons but {len(self.confidences)} confidences"
            )
        if self.words and len(self.words) != len(self.polygons):
            raise ValueError(f"{len(self.polygons)} polygons but words of {len(self.words)}")


@dataclass(frozen=True)
class CharacterReading:
    """A character that was read.

    Attributes:
        text: the character.
        confidence: 0 to 1.
        span: its place in the crop, or None if not known.
    """

    text: str
    confidence: float
    span: Span | None = None


@dataclass(frozen=True)
class WordReading:
    """A word that was read.

    Attributes:
        text: as printed, without white space.
        confidence: 0 to 1, of the whole word.
        span: its place in the crop.
        characters: those of `text`, or empty if not known.
        alternatives: other texts with their confidences, best first.
    """

    text: str
    confidence: float
    span: Span = (0.0, 1.0)
    characters: tuple[CharacterReading, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, init=False)
class Reading:
    """What a recognizer read in one crop. An empty text means that it saw no character.

    Attributes:
        text: as printed, without characters that `steers` names; a line reader separates words by
            single spaces.
        confidence: 0 to 1, of the whole text.
        words: those of `text`, from left to right; empty if not known.
        withheld: words of which no text is allowed, for a reader that is given a constraint: their
            texts are empty, and their alternatives are what they would be without it.
        unknown_script: whether there is writing of which the reader knows no characters, so that
            the text is empty.

    Raises:
        ValueError: words that do not make up the text, or several words without spans.
        TypeError: arguments of earlier releases.
    """

    text: str
    confidence: float
    words: tuple[WordReading, ...] = ()
    withheld: tuple[WordReading, ...] = ()
    unknown_script: bool = False

    def __init__(
        self,
        text: str,
        confidence: float,
        words: tuple[WordReading, ...] = (),
        withheld: tuple[WordReading, ...] = (),
        unknown_script: bool = False,
        **other: object,
    ) -> None:
        if other:
            raise TypeError(
                f"Reading has no {', '.join(other)}: pass words and characters as"
                " words=(WordReading(...), ...); see docs/plugins.md"
            )
        if words and " ".join(word.text for word in words) != text:
            raise ValueError(f"the words of {text!r} are {[word.text for word in words]}")
        if len(words) > 1 and all(word.span == (0.0, 1.0) for word in words):
            raise ValueError(f"the words of {text!r} have no spans")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "confidence", confidence)
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "withheld", withheld)
        object.__setattr__(self, "unknown_script", unknown_script)


@runtime_checkable
class Detector(Protocol):
    """Finds text. Built by its plugin factory from keyword options; immutable afterwards."""

    @property
    def component(self) -> Component:
        """Name, version and weights hash, for the page's record."""
        ...

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        """Returns the regions of each page, in the pages' order.

        May be called from several threads at once. A page's regions must not depend on the other
        pages of the call. If it has a parameter `wanted` besides, it is given as many callables,
        which tell whether each page still is: docs/plugins.md.

        Args:
            pages: (H, W, 3) uint8 RGB each, of any size from 1x1.
        """
        ...


@runtime_checkable
class Recognizer(Protocol):
    """Reads crops. Built by its plugin factory from keyword options; immutable afterwards."""

    @property
    def component(self) -> Component:
        """Name, version and weights hash, for the page's record."""
        ...

    @property
    def unit(self) -> Unit:
        """Whether a crop should hold a single word or a whole line."""
        ...

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in the crops' order.

        May be called from several threads at once. The reading of a crop must not depend on the
        other crops of the call: the text is the same, the confidence equal to 1e-4.

        Args:
            crops: (h, w, 3) uint8 RGB each, upright and rectified, of any size from 1x1.
        """
        ...


@runtime_checkable
class PageAware(Protocol):
    """A recognizer that, in the end, chooses doubtful words by what else was read on their page."""

    def reconsidered(self, words: Sequence[WordReading]) -> list[WordReading]:
        """Returns the words of a page, in their order, doubtful ones chosen again.

        Args:
            words: of one page, as this recognizer read them, with their alternatives.
        """
        ...

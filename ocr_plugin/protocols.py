"""The two contracts a plugin can fulfil, and the plain values that cross them.

Inside the pipeline everything is numpy; pydantic models exist only at the edge (`schema`).
"""

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

Unit = Literal["line", "word"]


@dataclass(frozen=True)
class Regions:
    """The text regions of one page.

    Attributes:
        polygons: one (N, 2) float32 array a region, N >= 3, in page pixels, clockwise. A quad has
            four points; more points mean that the region may be curved.
        confidences: (R,) float32, 0 to 1, one a polygon.
        kind: whether a region is a line of text or a single word.
        words: the outlines of the words that stand in each line, one entry a polygon, in any
            order; an empty entry, or none at all, where the detector does not tell.
    """

    polygons: Sequence[Points]
    confidences: NDArray[np.float32]
    kind: Unit = "line"
    words: Sequence[Sequence[Points]] = ()

    def __post_init__(self) -> None:
        if len(self.polygons) != len(self.confidences):
            raise ValueError(
                f"{len(self.polygons)} polygons but {len(self.confidences)} confidences"
            )
        if self.words and len(self.words) != len(self.polygons):
            raise ValueError(f"{len(self.polygons)} polygons but words of {len(self.words)}")


@dataclass(frozen=True)
class Reading:
    """What a recognizer read in one crop. An empty text means that it saw no character.

    Attributes:
        text: as printed; a line reader separates words by single spaces.
        confidence: 0 to 1, of the whole text.
        character_confidences: 0 to 1, one a character of `text`, or empty if not known.
        word_confidences: 0 to 1, one a word of `text`, or empty if not known.
        character_extents: where each character of `text` begins and ends, as fractions of the
            crop's width, or empty if not known.
        alternatives: other texts with their confidences, best first.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...] = ()
    character_extents: tuple[tuple[float, float], ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    word_confidences: tuple[float, ...] = ()


@runtime_checkable
class Detector(Protocol):
    """Finds text. Built by its plugin factory from keyword options; immutable afterwards."""

    @property
    def component(self) -> Component:
        """Name, version and weights hash, for the page's record."""
        ...

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        """Returns the regions of each page, in the pages' order.

        May be called from several threads at once. What is found on a page must not depend on
        the other pages of the call.

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

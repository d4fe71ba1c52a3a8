"""Which reader reads what on a page: guidance for the page, and for regions of it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import Points, Recognizer
from ocr_plugin.recognizers.guidance import UNGUIDED, Guidance
from ocr_plugin.recognizers.guiding import guided
from ocr_plugin.regions import geometry

RegionConstraints = Sequence[tuple[ArrayLike, Constraint]]
"""Polygons, (N, 2) page pixels each, with what their texts may be."""

_MOST_KEPT = 16
"""Guided readers that an engine keeps; a lexicon of 100,000 entries takes some tens of MB."""


@dataclass(frozen=True)
class RegionReader:
    """What reads the crops of a region.

    Attributes:
        words: reads crops of words.
        lines: reads crops of lines; the same for a line recognizer.
        constraint: that both heed.
    """

    words: Recognizer
    lines: Recognizer
    constraint: Constraint | None = None

    @property
    def of_lines(self) -> bool:
        """Whether the constraint is about lines as a whole, so that no words are cut out."""
        return self.constraint is not None and self.constraint.compiled().of_lines


@dataclass(frozen=True)
class PageReaders:
    """What reads a page.

    Attributes:
        rest: reads what lies in none of the regions.
        regions: polygons, (N, 2) float32 page pixels, and what reads them.
    """

    rest: RegionReader
    regions: tuple[tuple[Points, RegionReader], ...] = ()

    def region_of(self, outline: Points) -> int | None:
        """Returns which region the middle of an outline lies in; None for none."""
        middle = outline.mean(axis=0)
        inside = (
            index
            for index, (polygon, _) in enumerate(self.regions)
            if geometry.contains(polygon, middle)
        )
        return next(inside, None)


class ReaderCache:
    """Guided readers of an engine, the latest used; serves all threads.

    Args:
        words: the engine's recognizer.
        lines: the same as a reader of lines.
    """

    def __init__(self, words: Recognizer, lines: Recognizer) -> None:
        self._plain = RegionReader(words, lines)
        self._kept: OrderedDict[Guidance, RegionReader] = OrderedDict()
        self._lock = threading.Lock()

    def reader(self, guidance: Guidance, keep: bool = True) -> RegionReader:
        """Returns the reader that heeds guidance; `keep` is whether it is kept.

        Raises:
            ConfigurationError: no text can be allowed, or there is no such language.
        """
        if guidance == UNGUIDED:
            return self._plain
        with self._lock:
            if guidance in self._kept:
                self._kept.move_to_end(guidance)
                return self._kept[guidance]
        made = self._made(guidance)
        if not keep:
            return made
        with self._lock:
            self._kept[guidance] = made
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made

    def page(
        self,
        guidance: Guidance,
        regions: RegionConstraints | None = None,
        keep: bool = True,
    ) -> PageReaders:
        """Returns what reads a page; `keep` is as for `reader`.

        Raises:
            ConfigurationError: as `reader`, or a region is no polygon.
        """
        found = tuple(
            (_polygon(polygon), self.reader(Guidance(guidance.language, constraint), keep))
            for polygon, constraint in regions or ()
        )
        return PageReaders(self.reader(guidance, keep), found)

    def _made(self, guidance: Guidance) -> RegionReader:
        plain = self._plain
        lines = guided(plain.lines, guidance)
        if plain.words is plain.lines:
            return RegionReader(lines, lines, guidance.constraint)
        if guidance.constraint is not None and guidance.constraint.compiled().of_lines:
            # Crops of single words are lines of one word then.
            return RegionReader(lines, lines, guidance.constraint)
        return RegionReader(guided(plain.words, guidance), lines, guidance.constraint)


def _polygon(points: ArrayLike) -> Points:
    try:
        polygon = np.asarray(points, np.float32)
    except (TypeError, ValueError):
        polygon = np.zeros(0, np.float32)
    if polygon.ndim != 2 or polygon.shape[1:] != (2,) or len(polygon) < 3:
        raise ConfigurationError("a region needs three or more points x, y in page pixels")
    if not np.isfinite(polygon).all():
        raise ConfigurationError("a region has a point that is not finite")
    return polygon

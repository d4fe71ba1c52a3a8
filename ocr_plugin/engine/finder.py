"""Asks a detector for the text of pages, as long as they are wanted."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ocr_plugin.engine.answers import answers, checked_regions
from ocr_plugin.engine.page_task import PageWork
from ocr_plugin.plugins import takes
from ocr_plugin.protocols import RGB, Detector, Points, Regions


class _Asked(NamedTuple):
    """A picture, and whether what is found on it is still wanted."""

    pixels: RGB
    is_wanted: Callable[[], bool]


class Finder:
    """Finds text with a detector.

    Args:
        detector: one whose `detect` has a parameter `wanted` (docs/plugins.md) can stop within a
            page; of another one a page is only given up before and after.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector, self._can_stop = detector, takes(detector.detect, "wanted")

    def found_on(self, works: Sequence[PageWork]) -> list[Regions | Exception]:
        """Returns the regions of each page, or what went wrong with it.

        Those of a page that no longer goes on are not to be used: they may be incomplete.
        """
        return self._found([_Asked(work.pixels, work.goes_on) for work in works])

    def found_in_ink(self, work: PageWork) -> list[Points]:
        """Returns the regions of coloured ink that lies across a page's print; see `found_on`.

        Raises:
            Exception: what went wrong.
        """
        if work.overprint is None:
            return []
        boxes, ink = work.overprint.boxes, work.overprint.ink
        parts = [np.ascontiguousarray(ink[y0:y1, x0:x1]) for x0, y0, x1, y1 in boxes]
        regions: list[Points] = []
        asked = [_Asked(part, work.goes_on) for part in parts]
        for (left, top, _, _), found in zip(boxes, self._found(asked), strict=True):
            if isinstance(found, Exception):
                raise found
            corner = np.array((left, top), np.float32)
            regions += [np.asarray(each, np.float32) + corner for each in found.polygons]
        return regions

    def _found(self, asked: list[_Asked]) -> list[Regions | Exception]:
        return answers(self._detect, asked, "detector", "pages", _checked)

    def _detect(self, asked: Sequence[_Asked]) -> list[Regions]:
        pages = [each.pixels for each in asked]
        if not self._can_stop:
            return self._detector.detect(pages)
        wanted = [each.is_wanted for each in asked]
        return self._detector.detect(pages, wanted=wanted)  # type: ignore[call-arg]


def _checked(found: Regions, asked: _Asked) -> Regions:
    return checked_regions(found, asked.pixels)

"""Lines that a document itself tells, in the form of regions that were read."""

import numpy as np

from ocr_plugin.layout.words import ReadRegion
from ocr_plugin.pages.raster import PrintedLine
from ocr_plugin.protocols import Points, Reading, Span, WordReading
from ocr_plugin.regions.strips import plane_strip


def region_of(line: PrintedLine) -> ReadRegion:
    """Returns a line as a region, with the places of its words; all of them are certain."""
    words = tuple(
        WordReading(word.text, 1.0, _span(word.polygon, line.polygon)) for word in line.words
    )
    strip = plane_strip(line.polygon)
    return ReadRegion(
        outline=strip,
        strips=[strip],
        seen=[plane_strip(word.polygon) for word in line.words],
        readings=[Reading(" ".join(word.text for word in words), 1.0, words)],
    )


def _span(word: Points, line: Points) -> Span:
    """Returns where a word lies along its line."""
    along = (line[1] - line[0]).astype(np.float64)
    places = (word - line[0]) @ along / (along @ along)
    return float(places.min()), float(places.max())

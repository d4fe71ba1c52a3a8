"""Cuts a very long line into parts that recognizers can read.

A recognizer squeezes what is wider than its network takes, until nothing can be read.
"""

from itertools import pairwise

import cv2
import numpy as np

from ocr_plugin.protocols import RGB
from ocr_plugin.regions.ink import ink_runs, inked_columns
from ocr_plugin.regions.rectify import rectify
from ocr_plugin.regions.strips import Strip

# All in heights of the line. Longer ones are cut; parts are of about this length, give or take the
# slack within which the widest gap is looked for: it holds some words, and so a space.
_LONGEST, _LENGTH, _SLACK = 60.0, 25.0, 8.0
# Of two gaps as wide, the one nearer to the wanted place; a height away from it counts as this.
_DISTANCE = 0.01
# Pixels of the height at which gaps are looked for.
_ANALYSIS_HEIGHT = 48


def parts_of(page: RGB, line: Strip) -> list[Strip]:
    """Returns the parts of a line, in reading order; a line of usual length is its only part.

    Cuts go through the widest gaps in the ink, so through spaces, wherever there are any.

    Args:
        page: (H, W, 3) uint8 RGB.
        line: in the page's pixels, in its reading direction.
    """
    width, height = line.size
    length = width / max(height, 1.0)
    if length <= _LONGEST or line.stacked:
        return [line]
    cuts = [0.0]
    while length - cuts[-1] > _LENGTH + 2 * _SLACK:
        cuts.append(_cut(page, line, length, cuts[-1] + _LENGTH))
    cuts.append(length)
    return [line.part(start / length, end / length) for start, end in pairwise(cuts)]


def _cut(page: RGB, line: Strip, length: float, wanted: float) -> float:
    """Returns where to cut a line near a wanted place, in heights of the line from its start."""
    start, end = wanted - _SLACK, wanted + _SLACK
    window = rectify(page, line.part(start / length, end / length))
    columns = round(2 * _SLACK * _ANALYSIS_HEIGHT)
    shrinks = window.shape[0] > _ANALYSIS_HEIGHT
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(window, (columns, _ANALYSIS_HEIGHT), interpolation=how)
    gaps = ink_runs(~inked_columns(np.asarray(resized, np.uint8)))
    if not gaps:
        return wanted
    places = [start + (first + last) / 2 / _ANALYSIS_HEIGHT for first, last in gaps]
    widths = [(last - first) / _ANALYSIS_HEIGHT for first, last in gaps]
    worth = [
        width - _DISTANCE * abs(place - wanted) for width, place in zip(widths, places, strict=True)
    ]
    return places[int(np.argmax(worth))]

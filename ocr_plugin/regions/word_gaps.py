"""Splits a line into words at the gaps in its ink."""

import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB
from ocr_plugin.regions.ink import ink_runs, inked_columns

# All in units of the line's height, so that they hold at any resolution.
_ANALYSIS_HEIGHT = 48
_MIN_GAP = 0.08
_CLEAR_GAP = 0.4
_PADDING = 0.08
_MIN_INK = 0.12


def cut(crop: RGB, start: float, end: float) -> RGB:
    """Returns the columns of a crop between two fractions of its width, at least one."""
    width = crop.shape[1]
    first = min(int(start * width), width - 1)
    return np.ascontiguousarray(crop[:, first : max(first + 1, round(end * width))])


def ink_spans(crop: RGB) -> list[tuple[float, float]]:
    """Returns the spans of the words of a rectified line, as fractions of its width.

    Ink is what differs from the line's background; columns without ink are gaps. Gaps between
    letters and gaps between words form two groups, separated where the variance within the groups
    is least (Otsu's criterion), and only if the wide ones are clearly wider.

    Args:
        crop: (h, w, 3) uint8 RGB, a rectified line.

    Returns:
        At least one span; ``[(0.0, 1.0)]`` if the line is one word or no ink is found.
    """
    height, width = crop.shape[:2]
    columns = max(1, round(width * _ANALYSIS_HEIGHT / height))
    if columns < 2 * _ANALYSIS_HEIGHT or height < 4:
        return [(0.0, 1.0)]
    resized = cv2.resize(crop, (columns, _ANALYSIS_HEIGHT), interpolation=cv2.INTER_AREA)
    runs = ink_runs(inked_columns(np.asarray(resized, dtype=np.uint8)))
    if len(runs) < 2:
        return [(0.0, 1.0)]
    gaps = np.array([b[0] - a[1] for a, b in pairwise(runs)], np.float64)
    least = _word_gap(gaps / _ANALYSIS_HEIGHT) * _ANALYSIS_HEIGHT
    words = [list(runs[0])]
    for gap, (start, end) in zip(gaps, runs[1:], strict=True):
        if gap >= least:
            words.append([start, end])
        else:
            words[-1][1] = end
    padding = _PADDING * _ANALYSIS_HEIGHT
    return [
        (max(0.0, (start - padding) / columns), min(1.0, (end + padding) / columns))
        for start, end in words
        if end - start >= _MIN_INK * _ANALYSIS_HEIGHT
    ] or [(0.0, 1.0)]


def gaps_between(crop: RGB, places: Sequence[float]) -> NDArray[np.float64]:
    """Returns the widest gap in the ink between each two neighbouring places of a line.

    Args:
        crop: (h, w, 3) uint8 RGB, a rectified line.
        places: N, from left to right, as fractions of its width, such as characters' middles.

    Returns:
        (N - 1,) float64, in line heights; all 0 if no ink is found.
    """
    height, width = crop.shape[:2]
    columns = max(1, round(width * _ANALYSIS_HEIGHT / height))
    shrinks = height > _ANALYSIS_HEIGHT
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    inked = inked_columns(
        np.asarray(cv2.resize(crop, (columns, _ANALYSIS_HEIGHT), interpolation=how), np.uint8)
    )
    widths = np.zeros(max(len(places) - 1, 0))
    if not inked.any():
        return widths
    for index, (start, end) in enumerate(pairwise(places)):
        first = int(start * columns)
        part = inked[first : max(first + 1, math.ceil(end * columns))]
        widths[index] = max((last - first for first, last in ink_runs(~part)), default=0)
    return widths / _ANALYSIS_HEIGHT


def _word_gap(gaps: NDArray[np.float64]) -> float:
    """Returns the least width of a gap between words, in line heights."""
    ordered = np.sort(gaps)
    if len(ordered) < 2:
        return _CLEAR_GAP if len(ordered) == 0 or ordered[0] < _MIN_GAP * 2 else _MIN_GAP * 2
    best, parting = np.inf, _CLEAR_GAP
    for k in range(1, len(ordered)):
        narrow, wide = ordered[:k], ordered[k:]
        spread = float(((narrow - narrow.mean()) ** 2).sum() + ((wide - wide.mean()) ** 2).sum())
        if spread < best and wide.mean() > 1.8 * narrow.mean() + 0.04:
            best, parting = spread, float(narrow[-1] + wide[0]) / 2
    return min(max(parting, _MIN_GAP), _CLEAR_GAP)

"""Lines with much ink of which a reader reads next to nothing, such as those in another script.

PP-OCR answers writing that it has no characters for with blanks: of a Russian sentence it is sure
of the comma and the full stop, and of nothing else.
"""

import cv2
import numpy as np

from ocr_plugin.protocols import RGB
from ocr_plugin.regions.ink import ink_runs, inked_columns

_ANALYSIS_HEIGHT = 48
# Shorter ink than this, in heights of the line, may well be a single character.
_LEAST_INK = 1.5
# Printed lines have more characters than this for each height of the line: Chinese ones about one,
# Latin ones two and more.
_FEWEST = 0.4
# Share of the line's height over which letters have ink.
_LEAST_ROWS = 0.4


def inked_heights(line: RGB) -> float:
    """Returns how much of a line has ink, gaps left out, in units of the line's height.

    Args:
        line: (h, w, 3) uint8 RGB, rectified.
    """
    runs = ink_runs(inked_columns(line))
    inked: int = sum(end - start for start, end in runs)
    return float(inked / line.shape[0])


def is_hardly_read(line: RGB, text: str) -> bool:
    """Returns whether a line has much ink for what was read in it.

    Args:
        line: (h, w, 3) uint8 RGB, rectified.
        text: what a line reader read.
    """
    height, width = line.shape[:2]
    characters = len(text.replace(" ", ""))
    # This spares most lines a look at their ink.
    if height < 4 or max(_LEAST_INK, characters / _FEWEST) > width / height:
        return False
    small = _analysed(line)
    ink = inked_heights(small)
    if ink < _LEAST_INK or characters >= _FEWEST * ink:
        return False
    return _inked_rows(small) >= _LEAST_ROWS


def _inked_rows(line: RGB) -> float:
    """Returns over which share of a line's height there is ink: rulings and dots are flat."""
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY)
    distance = cv2.absdiff(grey, np.full_like(grey, np.median(grey)))
    _, ink = cv2.threshold(distance, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float((ink.sum(axis=1) >= 2).mean())


def _analysed(line: RGB) -> RGB:
    """Returns a line at the height at which its ink is looked at."""
    height, width = line.shape[:2]
    columns = max(4, round(width * _ANALYSIS_HEIGHT / height))
    resized = cv2.resize(line, (columns, _ANALYSIS_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)

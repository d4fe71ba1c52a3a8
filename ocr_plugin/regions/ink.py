"""Where in a rectified line there is ink, and where there is none."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB

# Share of the line's height, at its upper and lower edge, that is assumed to be background.
_RIM = 1 / 12
# Colour distance (CIELAB) below which nothing is ink, even if Otsu's threshold is lower.
_FAINTEST = 12


def inked_columns(line: RGB) -> NDArray[np.bool_]:
    """Returns which columns of a line hold ink, (w,) bool.

    Ink is what differs from the line's background, by Otsu's threshold on the distance in colour.
    The background may change along the line; it is sampled above and below the letters.

    Args:
        line: (h, w, 3) uint8 RGB, at least 4 pixels high.
    """
    height = line.shape[0]
    rim = max(1, round(_RIM * height))
    lab = cv2.cvtColor(line, cv2.COLOR_RGB2LAB).astype(np.float32)
    background = np.median(np.concatenate([lab[:rim], lab[-rim:]]), axis=0)
    background = cv2.blur(background[None], (2 * height + 1, 1))[0]
    distance = np.clip(np.linalg.norm(lab - background, axis=2), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(distance, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    body = distance[rim:-rim] > max(level * 0.8, _FAINTEST)
    return np.asarray(body.sum(axis=0) >= 2, dtype=np.bool_)


def ink_runs(inked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Returns (start, end) of each run of inked columns."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inked, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]

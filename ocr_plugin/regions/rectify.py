"""Rectifies strips of a page: undoes perspective and unrolls curves."""

import cv2
import numpy as np

from ocr_plugin.protocols import RGB, Points
from ocr_plugin.regions import geometry
from ocr_plugin.regions.ink import ink_runs, inked_columns
from ocr_plugin.regions.strips import Strip, plane_strip

# Pixels around a strip that bicubic sampling at its edge reads.
_REACH = 4
# Most pixels of a crop's sides; larger regions are shrunk.
_MAX_HEIGHT = 256
_MAX_WIDTH = 8192
# OpenCV cannot sample an image with a longer side; parts of a page are rarely that long.
_MAX_SOURCE = 32_766


def rectify(page: RGB, strip: Strip) -> RGB:
    """Returns the strip as an upright crop, (h, w, 3) uint8, at the page's own resolution.

    Args:
        page: (H, W, 3) uint8 RGB.
        strip: in the page's pixels; parts outside the page repeat its edge.
    """
    width, height = strip.size
    shrink = min(1.0, _MAX_HEIGHT / max(height, 1), _MAX_WIDTH / max(width, 1))
    columns, rows = max(1, round(width * shrink)), max(1, round(height * shrink))
    if strip.curved:
        return _unroll(page, strip, columns, rows)
    if strip.stacked:
        upright = plane_strip(np.roll(strip.quad, 1, axis=0))
        return _side_by_side(rectify(page, upright))
    corners = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    surroundings, quad = _around(page, strip.quad)
    # OpenCV counts pixel centres from 0, our coordinates count pixel edges from 0.
    homography = cv2.getPerspectiveTransform(corners - 0.5, quad - np.float32(0.5))
    return np.asarray(
        cv2.warpPerspective(
            surroundings,
            homography,
            (columns, rows),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.uint8,
    )


def _around(page: RGB, points: Points) -> tuple[RGB, Points]:
    """Returns the part of the page needed to sample at some points, and the points in it.

    Args:
        page: (H, W, 3) uint8 RGB.
        points: (..., 2) float32 page pixels; they may lie outside the page.
    """
    flat = points.reshape(-1, 2)
    end = np.array(page.shape[1::-1])
    first = np.clip(np.floor(flat.min(axis=0)).astype(int) - _REACH, 0, end - 1)
    last = np.clip(np.ceil(flat.max(axis=0)).astype(int) + _REACH, first + 1, end)
    part, places = page[first[1] : last[1], first[0] : last[0]], points - first.astype(np.float32)
    if max(part.shape) > _MAX_SOURCE:
        # Still longer than any crop, so the crop loses no detail.
        before = np.array(part.shape[1::-1])
        after = np.maximum(before * min(1.0, _MAX_SOURCE / before.max()), 1).astype(int)
        part = np.asarray(cv2.resize(part, after.tolist(), interpolation=cv2.INTER_AREA), np.uint8)
        places = places * (after / before).astype(np.float32)
    return part, places


def _side_by_side(column: RGB) -> RGB:
    """Returns a column of letters laid out as a line, split at the gaps between them.

    Args:
        column: (h, w, 3) uint8 RGB, its letters upright, one below the other.
    """
    if column.shape[1] < 4:
        return column
    letters = ink_runs(inked_columns(np.ascontiguousarray(column.transpose(1, 0, 2))))
    least = column.shape[1] / 4
    margin = max(1, column.shape[1] // 12)
    bounds: list[list[int]] = []
    for start, end in letters:
        # A run too low for a letter is part of one: the dot of an i, the bar of a T.
        if bounds and min(end - start, bounds[-1][1] - bounds[-1][0]) < least:
            bounds[-1][1] = end
        else:
            bounds.append([start, end])
    if len(bounds) < 2:
        return column
    cells = [
        _narrowed(column[max(0, start - margin) : end + margin], (margin + 1) // 2)
        for start, end in bounds
    ]
    height = max(cell.shape[0] for cell in cells)
    return np.concatenate(
        [
            np.pad(
                cell,
                (((height - len(cell)) // 2, (height - len(cell) + 1) // 2), (0, 0), (0, 0)),
                mode="edge",
            )
            for cell in cells
        ],
        axis=1,
    )


def _narrowed(letter: RGB, margin: int) -> RGB:
    """Returns a letter with narrow margins; recognizers would take wide ones for spaces."""
    inked = ink_runs(inked_columns(letter))
    if not inked:
        return letter
    return letter[:, max(0, inked[0][0] - margin) : inked[-1][1] + margin]


def _unroll(page: RGB, strip: Strip, columns: int, rows: int) -> RGB:
    """Returns a curved strip, flattened: every column is the straight line between the edges."""
    across = (np.arange(columns, dtype=np.float32) + 0.5) / columns * (len(strip.top) - 1)
    down = ((np.arange(rows, dtype=np.float32) + 0.5) / rows)[:, None, None]
    indices = np.arange(len(strip.top))
    top, bottom = (geometry.points_at(across, indices, edge) for edge in (strip.top, strip.bottom))
    surroundings, places = _around(page, ((1 - down) * top + down * bottom).astype(np.float32))
    places = places - np.float32(0.5)
    return np.asarray(
        cv2.remap(
            surroundings,
            np.ascontiguousarray(places[..., 0]),
            np.ascontiguousarray(places[..., 1]),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.uint8,
    )

"""Coloured ink across dark print on light paper, such as a stamp: taken apart, both can be read.

Scanners call it colour dropout. In the brightest of a pixel's three channels, ink of one pure
colour is as light as paper, and black print stays black; in the difference between the brightest
and the darkest channel, black print is as light as paper, and coloured ink stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB

Mask = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""

# Paper is at least this light, and its channels differ by no more.
_PAPER, _PAPER_TINT = 170, 40
# Channels of coloured ink differ by more than this; those of black print by less, and are darker.
_TINT, _BLACK = 60, 110
# The page is searched at about this many pixels on its long side.
_SEARCHED = 1000
# Strokes of a stamp stand no further apart than this, in pixels of the search.
_NEAR = 15
# Sides of a stamp, as shares of the page's long side; and the most of its box that has ink.
_LEAST, _FULLEST = 0.04, 0.5
# At how many places it must touch print: coloured words beside black ones touch them hardly.
_FEWEST_CROSSINGS = 4
# Least share of its box that has coloured ink, and most of the ink that lies beside print.
_LEAST_INK, _BESIDE = 0.015, 0.3
# Strokes of print and of stamps are thinner than this, in thousandths of the page's long side; the
# most of either that may be thicker.
_THICKEST, _THICKEST_INK, _BLOBS = 10, 15, 0.2


@dataclass(frozen=True)
class Overprint:
    """A page with coloured ink across its print, seen apart.

    Attributes:
        print: (H, W, 3) uint8 RGB, the page without the coloured ink.
        ink: (H, W, 3) uint8 RGB, the coloured ink alone, dark on white.
        boxes: of each stamp.
    """

    print: RGB
    ink: RGB
    boxes: tuple[Box, ...]


def overprint_of(pixels: RGB) -> Overprint | None:
    """Returns a page's print and coloured ink apart; None if no such ink lies across print.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    step = max(round(max(pixels.shape[:2]) / _SEARCHED), 1)
    small = pixels[::step, ::step]
    paper = np.median(small.reshape(-1, 3), axis=0)
    if paper.min() < _PAPER or np.ptp(paper) > _PAPER_TINT:
        return None
    boxes = _outermost([
        box
        for box in _coloured(small, step, pixels.shape[1], pixels.shape[0])
        if _crosses_print(pixels[box[1] : box[3], box[0] : box[2]], max(pixels.shape[:2]))
    ])  # fmt: skip
    if not boxes:
        return None
    bare, ink = pixels.copy(), np.full_like(pixels, 255)
    for left, top, right, bottom in boxes:
        part = np.s_[top:bottom, left:right]
        bare[part] = _without_ink(pixels[part])[..., None]
        ink[part] = 255 - _tint(pixels[part])[..., None]
    return Overprint(bare, ink, boxes)


def _without_ink(part: RGB) -> Mask:
    """Returns the brightest channel of a part, (h, w), where ink is made as light as paper.

    Ink is transparent: what it takes away of the light, it takes away from print under it too.
    """
    brightest, tint = _brightest(part).astype(np.float32), _tint(part).astype(np.float32)
    inked = tint > _TINT
    if not inked.any():
        return np.asarray(brightest, np.uint8)
    paper = float(np.median(brightest[~inked])) if not inked.all() else 255.0
    ink, usual = float(np.median(brightest[inked])), float(np.median(tint[inked]))
    share = np.minimum(tint / usual, 1.0)
    lifted = brightest * (1 + share * (max(paper / max(ink, 1.0), 1.0) - 1))
    return np.asarray(np.minimum(lifted, np.maximum(brightest, paper)), np.uint8)


def _outermost(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Returns the boxes, those that overlap as one."""
    apart: list[Box] = []
    for box in boxes:
        for other in [each for each in apart if _overlap(each, box)]:
            apart.remove(other)
            left, top = min(box[0], other[0]), min(box[1], other[1])
            box = left, top, max(box[2], other[2]), max(box[3], other[3])
        apart.append(box)
    return tuple(apart)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _tint(pixels: RGB) -> Mask:
    red, green, blue = cv2.split(pixels)
    darkest = cv2.min(cv2.min(red, green), blue)
    return np.asarray(cv2.subtract(_brightest(pixels), darkest), np.uint8)


def _brightest(pixels: RGB) -> Mask:
    # NumPy takes several times as long over an axis of three.
    red, green, blue = cv2.split(pixels)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _coloured(small: RGB, step: int, width: int, height: int) -> Iterator[Box]:
    """Yields the boxes, in page pixels, of what may be a stamp."""
    coloured = (_tint(small) > _TINT).astype(np.uint8)
    if not coloured.any():
        return
    joined = cv2.dilate(coloured, np.ones((_NEAR, _NEAR), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    least = _LEAST * max(small.shape[:2])
    for label, (x, y, wide, high, _) in enumerate(stats[1:].tolist(), start=1):
        if min(wide, high) < least:
            continue
        inside = coloured[y : y + high, x : x + wide] * (
            labels[y : y + high, x : x + wide] == label
        )
        if inside.mean() <= _FULLEST:
            yield (
                x * step,
                y * step,
                min((x + wide) * step, width),
                min((y + high) * step, height),
            )


def _crosses_print(part: RGB, page: int) -> bool:
    """Returns whether coloured ink lies across black print, and is not part of it.

    Args:
        part: (h, w, 3) uint8 RGB.
        page: the page's long side, in pixels.
    """
    tint = _tint(part)
    # Fringes of colour around black print, as some scanners leave them, are narrower.
    coloured = _opened((tint > _TINT).astype(np.uint8), 3)
    black = ((_brightest(part) < _BLACK) & (tint <= _TINT)).astype(np.uint8)
    touched = np.asarray(cv2.dilate(coloured, np.ones((5, 5), np.uint8)), np.uint8) & black
    crossings, _ = cv2.connectedComponents(touched)  # the first is what is no crossing
    if crossings <= _FEWEST_CROSSINGS or coloured.mean() < _LEAST_INK:
        return False
    # Of print that is coloured itself, most colour is beside black; of a stamp, little.
    near = np.asarray(cv2.dilate(black, np.ones((5, 5), np.uint8)), np.uint8)
    beside = coloured & near
    return (
        bool(beside.sum() <= _BESIDE * coloured.sum())
        and _is_of_strokes(black, max(_THICKEST * page // 1000, 7))
        and _is_of_strokes(coloured, max(_THICKEST_INK * page // 1000, 11))
    )


def _is_of_strokes(mask: Mask, thickest: int) -> bool:
    """Returns whether little of a mask is thicker than some pixels."""
    return bool(_opened(mask, thickest).sum() <= _BLOBS * mask.sum())


def _opened(mask: Mask, size: int) -> Mask:
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    return np.asarray(opened, np.uint8)

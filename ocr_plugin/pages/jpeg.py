"""JPEG files that claim more than they hold, told by their markers."""

import re
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ocr_plugin.pages.raster import Unusable

# Each scan of a progressive picture goes through all its pixels.
_MOST_SCANS = 100
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START_OF_SCAN, _END = 0xDA, 0xD9
# By the frame's marker (sequential, progressive), the fewest bits that a block of 8 x 8 samples
# takes: one for its mean and one for the rest, which further scans may tell for many blocks at
# once. Other codings know no such limit.
_FEWEST_BITS = {0xC0: 2, 0xC1: 2, 0xC2: 1}
# Rows that the decoder made up are of this grey, give or take the rounding of colours.
_MADE_UP, _ROUNDING = 128, 1
_ROWS = 8


class TooManyScans(Unusable):
    """A JPEG that would take minutes to decode."""


@dataclass(frozen=True)
class _Frame:
    """What a frame's header claims."""

    marker: int
    width: int
    height: int
    blocks: int


def check_scans(data: bytes) -> None:
    """Checks that a file may hold what its header claims; decodes nothing.

    Raises:
        TooManyScans: it would take long to decode.
        Unusable: it has fewer bits than its pixels need.
    """
    frame, scans, size, place = None, 0, 0, 2
    while (found := _MARKER.search(data, place)) is not None:
        marker, start = data[found.start() + 1], found.end()
        if marker == _END or start + 2 > len(data):
            break
        (length,) = struct.unpack_from(">H", data, start)
        place = start + length
        if marker in _FEWEST_BITS and frame is None:
            frame = _frame(marker, data[start:place])
        if marker == _START_OF_SCAN:
            scans += 1
            following = _MARKER.search(data, place)
            size += max(0, (following.start() if following else len(data)) - place)
            if scans > _MOST_SCANS:
                raise TooManyScans(f"a JPEG of more than {_MOST_SCANS} scans is not decoded")
    if frame is not None and 8 * size < _FEWEST_BITS[frame.marker] * frame.blocks:
        raise Unusable(
            f"the image is truncated: {size} bytes cannot hold"
            f" {frame.width} x {frame.height} pixels"
        )


def _frame(marker: int, body: bytes) -> _Frame | None:
    """Returns a frame by its header, from its length on; None for a damaged one."""
    if len(body) < 8 or len(body) < 8 + 3 * body[7]:
        return None
    height, width, count = struct.unpack_from(">HHB", body, 3)
    samplings = [divmod(body[9 + 3 * index], 16) for index in range(count)]
    if not samplings or not all(across and down for across, down in samplings):
        return None
    most_across = max(across for across, _ in samplings)
    most_down = max(down for _, down in samplings)
    blocks = sum(
        -(-width * across // (8 * most_across)) * -(-height * down // (8 * most_down))
        for across, down in samplings
    )
    return _Frame(marker, width, height, blocks)


def made_up_rows(image: Image.Image) -> tuple[str, ...]:
    """Returns a warning where the lower rows of a decoded JPEG are the grey of missing data.

    Args:
        image: as it is stored, not turned.
    """
    if image.mode not in ("L", "RGB") or image.height <= _ROWS:
        return ()
    bottom = image.crop((0, image.height - _ROWS, image.width, image.height))
    if not _is_made_up(bottom) or _is_made_up(image):
        return ()
    return ("the lower rows are all one grey: the file may have been cut off",)


def _is_made_up(image: Image.Image) -> bool:
    # Of one channel, or of each.
    low, high = np.array(image.getextrema()).reshape(-1, 2).T
    return bool(low.min() >= _MADE_UP - _ROUNDING and high.max() <= _MADE_UP + _ROUNDING)

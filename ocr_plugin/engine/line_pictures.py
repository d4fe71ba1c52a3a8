"""Pictures that hold a single word or line, such as crops: there is no need to find it."""

import numpy as np

from ocr_plugin.protocols import RGB, Points, Regions
from ocr_plugin.regions import geometry

# Pixels of the height of the tallest such picture, and its least and most width in heights. In
# longer ones a detector has enough to go by, and reading them on trial would take minutes.
_TALLEST, _LEAST_WIDTH, _MOST_WIDTH = 100, 0.8, 60
# Share of the picture's height that the text takes, if a detector finds it at all.
_LEAST_HEIGHT = 0.4
# A region that covers so much of the picture (IoU) is read as the whole picture anyway.
_WHOLE = 0.95


def line_picture(picture: RGB, found: Regions) -> Points | None:
    """Returns the outline of a picture that seems to be one line; None for all others.

    A detector has next to nothing around such a line to tell it from, and cuts pieces off.

    Args:
        picture: (H, W, 3) uint8 RGB.
        found: by the detector, in pixels of the picture.

    Returns:
        The picture's corners, (4, 2) float32.
    """
    height, width = picture.shape[:2]
    is_low = height <= _TALLEST and _LEAST_WIDTH <= width / height <= _MOST_WIDTH
    if not is_low or found.kind != "line" or len(found.polygons) > 1:
        return None
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    for polygon in found.polygons:
        own = np.asarray(polygon, np.float32)
        if np.ptp(own[:, 1]) < _LEAST_HEIGHT * height or geometry.iou(own, corners) > _WHOLE:
            return None
    return corners

"""Flat patches and their words' outlines, in perspective."""

import math
import random

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import Points
from ocr_plugin.training.synthetic.pages.lettering import Coverage, quad

Matrix = NDArray[np.float64]
"""(3, 3), a homography."""

_STRAIGHT = 0.3


def view(
    width: float,
    height: float,
    centre: tuple[float, float],
    rng: random.Random,
    turn: float = 6.0,
    tilt: float = 0.5,
) -> Matrix:
    """Returns the homography that lays a patch down somewhere on a page.

    Args:
        width: of the patch, in pixels.
        height: of the patch.
        centre: where its middle comes to lie.
        rng: source of randomness.
        turn: standard deviation of its turn, in degrees.
        tilt: the most that it is turned out of the picture's plane, in radians.
    """
    angle = math.radians(rng.gauss(0, turn))
    if rng.random() < _STRAIGHT:
        angle, tilt = 0.0, tilt * 0.1
    about_y, about_x = rng.uniform(-tilt, tilt) * 1.3, rng.uniform(-tilt, tilt) * 0.6
    # A pinhole camera at a few sizes' distance.
    away = max(width, height) * rng.uniform(1.3, 3.5)
    x, y = (quad((-width / 2, -height / 2, width / 2, height / 2)).T).astype(np.float64)
    depth = 1 + (x * math.sin(about_y) + y * math.sin(about_x)) / away
    x, y = x * math.cos(about_y) / depth, y * math.cos(about_x) / depth
    x, y = (
        x * math.cos(angle) - y * math.sin(angle) + centre[0],
        x * math.sin(angle) + y * math.cos(angle) + centre[1],
    )
    source = quad((0, 0, width, height))
    return np.asarray(cv2.getPerspectiveTransform(source, np.stack([x, y], 1).astype(np.float32)))


def moved(polygon: Points, matrix: Matrix) -> Points:
    """Returns a polygon of the patch as it lies on the page."""
    points = cv2.perspectiveTransform(polygon[None].astype(np.float64), matrix)[0]
    return np.asarray(points, np.float32)


def laid(coverage: Coverage, matrix: Matrix, page: tuple[int, int]) -> tuple[Coverage, int, int]:
    """Returns a patch's ink as it lies on the page, and where its piece of the page begins.

    Args:
        coverage: the patch.
        matrix: from its pixels to the page's, both counted from their edges.
        page: its height and width; what lies far beyond is left out.

    Returns:
        The coverage of a piece of the page, its left and its top.
    """
    height, width = coverage.shape
    corners = moved(quad((0, 0, width, height)), matrix)
    low = np.maximum(np.floor(corners.min(axis=0)) - 1, -32).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 1, (page[1] + 32, page[0] + 32)).astype(int)
    size = np.maximum(high - low, 1)
    # OpenCV counts pixels from their centres.
    centres = shift(-low[0] - 0.5, -low[1] - 0.5) @ matrix @ shift(0.5, 0.5)
    warped = cv2.warpPerspective(coverage, centres, (int(size[0]), int(size[1])))
    return np.asarray(warped, np.uint8), int(low[0]), int(low[1])


def shift(x: float, y: float) -> Matrix:
    """Returns the homography that moves by x, y."""
    return np.array([(1, 0, x), (0, 1, y), (0, 0, 1)], np.float64)

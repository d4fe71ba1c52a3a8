"""Pure functions on polygons: (N, 2) float32 arrays of x, y in page pixels, y down.

Clockwise means clockwise as seen on the screen. A quad has four points: top-left, top-right,
bottom-right, bottom-left of the text, in its own reading direction.
"""

import math

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Points = NDArray[np.float32]


def signed_area(points: Points) -> float:
    """Returns the area in square pixels, positive where the points run clockwise."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def clockwise(points: Points) -> Points:
    """Returns the same polygon, running clockwise and starting at the same point."""
    if signed_area(points) >= 0:
        return points
    return np.concatenate([points[:1], points[:0:-1]])


def upright_quad(quad: Points) -> Points:
    """Returns a quad's corners clockwise, starting so that its text runs rightwards.

    The first corner is the one whose side to the next points most nearly to the right: correct
    for text turned by less than 45 degrees; other directions are tried when the text is read.
    """
    quad = clockwise(quad)
    sides = np.roll(quad, -1, axis=0) - quad
    lengths = np.maximum(np.hypot(sides[:, 0], sides[:, 1]), 1e-6)
    return np.roll(quad, -int(np.argmax(sides[:, 0] / lengths)), axis=0)


def min_area_quad(points: Points) -> Points:
    """Returns the smallest rectangle around the points, (4, 2) float32, by `upright_quad`."""
    rectangle = cv2.minAreaRect(np.ascontiguousarray(points, dtype=np.float32))
    return upright_quad(np.asarray(cv2.boxPoints(rectangle), dtype=np.float32))


def quad_size(quad: Points) -> tuple[float, float]:
    """Returns the width (mean of top and bottom) and height (mean of the ends), in pixels."""
    top_left, top_right, bottom_right, bottom_left = quad.astype(np.float64)
    width = np.linalg.norm(top_right - top_left) + np.linalg.norm(bottom_right - bottom_left)
    height = np.linalg.norm(bottom_left - top_left) + np.linalg.norm(bottom_right - top_right)
    return float(width) / 2, float(height) / 2


def shape(points: Points) -> shapely.Polygon:
    """Returns a valid shapely polygon; a self-crossing outline becomes its largest part."""
    return largest_part(shapely.Polygon(points).buffer(0))


def contains(polygon: Points, point: Points) -> bool:
    """Returns whether a point, (2,), lies in a polygon or on its outline."""
    x, y = (float(each) for each in point)
    outline = np.ascontiguousarray(polygon, dtype=np.float32)
    return cv2.pointPolygonTest(outline, (x, y), False) >= 0


def iou(one: Points, other: Points) -> float:
    """Returns the intersection over union of two outlines; 0 if neither has an area."""
    first, second = shape(one), shape(other)
    shared = float(first.intersection(second).area)
    return shared / max(float(first.area + second.area) - shared, 1e-9)


def largest_part(geometry: shapely.Geometry) -> shapely.Polygon:
    """Returns the largest polygon of a geometry, an empty one where there is none."""
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon)]
    return max(parts, key=lambda part: part.area, default=shapely.Polygon())


def unclip(points: Points, ratio: float) -> Points:
    """Returns the polygon grown outwards by area * ratio / perimeter, or an empty array.

    DBNet is trained on text regions shrunk by such an offset (Liao et al., arXiv 1911.08947,
    section 3.4); this undoes it.

    Returns:
        (M, 2) float32, clockwise, with rounded corners; (0, 2) where the polygon has no area.
    """
    inner = shape(points)
    if inner.is_empty or inner.length == 0:
        return np.zeros((0, 2), np.float32)
    grown = largest_part(inner.buffer(inner.area * ratio / inner.length))
    return clockwise(np.asarray(grown.exterior.coords[:-1], dtype=np.float32))


def shrink(points: Points, ratio: float) -> Points:
    """Returns the core of a polygon: shrunk by area * (1 - ratio ** 2) / perimeter.

    As in DBNet's training (Liao et al., arXiv 1911.08947, section 3.4); `unshrink` undoes it.

    Returns:
        (M, 2) float32, clockwise; (0, 2) where nothing is left.
    """
    outer = shape(points)
    if outer.is_empty or outer.length == 0:
        return np.zeros((0, 2), np.float32)
    return _buffered(outer, -outer.area * (1 - ratio**2) / outer.length)


def unshrink(points: Points, ratio: float) -> Points:
    """Returns the polygon that `shrink` reduces to these points.

    Exact for rectangles and for bands of even width; nearly so for others.

    Returns:
        (M, 2) float32, clockwise; (0, 2) where the polygon has no area.
    """
    inner = shape(points)
    if inner.is_empty or inner.length == 0:
        return np.zeros((0, 2), np.float32)
    # Grown by d, a convex outline with square corners has area A + L * d + 4 * d ** 2 and length
    # L + 8 * d; solved for the d that `shrink` would take off again.
    kept = 1 - ratio**2
    a, b, c = 8 - 4 * kept, (1 - kept) * inner.length, -kept * inner.area
    return _buffered(inner, (-b + math.sqrt(b * b - 4 * a * c)) / (2 * a))


def grown(points: Points, distance: float) -> Points:
    """Returns the polygon grown by some pixels; without an area it is a line or a point."""
    outline = shape(points)
    return _buffered(
        shapely.MultiPoint(points).convex_hull if outline.is_empty else outline, distance
    )


def perimeter(points: Points) -> float:
    """Returns the length of the closed outline, in pixels."""
    sides = points - np.roll(points, 1, axis=0)
    return float(np.hypot(sides[:, 0], sides[:, 1]).sum())


def _buffered(polygon: BaseGeometry, distance: float) -> Points:
    buffered = largest_part(polygon.buffer(distance, join_style="mitre", cap_style="square"))
    if buffered.is_empty:
        return np.zeros((0, 2), np.float32)
    return clockwise(np.asarray(buffered.exterior.coords[:-1], dtype=np.float32))


def resample(points: Points, count: int, *, closed: bool = False) -> Points:
    """Returns `count` points at equal distances along a path, (count, 2) float32.

    An open path keeps both its ends; a closed one starts at its first point.
    """
    path = np.concatenate([points, points[:1]]) if closed else points
    steps = np.hypot(*np.diff(path.astype(np.float64), axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.linspace(0.0, along[-1], count, endpoint=not closed)
    return points_at(places, along, path).astype(np.float32)


def points_at(
    places: NDArray[np.floating], along: NDArray[np.floating | np.integer], path: Points
) -> NDArray[np.float64]:
    """Returns the points of a path at some places along it, (P, 2) float64.

    Args:
        places: (P,), in the unit of `along`.
        along: (N,) ascending: the place of each point of the path.
        path: (N, 2).
    """
    return np.stack([np.interp(places, along, path[:, axis]) for axis in (0, 1)], axis=1)

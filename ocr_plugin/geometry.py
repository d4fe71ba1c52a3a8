"""Pure functions on polygons: (N, 2) float32 arrays of x, y in page pixels, y down.

Clockwise means clockwise as seen on the screen. A quad has four points: top-left, top-right,
bottom-right, bottom-left of the text, in its own reading direction.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Points = NDArray[np.float32]

_CONTOUR_POINTS = 128
_SIDE_POINTS = 17
# Shapes shorter than this many times their height are a character or two: no curve to follow.
_BAND_ASPECT = 2.0


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

    Of the four corners, the one is first whose side to the next points most nearly to the right:
    text turned by less than 45 degrees comes out right, anything else is for the reader to settle.
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

    So DBNet's training has it (Liao et al., arXiv 1911.08947, section 3.4); `unshrink` undoes it.

    Returns:
        (M, 2) float32, clockwise; (0, 2) where nothing is left.
    """
    outer = shape(points)
    if outer.is_empty or outer.length == 0:
        return np.zeros((0, 2), np.float32)
    return _buffered(outer, -outer.area * (1 - ratio**2) / outer.length)


def unshrink(points: Points, ratio: float) -> Points:
    """Returns the polygon of which `shrink` leaves these points.

    Exact for rectangles and for bands of even width; nearly so for others.

    Returns:
        (M, 2) float32, clockwise; (0, 2) where the polygon has no area.
    """
    inner = shape(points)
    if inner.is_empty or inner.length == 0:
        return np.zeros((0, 2), np.float32)
    # Grown by d, a convex outline has area A + L * d + 4 * d ** 2 with square corners, and length
    # L + 8 * d; shrinking that by its own rule is to take d away again.
    kept = 1 - ratio**2
    a, b, c = 8 - 4 * kept, (1 - kept) * inner.length, -kept * inner.area
    return _buffered(inner, (-b + math.sqrt(b * b - 4 * a * c)) / (2 * a))


def grown(points: Points, distance: float) -> Points:
    """Returns the polygon grown outwards by some pixels; one without area as a line or a point."""
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
        places: (P,), in the measure of `along`.
        along: (N,) ascending: where on the path each of its points lies.
        path: (N, 2).
    """
    return np.stack([np.interp(places, along, path[:, axis]) for axis in (0, 1)], axis=1)


@dataclass(frozen=True)
class Ribbon:
    """A band of text: its centre line and its half-width along it.

    Attributes:
        centre: (K, 2) float32, from the beginning of the band to its end, equally spaced.
        half_widths: (K,) float32 pixels, at right angles to the centre line.
    """

    centre: Points
    half_widths: NDArray[np.float32]

    @property
    def length(self) -> float:
        """Length of the centre line in pixels."""
        return float(np.hypot(*np.diff(self.centre, axis=0).T).sum())

    @property
    def height(self) -> float:
        """Mean width of the band in pixels."""
        return 2 * float(self.half_widths.mean())

    @property
    def sagitta(self) -> float:
        """Greatest distance of the centre line from its chord, in pixels."""
        chord = (self.centre[-1] - self.centre[0]).astype(np.float64)
        offsets = (self.centre - self.centre[0]).astype(np.float64)
        crossed = chord[0] * offsets[:, 1] - chord[1] * offsets[:, 0]
        return float(np.abs(crossed).max() / max(float(np.linalg.norm(chord)), 1e-6))

    def sides(self) -> tuple[Points, Points]:
        """Returns the left-hand (top) and right-hand (bottom) edge, (K, 2) float32 each."""
        tangents = np.gradient(self.centre.astype(np.float64), axis=0)
        tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-6)
        # y points down, so the reader's "up" from a rightward tangent is (ty, -tx).
        normals = np.stack([tangents[:, 1], -tangents[:, 0]], axis=1)
        offsets = normals * self.half_widths[:, None]
        return (
            (self.centre + offsets).astype(np.float32),
            (self.centre - offsets).astype(np.float32),
        )

    def polygon(self, side_points: int) -> Points:
        """Returns the outline, (2 * side_points, 2) float32: the top edge, then the bottom."""
        top, bottom = (resample(side, side_points) for side in self.sides())
        return np.concatenate([top, bottom[::-1]])


def ribbon(points: Points) -> Ribbon | None:
    """Returns the band that a long, possibly bent polygon covers, or None for a compact one.

    The outline is cut at the two places that make the resulting sides run closest to each other;
    those are the band's ends. The centre line is then a smooth curve (a polynomial of low degree
    in each coordinate, of the arc length) through the middles of the sides, and the width a
    straight line fitted to their distances, so that ragged outlines give smooth bands.
    """
    outline = resample(clockwise(points), _CONTOUR_POINTS, closed=True)
    first, last, width = _closest_sides(outline)
    size = len(outline)
    one = outline[np.arange(first, last + 1) % size]
    other = outline[np.arange(last, first + size + 1) % size][::-1]
    # Within half a width of the ends the sides run across the band, around its corners.
    top, bottom = (_trimmed(side, width / 2) for side in (one, other))
    middles = ((top + bottom) / 2).astype(np.float64)
    steps = np.hypot(*np.diff(middles, axis=0).T)
    length = float(steps.sum())
    if width <= 0 or length < _BAND_ASPECT * width:
        return None
    along = np.concatenate([[0.0], np.cumsum(steps)]) / length
    gaps = np.linalg.norm((top - bottom).astype(np.float64), axis=1)
    taper = np.polynomial.Polynomial.fit(along, gaps, 1)
    degree = 3 if length < 6 * width else 5
    curves = [np.polynomial.Polynomial.fit(along, middles[:, axis], degree) for axis in (0, 1)]
    # A rounded end reaches further than the places where its sides were trimmed.
    start = -_beyond(one[0], middles[0], middles[0] - middles[1]) / length
    end = 1 + _beyond(one[-1], middles[-1], middles[-1] - middles[-2]) / length
    inside = np.linspace(0.0, 1.0, _SIDE_POINTS)
    centre = np.stack([curve(inside) for curve in curves], axis=1)
    # The curve is continued as a straight line: a polynomial leaves its data abruptly.
    ahead = centre[0] + (centre[1] - centre[0]) * start / (inside[1] - inside[0])
    behind = centre[-1] + (centre[-1] - centre[-2]) * (end - 1) / (inside[1] - inside[0])
    whole = np.concatenate([ahead[None], centre, behind[None]]).astype(np.float32)
    widths = np.asarray(taper(np.linspace(start, end, _SIDE_POINTS)), np.float64)
    half_widths = np.clip(widths, 0.5 * width, 2 * width) / 2
    return _reading_forwards(Ribbon(resample(whole, _SIDE_POINTS), half_widths.astype(np.float32)))


def _trimmed(side: Points, margin: float) -> Points:
    """Returns a side without `margin` pixels at each end, (_SIDE_POINTS, 2) float32."""
    along = np.concatenate(
        [[0.0], np.cumsum(np.hypot(*np.diff(side.astype(np.float64), axis=0).T))]
    )
    margin = min(margin, 0.3 * float(along[-1]))
    places = np.linspace(margin, along[-1] - margin, _SIDE_POINTS)
    return points_at(places, along, side).astype(np.float32)


def _beyond(tip: Points, end: NDArray[np.float64], outwards: NDArray[np.float64]) -> float:
    """Returns how many pixels the tip lies beyond a band's end, along the band; at least 0."""
    unit = outwards / max(float(np.linalg.norm(outwards)), 1e-6)
    return max(0.0, float((tip - end) @ unit))


def _closest_sides(outline: Points) -> tuple[int, int, float]:
    """Returns where to cut an outline into two sides, and the sides' median distance.

    Args:
        outline: (M, 2) float32, equally spaced, closed.
    """
    starts, lengths, forwards, backwards = _cuts(len(outline))
    # The sides meet at the ends, wherever these are: only between them does their distance tell.
    distances = np.linalg.norm(outline[forwards] - outline[backwards], axis=2)[:, 3:-3]
    best = int(np.argmin(distances.mean(axis=1)))
    width = float(np.median(distances[best]))
    return int(starts[best]), int(starts[best] + lengths[best]), width


@lru_cache(maxsize=1)
def _cuts(size: int) -> tuple[NDArray[np.int_], ...]:
    """Returns all ways to cut a closed outline of `size` points into two sides.

    Returns:
        (C,) where the shorter side begins and how long it is, then (C, _SIDE_POINTS) the points
        along it and, from the same beginning, along the other side.
    """
    shorter = np.arange(size // 4, size // 2 + 1)
    starts = np.repeat(np.arange(size), len(shorter))
    lengths = np.tile(shorter, size)
    fractions = np.linspace(0.0, 1.0, _SIDE_POINTS)
    forwards = np.rint(starts[:, None] + fractions * lengths[:, None]).astype(int) % size
    backwards = np.rint(starts[:, None] - fractions * (size - lengths)[:, None]).astype(int) % size
    return starts, lengths, forwards, backwards


def _reading_forwards(band: Ribbon) -> Ribbon:
    """Returns the band turned so that it runs rightwards, or downwards where it is upright."""
    x, y = band.centre[-1] - band.centre[0]
    if x >= 0 and (abs(x) >= 0.5 * abs(y) or y >= 0):
        return band
    if x < 0 and abs(x) < 0.5 * abs(y) and y >= 0:
        return band
    return Ribbon(band.centre[::-1].copy(), band.half_widths[::-1].copy())

"""Bands of text: a bent outline as a centre line and its widths."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.regions.geometry import Points, clockwise, points_at, resample

_CONTOUR_POINTS = 128
_SIDE_POINTS = 17
# Step, in points of an outline, of the coarse search for a band's ends.
_CUT_STEP = 4
# Shapes shorter than this many times their height are a character or two: no curve to follow.
_BAND_ASPECT = 2.0


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
    # A rounded end extends beyond the places where its sides were trimmed.
    start = -_beyond(one[0], middles[0], middles[0] - middles[1]) / length
    end = 1 + _beyond(one[-1], middles[-1], middles[-1] - middles[-2]) / length
    inside = np.linspace(0.0, 1.0, _SIDE_POINTS)
    centre = np.stack([curve(inside) for curve in curves], axis=1)
    # Extrapolated as a straight line: a polynomial diverges outside its data.
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

    A coarse search for the ends tries every few points, a fine one all points near the best.

    Args:
        outline: (M, 2) float32, equally spaced, closed; M is a multiple of `_CUT_STEP`.
    """
    size = len(outline)
    starts, lengths = _coarse_cuts(size)
    best = int(np.argmin(_side_distances(outline, starts, lengths).mean(axis=1)))
    near = np.arange(1 - _CUT_STEP, _CUT_STEP)
    starts = np.repeat(starts[best] + near, len(near))
    lengths = np.clip(np.tile(lengths[best] + near, len(near)), size // 4, size // 2)
    distances = _side_distances(outline, starts, lengths)
    best = int(np.argmin(distances.mean(axis=1)))
    start = int(starts[best]) % size
    return start, start + int(lengths[best]), float(np.median(distances[best]))


def _side_distances(
    outline: Points, starts: NDArray[np.int_], lengths: NDArray[np.int_]
) -> NDArray[np.float32]:
    """Returns how far the two sides of an outline are apart, point by point.

    Their ends are left out: there the two sides meet, wherever the outline is cut.

    Args:
        outline: (M, 2) float32.
        starts: (C,) where one side begins.
        lengths: (C,) how long it is; the other side has the rest.
    """
    size = len(outline)
    fractions = np.linspace(0.0, 1.0, _SIDE_POINTS)[3:-3]
    one = np.rint(starts[:, None] + fractions * lengths[:, None]).astype(int) % size
    other = np.rint(starts[:, None] - fractions * (size - lengths)[:, None]).astype(int) % size
    return np.asarray(np.linalg.norm(outline[one] - outline[other], axis=2), np.float32)


@lru_cache(maxsize=1)
def _coarse_cuts(size: int) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Returns some of the ways to cut a closed outline in two: (C,) starts and lengths."""
    shorter = np.arange(size // 4, size // 2 + 1, _CUT_STEP)
    starts = np.arange(0, size, _CUT_STEP)
    return np.repeat(starts, len(shorter)), np.tile(shorter, len(starts))


def _reading_forwards(band: Ribbon) -> Ribbon:
    """Returns the band turned so that it runs rightwards, or downwards where it is upright."""
    x, y = band.centre[-1] - band.centre[0]
    if x >= 0 and (abs(x) >= 0.5 * abs(y) or y >= 0):
        return band
    if x < 0 and abs(x) < 0.5 * abs(y) and y >= 0:
        return band
    return Ribbon(band.centre[::-1].copy(), band.half_widths[::-1].copy())

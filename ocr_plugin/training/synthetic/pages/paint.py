"""Colours that can be told from what lies below them, and ways of putting them on."""

import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.training.synthetic.pages.canvas import Canvas, Colour
from ocr_plugin.training.synthetic.pages.lettering import Coverage

_LUMA = (0.299, 0.587, 0.114)
_LEAST_CONTRAST = 0.22
_OUTLINED, _SHADOWED, _GRADED, _SHEER = 0.14, 0.2, 0.15, 0.35


@dataclass(frozen=True)
class Paint:
    """How letters are painted.

    Attributes:
        colour: of the letters.
        foot: their colour at the bottom; the same for none of a gradient.
        alpha: 0 to 1, how much of it covers.
        rim: colour of an outline around them, or None.
        rim_width: pixels.
        shadow: pixels by which a shadow falls to the right and down; 0 for none.
        glow: colour of light around them, or None.
        hollow: whether only the rim is painted.
        softness: sigma in pixels, how soft the camera sees them.
    """

    colour: Colour
    foot: Colour
    alpha: float = 1.0
    rim: Colour | None = None
    rim_width: int = 1
    shadow: float = 0.0
    glow: Colour | None = None
    hollow: bool = False
    softness: float = 0.0


def colour_of(luma: float, saturation: float, rng: random.Random) -> Colour:
    """Returns a colour of a lightness, 0 to 1, leaning any way from grey by as much as told."""
    direction = [rng.uniform(-0.5, 0.5) for _ in range(3)]
    grey = sum(weight * part for weight, part in zip(_LUMA, direction, strict=True))
    red, green, blue = (
        round(255 * min(max(luma + 1.6 * saturation * (part - grey), 0.0), 1.0))
        for part in direction
    )
    return red, green, blue


def any_colour(rng: random.Random) -> Colour:
    """Returns any colour."""
    return colour_of(rng.random(), rng.random() ** 1.5, rng)


def luma_of(colour: Colour) -> float:
    """Returns a colour's lightness, 0 to 1."""
    return sum(weight * part for weight, part in zip(_LUMA, colour, strict=True)) / 255


def contrasting(luma: float, rough: float, rng: random.Random) -> Colour:
    """Returns a colour that can be told from a ground.

    Args:
        luma: the ground's mean lightness, 0 to 1.
        rough: its standard deviation.
        rng: source of randomness.
    """
    least = min(_LEAST_CONTRAST + 1.3 * rough, 0.6)
    above, below = 1 - luma, luma
    lighter = above >= least and (below < least or rng.random() < 0.5)
    if above < least and below < least:
        lighter = above > below
    room = above if lighter else below
    contrast = min(least + rng.random() ** 0.6 * max(room - least, 0.0), room)
    target = luma + contrast if lighter else luma - contrast
    return colour_of(target, rng.random() ** 1.2, rng)


def ground(canvas: Canvas, box: tuple[int, int, int, int]) -> tuple[float, float]:
    """Returns the lightness inside a box, and how much it changes there."""
    x0, y0, x1, y1 = box
    under = canvas.pixels[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)]
    if not under.size:
        return 0.5, 0.0
    step = max(1, round((under.shape[0] * under.shape[1] / 4096) ** 0.5))
    luma = under[::step, ::step].astype(np.float32) @ np.array(_LUMA, np.float32) / 255
    return float(luma.mean()), float(luma.std())


def paint_for(
    canvas: Canvas, box: tuple[int, int, int, int], height: float, rng: random.Random
) -> Paint:
    """Returns paint for letters inside a box.

    Args:
        canvas: that they are painted on.
        box: left, top, right, bottom.
        height: of the letters, in pixels.
        rng: source of randomness.
    """
    luma, rough = ground(canvas, box)
    colour = contrasting(luma, rough, rng)
    foot = colour
    if rng.random() < _GRADED:
        foot = contrasting(luma, rough, rng)
        if (luma_of(foot) > luma) != (luma_of(colour) > luma):
            foot = colour
    rim = None
    # On a rough ground letters without an outline are lost in it.
    if rng.random() < _OUTLINED + 2.5 * rough:
        rim = contrasting(luma_of(colour), 0.12, rng)
    return Paint(
        colour,
        foot,
        alpha=rng.uniform(0.78, 1.0) if rng.random() < _SHEER else 1.0,
        rim=rim,
        rim_width=max(1, round(height * rng.uniform(0.02, 0.07))),
        shadow=height * rng.uniform(0.03, 0.1) if rng.random() < _SHADOWED else 0.0,
        # Never so soft that small letters cannot be read.
        softness=min(rng.choice((0.0, 0.4, 0.6, 0.8)) + canvas.softness, height / 22),
    )


def apply(canvas: Canvas, coverage: Coverage, left: int, top: int, paint: Paint) -> None:
    """Paints letters, their shadow, light and outline below them."""
    room = 1 + paint.rim_width if paint.rim else 0
    if paint.glow:
        room = max(room, 4 * paint.rim_width)
    if paint.shadow:
        room = max(room, round(paint.shadow) + 3)
    if room:
        coverage = np.pad(coverage, room)
        left, top = left - room, top - room
    if paint.softness:
        coverage = _blurred(coverage, paint.softness)
    if paint.shadow:
        fallen, shift = _blurred(coverage, 0.3 + paint.shadow / 3), round(paint.shadow)
        canvas.blend(fallen, left + shift, top + shift, (0, 0, 0), 0.6 * paint.alpha)
    if paint.glow:
        lit = _blurred(coverage, 1.5 * paint.rim_width)
        canvas.blend(
            cv2.convertScaleAbs(lit, alpha=1.6).astype(np.uint8), left, top, paint.glow, 0.8
        )
    if paint.rim:
        size = 2 * paint.rim_width + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        wide = np.asarray(cv2.dilate(coverage, kernel), np.uint8)
        if paint.hollow:
            wide = cv2.subtract(wide, coverage).astype(np.uint8)
        canvas.blend(wide, left, top, paint.rim, paint.alpha)
    if not paint.hollow:
        canvas.blend(coverage, left, top, _graded(paint, len(coverage)), paint.alpha)


def _graded(paint: Paint, height: int) -> Colour | NDArray[np.float32]:
    if paint.foot == paint.colour:
        return paint.colour
    ends = np.array([paint.colour, paint.foot], np.float32)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    return np.asarray(ends[0] + (ends[1] - ends[0]) * down, np.float32)


def _blurred(coverage: Coverage, sigma: float) -> Coverage:
    return np.asarray(cv2.GaussianBlur(coverage, (0, 0), sigma), np.uint8)

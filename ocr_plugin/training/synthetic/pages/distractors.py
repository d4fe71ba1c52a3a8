"""Distractors that might be taken for text: stripes, grids, arrows, leaves, simple logos."""

import math
import random

import cv2
import numpy as np

from ocr_plugin.protocols import Points
from ocr_plugin.training.synthetic.pages.canvas import Canvas, Colour
from ocr_plugin.training.synthetic.pages.lettering import quad
from ocr_plugin.training.synthetic.pages.paint import any_colour

_SHIFT = 3
_TRIES = 4


def scatter(canvas: Canvas, rng: random.Random, count: int, least: float, most: float) -> None:
    """Draws some shapes where there is room, and notes that it is taken.

    Args:
        canvas: that they are drawn on.
        rng: source of randomness.
        count: how many are tried.
        least: pixels of the smallest.
        most: pixels of the largest.
    """
    for _ in range(count):
        size = math.exp(rng.uniform(math.log(least), math.log(most)))
        for _ in range(_TRIES):
            x, y = rng.uniform(0, canvas.width), rng.uniform(0, canvas.height)
            box = quad((x - size / 2, y - size / 2, x + size / 2, y + size / 2))
            if canvas.free(box):
                draw_shape(canvas, (x, y), size, any_colour(rng), rng)
                canvas.take(box)
                break


def draw_shape(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    """Draws one shape of about `size` pixels."""
    kind = rng.choice((_stripes, _grid, _arrow, _leaves, _rings, _star, _star, _bars, _blob))
    kind(canvas, centre, size, colour, rng)


def _fill(canvas: Canvas, points: Points, colour: Colour) -> None:
    fixed = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas.pixels, [fixed], colour, cv2.LINE_AA, _SHIFT)


def _turned(points: Points, centre: tuple[float, float], angle: float) -> Points:
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([(cosine, sine), (-sine, cosine)], np.float32)
    return np.asarray(points @ turn + np.array(centre, np.float32), np.float32)


def _stripes(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    count, angle = rng.randint(3, 12), rng.choice((0, math.pi / 2, rng.uniform(0, math.pi)))
    pitch = size / count
    for number in range(count):
        x = number * pitch - size / 2
        bar = quad((x, -size / 3, x + pitch * rng.uniform(0.4, 0.6), size / 3))
        _fill(canvas, _turned(bar, centre, angle), colour)


def _bars(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    """Draws a barcode."""
    x, light = -size / 2, rng.random() < 0.8
    angle = rng.choice((0.0, 0.0, math.pi / 2))
    if light:
        plate = quad((-0.55 * size, -0.3 * size, 0.55 * size, 0.3 * size))
        _fill(canvas, _turned(plate, centre, angle), (250, 250, 250))
        colour = (20, 20, 20)
    module = max(size / 95, 1.0)
    while x < size / 2:
        wide = module * rng.choice((1, 1, 2, 3))
        _fill(canvas, _turned(quad((x, -size / 4, x + wide, size / 4)), centre, angle), colour)
        x += wide + module * rng.choice((1, 1, 2, 3))


def _grid(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    """Draws windows of a house, or a keypad."""
    rows, columns, angle = rng.randint(2, 6), rng.randint(2, 6), rng.gauss(0, 0.06)
    second = any_colour(rng) if rng.random() < 0.3 else colour
    for row in range(rows):
        for column in range(columns):
            x, y = (column / columns - 0.5) * size, (row / rows - 0.5) * size
            pane = quad((x, y, x + 0.7 * size / columns, y + 0.75 * size / rows))
            chosen = colour if rng.random() < 0.7 else second
            _fill(canvas, _turned(pane, centre, angle), chosen)


def _arrow(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    shaft, head, barb = rng.uniform(0.06, 0.15), rng.uniform(0.1, 0.3), rng.uniform(0.2, 0.4)
    points = np.array(
        [
            (-0.5, -shaft),
            (head, -shaft),
            (head, -barb),
            (0.5, 0),
            (head, barb),
            (head, shaft),
            (-0.5, shaft),
        ],
        np.float32,
    )
    angle = rng.choice((0, 0.5, 1, 1.5)) * math.pi + rng.gauss(0, 0.1)
    _fill(canvas, _turned(points * np.float32(size), centre, angle), colour)


def _leaves(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    for _ in range(rng.randint(4, 18)):
        x, y = (place + rng.gauss(0, size / 5) for place in centre)
        axes = (round(size * rng.uniform(0.05, 0.2)), round(size * rng.uniform(0.02, 0.07)) + 1)
        shade = rng.uniform(0.6, 1.3)
        tone = tuple(min(round(part * shade), 255) for part in colour)
        turn = rng.uniform(0, 360)
        cv2.ellipse(canvas.pixels, (round(x), round(y)), axes, turn, 0, 360, tone, -1, cv2.LINE_AA)


def _rings(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    place = (round(centre[0]), round(centre[1]))
    for share in sorted((rng.uniform(0.15, 1) for _ in range(rng.randint(1, 4))), reverse=True):
        wide = -1 if rng.random() < 0.5 else max(1, round(size * rng.uniform(0.02, 0.1)))
        tone = colour if rng.random() < 0.5 else any_colour(rng)
        cv2.circle(canvas.pixels, place, max(1, round(share * size / 2)), tone, wide, cv2.LINE_AA)


def _star(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    """Draws a star, a cross or a polygon."""
    corners, inner = rng.randint(3, 8), rng.choice((1.0, 0.4, 0.55, 0.8))
    angles = np.arange(2 * corners) * math.pi / corners + rng.uniform(0, 2 * math.pi)
    radii = np.where(np.arange(2 * corners) % 2, inner, 1.0) * size / 2
    if inner == 1.0:
        angles, radii = angles[::2], radii[::2]
    points = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], 1)
    _fill(canvas, (points + np.array(centre)).astype(np.float32), colour)


def _blob(
    canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, rng: random.Random
) -> None:
    """Draws a stain or a splash."""
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    radii = np.ones(24)
    for waves in (2, 3, 5):
        radii += rng.uniform(0, 0.25) * np.sin(waves * angles + rng.uniform(0, 6.28))
    points = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], 1) * size / 3
    _fill(canvas, (points + np.array(centre)).astype(np.float32), colour)

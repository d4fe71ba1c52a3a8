"""Texts on photos and surfaces, on panels, and very large."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.protocols import Points
from ocr_plugin.training.synthetic.pages import paint as painting
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.distractors import draw_shape, scatter
from ocr_plugin.training.synthetic.pages.lettering import Coverage, Lettering, block, quad, stacked
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.planes import Matrix, laid, moved, view

_PLACES = 12
_CALM = 3
"""Free places that are looked at; text stands on the calmest of them."""


def scene(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a photo or surface with texts of many sizes on it."""
    canvas = materials.backdrop(rng, passed_over)
    if rng.random() < 0.35:
        scatter(canvas, rng, rng.randint(1, 6), 30, 220)
    largest = rng.choice((30, 60, 120, 200))
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8))):
        height = math.exp(rng.uniform(math.log(9), math.log(largest)))
        put(canvas, text_of(materials, rng, height, canvas.width), rng, height)
    return canvas


def sign(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a photo with panels on it: shop signs, road signs, posters, plates."""
    canvas = materials.backdrop(rng, passed_over)
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        height = math.exp(rng.uniform(math.log(12), math.log(130)))
        panel(canvas, text_of(materials, rng, height, 0.9 * canvas.width), rng, height)
    if rng.random() < 0.4:
        height = math.exp(rng.uniform(math.log(9), math.log(40)))
        put(canvas, text_of(materials, rng, height, canvas.width), rng, height)
    return canvas


def lettering(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a picture half filled with one to three words."""
    canvas = materials.backdrop(rng, passed_over, zoom=3, clear=True)
    height = rng.uniform(120, 420)
    style = replace(
        materials.style(rng, height),
        spacing=rng.choice((0, 0, 0, 0.1, 0.3, 0.6, 1.0)),
        leading=rng.uniform(0.9, 1.3),
        gap=rng.uniform(0.25, 0.45),
    )
    words, style = materials.lines(rng, [1] * rng.choice((1, 1, 1, 2, 2, 3)), style)
    if rng.random() < 0.4:
        words = [[word[: rng.randint(1, 5)] for word in line] for line in words]
    # Set small first: only then is it known how large it may be.
    tried = block(words, replace(style, size=40, stroke=0), 0.5, rng)
    room = min(canvas.width / tried.width, canvas.height / tried.height)
    size = min(style.size, round(40 * room * rng.uniform(0.75, 1.05)))
    stroke = round(size / rng.uniform(15, 40)) if rng.random() < 0.2 else 0
    text = block(words, replace(style, size=size, stroke=stroke), rng.choice((0, 0.5)), rng)
    centre = (
        canvas.width / 2 + rng.gauss(0, 0.06) * canvas.width,
        canvas.height / 2 + rng.gauss(0, 0.06) * canvas.height,
    )
    matrix = view(text.width, text.height, centre, rng, turn=5, tilt=0.35)
    neon = rng.random() < 0.2
    if neon:  # light stands out at night only
        canvas.pixels[...] = canvas.pixels // rng.randint(2, 4)
    _write(canvas, text, matrix, rng, size * 0.7, neon)
    if rng.random() < 0.4:
        small = rng.uniform(12, 40)
        put(canvas, text_of(materials, rng, small, canvas.width), rng, small)
    return canvas


def put(canvas: Canvas, text: Lettering, rng: random.Random, height: float) -> bool:
    """Writes text where there is room, on the calmest of some places; returns whether it did."""
    best: tuple[float, Matrix, Points] | None = None
    found = 0
    for _ in range(_PLACES):
        matrix, outline = _somewhere(canvas, text, rng)
        if not canvas.free(outline):
            continue
        found += 1
        _, rough = painting.ground(canvas, _box(outline))
        if best is None or rough < best[0]:
            best = rough, matrix, outline
        if found == _CALM:
            break
    if best is None:
        return False
    _write(canvas, text, best[1], rng, height, neon=False)
    return True


def panel(canvas: Canvas, text: Lettering, rng: random.Random, height: float) -> bool:
    """Puts up a panel with text where there is room; returns whether it did."""
    margin = round(height * rng.uniform(0.25, 1.2)) + 2
    framed = Lettering(
        np.pad(text.coverage, margin),
        tuple((word, outline + np.float32(margin)) for word, outline in text.words),
    )
    for _ in range(_PLACES):
        matrix, outline = _somewhere(canvas, framed, rng)
        if canvas.free(outline):
            break
    else:
        return False
    _board(canvas, framed, matrix, margin, rng)
    _write(canvas, framed, matrix, rng, height, neon=False)
    return True


def text_of(
    materials: Materials,
    rng: random.Random,
    height: float,
    room: float,
    counts: Sequence[int] = (),
) -> Lettering:
    """Returns a block of words that is not wider than there is room.

    Args:
        materials: fonts and phrases.
        rng: source of randomness.
        height: of its capitals, in pixels, unless that takes too much room.
        room: pixels.
        counts: words of each line; none for any.
    """
    if not counts:
        lines = rng.choice((1, 1, 1, 2, 2, 3, 4) if height > 60 else (1, 1, 2, 3, 4, 6))
        counts = [rng.choice((1, 1, 2, 2, 3, 4, 5)) for _ in range(lines)]
    words, style = materials.lines(rng, counts, materials.style(rng, height))
    if style.stacks and rng.random() < 0.35:
        return stacked(max((word for line in words for word in line), key=len), style)
    align = rng.choice((0, 0.5, 0.5, 1 if rng.random() < 0.2 else 0))
    while True:
        text = block(words, style, align, rng)
        if text.width <= 0.95 * room or style.size < 9:
            return text
        longest = max(words, key=len)
        if len(longest) > 1:
            words = [line[: len(longest) - 1] for line in words]
        else:
            style = replace(style, size=round(0.8 * style.size), stroke=0)


def _somewhere(canvas: Canvas, text: Lettering, rng: random.Random) -> tuple[Matrix, Points]:
    """Returns a view of a patch at a random place, and its outline there."""
    x, y = (
        rng.uniform(min(0.45 * side, length / 2), max(length - 0.45 * side, length / 2))
        for side, length in ((text.width, canvas.width), (text.height, canvas.height))
    )
    turn = 90.0 if rng.random() < 0.02 else rng.choice((2.0, 5.0, 10.0))
    matrix = view(text.width, text.height, (x, y), rng, turn)
    return matrix, moved(quad((0, 0, text.width, text.height)), matrix)


def _box(outline: Points) -> tuple[int, int, int, int]:
    low, high = outline.min(axis=0).astype(int), outline.max(axis=0).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _write(
    canvas: Canvas, text: Lettering, matrix: Matrix, rng: random.Random, height: float, neon: bool
) -> None:
    outline = moved(quad((0, 0, text.width, text.height)), matrix)
    coverage, left, top = laid(text.coverage, matrix, (canvas.height, canvas.width))
    paint = painting.paint_for(canvas, _box(outline), height, rng)
    if neon:
        paint = neon_paint(height, rng)
    painting.apply(canvas, coverage, left, top, paint)
    canvas.take(outline)
    for word, polygon in text.words:
        canvas.label(moved(polygon, matrix), word)


def neon_paint(height: float, rng: random.Random) -> painting.Paint:
    """Returns paint that shines, for a dark ground."""
    colour = painting.colour_of(rng.uniform(0.55, 0.85), rng.uniform(0.4, 1), rng)
    return painting.Paint(
        painting.colour_of(rng.uniform(0.85, 1), 0.1, rng) if rng.random() < 0.5 else colour,
        colour,
        rim=colour,
        rim_width=max(1, round(height * rng.uniform(0.02, 0.05))),
        glow=colour,
        hollow=rng.random() < 0.6,
        softness=1.0,
    )


def _board(
    canvas: Canvas, framed: Lettering, matrix: Matrix, margin: int, rng: random.Random
) -> None:
    """Paints the panel itself: its colour, a border and perhaps a logo beside the text."""
    height, width = framed.coverage.shape
    base = painting.any_colour(rng)
    shape = np.zeros((height, width), np.uint8)
    radius = min(margin, height // 2) if rng.random() < 0.5 else 0
    _rounded(shape, 0, radius)
    full, left, top = laid(shape, matrix, (canvas.height, canvas.width))
    if rng.random() < 0.4:
        fallen = cv2.GaussianBlur(full, (0, 0), 3).astype(np.uint8)
        canvas.blend(fallen, left + 3, top + 4, (0, 0, 0), 0.5)
    foot = painting.colour_of(painting.luma_of(base), 0.3, rng) if rng.random() < 0.3 else base
    painting.apply(canvas, full, left, top, painting.Paint(base, foot, rng.uniform(0.9, 1)))
    if rng.random() < 0.5:
        rim = _border(height, width, margin, radius, rng)
        laid_rim, left, top = laid(rim, matrix, (canvas.height, canvas.width))
        colour = painting.contrasting(painting.luma_of(base), 0.02, rng)
        canvas.blend(laid_rim, left, top, colour)
    if rng.random() < 0.25:
        corner = moved(np.array([(margin / 2, margin / 2)], np.float32), matrix)[0]
        colour = painting.any_colour(rng)
        draw_shape(canvas, (float(corner[0]), float(corner[1])), 0.7 * margin, colour, rng)


def _border(height: int, width: int, margin: int, radius: int, rng: random.Random) -> Coverage:
    """Returns a frame inside the panel's edge, which may run close to the text."""
    inset = round(margin * rng.uniform(0, 0.5))
    thick = max(1, round(margin * rng.uniform(0.05, 0.35)))
    outer, inner = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    _rounded(outer, inset, radius)
    _rounded(inner, inset + thick, max(radius - thick, 0))
    return outer - inner


def _rounded(shape: Coverage, inset: int, radius: int) -> None:
    """Fills a rectangle with rounded corners."""
    height, width = shape.shape
    x0, y0, x1, y1 = inset, inset, width - inset - 1, height - inset - 1
    radius = max(min(radius, (x1 - x0) // 2, (y1 - y0) // 2), 0)
    if x1 <= x0 or y1 <= y0:
        return
    shape[y0 + radius : y1 - radius + 1, x0 : x1 + 1] = 255
    shape[y0 : y1 + 1, x0 + radius : x1 - radius + 1] = 255
    for x in (x0 + radius, x1 - radius):
        for y in (y0 + radius, y1 - radius):
            cv2.circle(shape, (x, y), radius, (255,), -1)

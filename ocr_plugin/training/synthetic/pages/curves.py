"""Words along arcs, waves and circles, and words in bent outlines."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.protocols import Points
from ocr_plugin.training.synthetic.pages import paint as painting
from ocr_plugin.training.synthetic.pages.baselines import SIDE_POINTS, Baseline, along
from ocr_plugin.training.synthetic.pages.canvas import Canvas, Colour
from ocr_plugin.training.synthetic.pages.distractors import draw_shape
from ocr_plugin.training.synthetic.pages.lettering import (
    Coverage,
    Lettering,
    TextStyle,
    block,
    length_of,
)
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.scenes import neon_paint, put, text_of

_STEPS = 256


def curve(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a picture with bent words, and perhaps straight ones around them."""
    canvas = materials.backdrop(rng, passed_over)
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        kind = rng.choice((_arc, _arc, _arc, _wave, _badge, _bent, _bent))
        kind(canvas, materials, rng)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        height = math.exp(rng.uniform(math.log(10), math.log(50)))
        put(canvas, text_of(materials, rng, height, canvas.width), rng, height)
    return canvas


def _style(materials: Materials, rng: random.Random, height: float) -> TextStyle:
    style = materials.style(rng, height)
    return replace(style, spacing=rng.choice((0, 0, 0.04, 0.1, 0.2)), gap=rng.uniform(0.3, 0.6))


def _height(rng: random.Random, most: float = 150) -> float:
    return math.exp(rng.uniform(math.log(14), math.log(most)))


def _arc(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    """Writes along an arc, bulging up or down, from nearly straight to a half circle."""
    height = _height(rng)
    (words,), style = materials.lines(
        rng, [rng.choice((1, 1, 2, 2, 3, 4))], _style(materials, rng, height)
    )
    bow = math.radians(rng.choice((rng.uniform(15, 70), rng.uniform(60, 200))))
    up = rng.random() < 0.65
    length = length_of(words, style)
    # Below a downward bow letters lean together: it must not be tighter than they are high.
    bow = min(bow, length / (1.1 * style.cap_height) if not up else bow)
    room = 0.9 * min(canvas.width, 1.4 * canvas.height)
    if length > 1.2 * room:
        share = 1.2 * room / length
        style = replace(style, size=max(round(style.size * share), 9), stroke=0)
        length = length_of(words, style)
    radius = length * 1.04 / bow
    middle = -math.pi / 2 if up else math.pi / 2
    tilt = rng.gauss(0, 0.15)
    angles = np.linspace(-bow / 2, bow / 2, _STEPS) * (1 if up else -1) + middle + tilt
    arc = np.stack([np.cos(angles), np.sin(angles)], 1) * radius
    _write(canvas, words, style, arc, length, rng)


def _wave(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    """Writes along a wave."""
    height = _height(rng, 90)
    (words,), style = materials.lines(
        rng, [rng.choice((1, 2, 3, 4))], _style(materials, rng, height)
    )
    length = length_of(words, style)
    x = np.linspace(0, length, _STEPS)
    waves = rng.uniform(0.5, 1.6)
    # Letters in a wave's trough must not overlap.
    most = 0.4 * length**2 / ((2 * math.pi * waves) ** 2 * style.cap_height)
    swing = min(rng.uniform(0.3, 1.5) * style.cap_height, most)
    y = swing * np.sin(2 * math.pi * (waves * x / length + rng.random()))
    tilt = rng.gauss(0, 0.12)
    turn = np.array([(math.cos(tilt), -math.sin(tilt)), (math.sin(tilt), math.cos(tilt))])
    _write(canvas, words, style, np.stack([x, y], 1) @ turn.T, length, rng)


def _write(
    canvas: Canvas,
    words: Sequence[str],
    style: TextStyle,
    points: NDArray[np.float64],
    length: float,
    rng: random.Random,
) -> None:
    """Writes words on a path that is first moved to where there is room, if there is."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = high - low
    for _ in range(12):
        centre = np.array(
            [
                rng.uniform(min(0.4 * side, full / 2), max(full - 0.4 * side, full / 2))
                for side, full in zip(reach, (canvas.width, canvas.height), strict=True)
            ]
        )
        path = Baseline.through(points + centre - (low + high) / 2)
        start = max((path.length - length) / 2, 0.0)
        coverage, found = along(words, style, path, start, (canvas.height, canvas.width))
        if all(canvas.free(outline) for _, outline in found):
            _paint(canvas, coverage, found, style.cap_height, rng)
            return


def _paint(
    canvas: Canvas,
    coverage: Coverage,
    found: Sequence[tuple[str, Points]],
    height: float,
    rng: random.Random,
    ground: Colour | None = None,
) -> None:
    points = np.concatenate([outline for _, outline in found])
    x0, y0 = np.maximum(points.min(axis=0).astype(int) - 4, 0)
    x1, y1 = np.maximum(points.max(axis=0).astype(int) + 5, 1)
    piece = np.ascontiguousarray(coverage[y0:y1, x0:x1])
    paint = painting.paint_for(canvas, (int(x0), int(y0), int(x1), int(y1)), height, rng)
    if ground is not None:
        colour = painting.contrasting(painting.luma_of(ground), 0.02, rng)
        paint = replace(paint, colour=colour, foot=colour, rim=None)
    elif (
        rng.random() < 0.06
        and painting.ground(canvas, (int(x0), int(y0), int(x1), int(y1)))[0] < 0.3
    ):
        paint = neon_paint(height, rng)
    painting.apply(canvas, piece, int(x0), int(y0), paint)
    for text, outline in found:
        canvas.take(outline)
        canvas.label(outline, text)


def _badge(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    """Draws a round badge or seal: words around its rim, and something in its middle."""
    side = min(canvas.width, canvas.height)
    radius = rng.uniform(0.12, 0.45) * side
    box = np.zeros((0, 2), np.float32)
    for _ in range(12):
        x, y = (
            rng.uniform(0.8 * radius, full - 0.8 * radius) for full in (canvas.width, canvas.height)
        )
        angles = np.linspace(0, 2 * math.pi, 16, endpoint=False)
        box = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)
        if canvas.free(box.astype(np.float32)):
            break
    else:
        return
    base = painting.any_colour(rng)
    ink = painting.contrasting(painting.luma_of(base), 0.02, rng)
    height = radius * rng.uniform(0.14, 0.26)
    centre = (round(x), round(y))
    cv2.circle(canvas.pixels, centre, round(radius), base, -1, cv2.LINE_AA)
    thick = max(1, round(radius * 0.03))
    cv2.circle(canvas.pixels, centre, round(radius * 0.97), ink, thick, cv2.LINE_AA)
    if rng.random() < 0.6:
        inner = round(radius - 2.1 * height)
        cv2.circle(canvas.pixels, centre, max(inner, 1), ink, thick, cv2.LINE_AA)
    style = _style(materials, rng, height)
    for top in (True, False) if rng.random() < 0.7 else (True,):
        _rim(canvas, materials, (x, y), radius, style, top, base, rng)
    _middle(canvas, materials, (x, y), radius, style, base, rng)
    canvas.take(box.astype(np.float32))


def _rim(
    canvas: Canvas,
    materials: Materials,
    centre: tuple[float, float],
    radius: float,
    style: TextStyle,
    top: bool,
    base: Colour,
    rng: random.Random,
) -> None:
    """Writes around one half of a badge."""
    (words,), style = materials.lines(rng, [rng.choice((1, 2, 2, 3))], style)
    edge = 0.35 * style.cap_height
    # The baseline is the inner circle above and the outer one below.
    reach = radius - edge - (style.cap_height if top else 0)
    most = reach * math.pi * (0.95 if top else 0.85)
    while words and length_of(words, style) > most:
        words = words[:-1] if len(words) > 1 else [words[0][:-1]] if len(words[0]) > 2 else []
    if not words:
        return
    length = length_of(words, style)
    half = length / reach / 2
    middle = -math.pi / 2 if top else math.pi / 2
    angles = np.linspace(-half, half, _STEPS) * 1.02 * (1 if top else -1) + middle
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * reach + np.array(centre)
    path = Baseline.through(points)
    size = (canvas.height, canvas.width)
    coverage, found = along(words, style, path, (path.length - length) / 2, size)
    _paint(canvas, coverage, found, style.cap_height, rng, base)


def _middle(
    canvas: Canvas,
    materials: Materials,
    centre: tuple[float, float],
    radius: float,
    style: TextStyle,
    base: Colour,
    rng: random.Random,
) -> None:
    """Puts a word or a shape into the middle of a badge."""
    colour = painting.contrasting(painting.luma_of(base), 0.02, rng)
    inner = 0.55 * radius
    if rng.random() < 0.5:
        draw_shape(canvas, centre, inner, colour, rng)
        return
    lines, style = materials.lines(rng, [1] * rng.choice((1, 1, 2)), style)
    text = block([[word[:7] for word in line] for line in lines], style, 0.5, rng)
    share = min(1.2 * inner / text.width, inner / text.height)
    style = replace(style, size=max(round(style.size * share), 8), stroke=0)
    text = block([[word[:7] for word in line] for line in lines], style, 0.5, rng)
    left, top = round(centre[0] - text.width / 2), round(centre[1] - text.height / 2)
    canvas.blend(text.coverage, left, top, colour)
    for word, outline in text.words:
        canvas.label(outline + np.array([left, top], np.float32), word)


def _bent(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    """Writes words whose letters stay upright while their line is bent, as on shirts."""
    height = _height(rng)
    counts = [rng.choice((1, 1, 2, 3)) for _ in range(rng.choice((1, 1, 2)))]
    text = text_of(materials, rng, height, 0.9 * canvas.width, counts)
    bent = _bend(text, rng)
    put(canvas, bent, rng, height)


def _bend(text: Lettering, rng: random.Random) -> Lettering:
    """Returns a block of text bent into an arch, a wave or a bulge."""
    width, height = text.width, text.height
    x = np.linspace(-1, 1, width)
    sag = rng.uniform(0.15, 0.45) * min(width / 2, 2.5 * height) * rng.choice((-1, 1))
    if rng.random() < 0.7:
        down = sag * x**2
    else:
        down = 0.5 * sag * np.sin(math.pi * x * rng.uniform(0.8, 1.5) + rng.uniform(0, 6))
    swell = 1 + rng.choice((0, 0, rng.uniform(-0.4, 0.6))) * x**2
    down, stretched = down - down.min(), height * swell
    offset = (stretched.max() - stretched) * rng.choice((0, 0.5, 1)) + down
    rows = int(np.ceil((offset + stretched).max())) + 1
    grid = (np.arange(rows)[:, None] + 0.5 - offset[None]) / swell[None] - 0.5
    across = np.broadcast_to(np.arange(width, dtype=np.float32), grid.shape)
    coverage = cv2.remap(
        text.coverage, np.ascontiguousarray(across), grid.astype(np.float32), cv2.INTER_LINEAR
    )
    words = []
    for word, box in text.words:
        places = np.linspace(box[0, 0], box[1, 0], SIDE_POINTS)
        columns = np.arange(width) + 0.5
        moved, grown = (np.interp(places, columns, values) for values in (offset, swell))
        sides = [np.stack([places, moved + y * grown], 1) for y in (box[0, 1], box[2, 1])]
        outline = np.concatenate([sides[0], sides[1][::-1]]).astype(np.float32)
        words.append((word, outline))
    return Lettering(np.asarray(coverage, np.uint8), tuple(words))

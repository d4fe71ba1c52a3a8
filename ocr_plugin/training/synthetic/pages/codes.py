"""Single letters and numbers: on plates, doors, clocks, price tags and cables."""

import math
import random
from dataclasses import replace

import numpy as np

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.training.synthetic.pages import paint as painting
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.lettering import Coverage, Lettering, block, quad
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.planes import laid, moved, view
from ocr_plugin.training.synthetic.pages.scenes import panel, put
from ocr_plugin.training.synthetic.pages.typefaces import spelled

_SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "-": "g",
}


def codes(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a picture with numbers and codes in some of the places where they stand."""
    canvas = materials.backdrop(rng, passed_over)
    kind = rng.choice((_plates, _plates, _bare, _clocks, _cables, _cables))
    for _ in range(rng.choice((1, 2, 3, 3, 5))):
        kind(canvas, materials, rng)
    if rng.random() < 0.5:
        _bare(canvas, materials, rng)
    return canvas


def _set(materials: Materials, rng: random.Random, height: float, room: float) -> Lettering:
    """Returns a number, a code, a letter or a price, not wider than there is room."""
    phrases = materials.phrases
    chance = rng.random()
    if chance < 0.3:
        words = [rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")]
    elif chance < 0.55:
        words = [str(rng.randint(1, 999))]
    elif chance < 0.65:
        words = [phrases.price(rng)]
    else:
        words = [phrases.code(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    style = replace(materials.style(rng, height), leading=rng.uniform(1.0, 1.4))
    words = [spelled(word, style.font) for word in words]
    lines = [words] if rng.random() < 0.6 else [[word] for word in words]
    text = block(lines, style, 0.5, rng)
    if text.width > room:
        small = replace(style, size=max(round(style.size * room / text.width), 9), stroke=0)
        text = block(lines, small, 0.5, rng)
    return text


def _plates(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    height = math.exp(rng.uniform(math.log(12), math.log(160)))
    panel(canvas, _set(materials, rng, height, 0.7 * canvas.width), rng, height)


def _bare(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    height = math.exp(rng.uniform(math.log(12), math.log(220)))
    put(canvas, _set(materials, rng, height, 0.8 * canvas.width), rng, height)


def _clocks(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    """Puts up a display of seven-segment digits."""
    height = math.exp(rng.uniform(math.log(18), math.log(160)))
    text = rng.choice(
        (
            f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
            f"{rng.randint(0, 999) / 10}",
            str(rng.randint(0, 99999)),
            f"-{rng.randint(0, 30)}",
        )
    )
    panel(canvas, segmented(text, round(height), rng), rng, height)


def segmented(text: str, height: int, rng: random.Random) -> Lettering:
    """Returns digits as displays of seven segments show them."""
    width, thick = (
        round(height * rng.uniform(0.45, 0.6)),
        max(2, round(height * rng.uniform(0.08, 0.16))),
    )
    pitch = width + max(2, round(thick * rng.uniform(0.8, 2)))
    dot = 2 * thick
    total = sum(dot if character in ".:" else pitch for character in text)
    coverage = np.zeros((height, total), np.uint8)
    x = 0
    for character in text:
        if character in ".:":
            rows = (0.25, 0.65) if character == ":" else ((height - thick) / height,)
            for row in rows:
                y = round(row * height)
                coverage[y : y + thick, x : x + thick] = 255
            x += dot
            continue
        _digit(coverage[:, x : x + width], _SEGMENTS[character], thick)
        x += pitch
    margin = max(1, round(0.04 * height))
    columns = np.nonzero(coverage.any(axis=0))[0]
    box = (columns[0], 0, columns[-1] + 1 + 2 * margin, height + 2 * margin)
    return Lettering(np.pad(coverage, margin), ((text, quad(box)),))


def _digit(cell: Coverage, lit: str, thick: int) -> None:
    height, width = cell.shape
    half, gap = height // 2, max(1, thick // 6)
    bars = {
        "a": (0, thick, gap, width - gap),
        "g": (half - thick // 2, half - thick // 2 + thick, gap, width - gap),
        "d": (height - thick, height, gap, width - gap),
        "f": (gap, half - gap, 0, thick),
        "b": (gap, half - gap, width - thick, width),
        "e": (half + gap, height - gap, 0, thick),
        "c": (half + gap, height - gap, width - thick, width),
    }
    for name in lit:
        top, bottom, left, right = bars[name]
        cell[top:bottom, left:right] = 255


def _cables(canvas: Canvas, materials: Materials, rng: random.Random) -> None:
    """Lays a cable, a pipe or a tape across, with text along it."""
    height = math.exp(rng.uniform(math.log(10), math.log(36)))
    style = replace(materials.style(rng, height), stroke=0)
    words = []
    for _ in range(rng.randint(1, 6)):
        drawn = materials.phrases.code(rng) if rng.random() < 0.7 else materials.phrases.figure(rng)
        words.append(spelled(drawn, style.font))
    text = block([words], style, 0, rng)
    thick = round(text.height * rng.uniform(1.2, 2.6))
    length = max(text.width + 2 * thick, round(1.5 * canvas.width))
    left, top = rng.randint(thick, length - text.width - thick // 2), (thick - text.height) // 2
    band = np.zeros((thick, length), np.uint8)
    band[top : top + text.height, left : left + text.width] = text.coverage
    middle = (rng.uniform(0.1, 0.9) * canvas.width, rng.uniform(0.1, 0.9) * canvas.height)
    for _ in range(6):
        matrix = view(length, thick, middle, rng, turn=rng.choice((8, 30, 60)), tilt=0.2)
        outline = moved(quad((0, 0, length, thick)), matrix)
        if canvas.free(outline):
            break
    else:
        return
    page = (canvas.height, canvas.width)
    base = painting.any_colour(rng)
    body = np.full((thick, length), 255, np.uint8)
    canvas.blend(*laid(body, matrix, page), base)
    # Round things are darker towards their edges.
    profile = np.abs(np.linspace(-1, 1, thick)) ** 2 * rng.uniform(0, 220)
    shade = np.broadcast_to(profile[:, None], (thick, length)).astype(np.uint8)
    canvas.blend(*laid(np.ascontiguousarray(shade), matrix, page), (0, 0, 0))
    ink = painting.contrasting(painting.luma_of(base), 0.05, rng)
    canvas.blend(*laid(band, matrix, page), ink)
    canvas.take(outline)
    offset = np.array([left, top], np.float32)
    for word, polygon in text.words:
        canvas.label(moved(polygon + offset, matrix), word)

"""Windows of programs: menus, lists, buttons, fields; light and dark."""

import random
from dataclasses import replace

import cv2

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.training.synthetic.pages import paint as painting
from ocr_plugin.training.synthetic.pages.canvas import Canvas, Colour
from ocr_plugin.training.synthetic.pages.distractors import draw_shape
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.press import Press
from ocr_plugin.training.synthetic.pages.surfaces import surface

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def screen(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a screen with a window of some program."""
    height, width = rng.randint(520, 900), rng.randint(700, 1280)
    dark = rng.random() < 0.45
    luma = rng.uniform(0.05, 0.22) if dark else rng.uniform(0.88, 1.0)
    base = painting.colour_of(luma, rng.uniform(0, 0.15), rng)
    canvas = Canvas(surface(height, width, rng))
    style = replace(
        materials.style(rng, rng.uniform(7, 15)),
        spacing=0.0,
        stroke=0,
        leading=rng.uniform(1.2, 1.8),
    )
    ink = painting.colour_of(rng.uniform(0.75, 1) if dark else rng.uniform(0, 0.35), 0.1, rng)
    press = Press(canvas, style, ink, materials, rng)
    x0, y0 = (rng.choice((0, 0, round(rng.uniform(0, 0.1) * side))) for side in (width, height))
    x1, y1 = width - x0, height - y0
    _fill(canvas, (x0, y0, x1, y1), base)
    bar = round(style.size * rng.uniform(1.5, 2.6))
    accent = painting.any_colour(rng)
    _bar(press, (x0, y0, x1, y0 + bar), _shifted(base, rng), menu=rng.random() < 0.7)
    side = round(rng.uniform(8, 14) * style.size) if rng.random() < 0.7 else 0
    if side:
        _list(press, (x0, y0 + bar, x0 + side, y1), _shifted(base, rng))
    _content(press, (x0 + side, y0 + bar, x1, y1), base, accent)
    return canvas


def _fill(canvas: Canvas, box: Box, colour: Colour) -> None:
    x0, y0, x1, y1 = (max(side, 0) for side in box)
    canvas.pixels[y0:y1, x0:x1] = colour


def _shifted(colour: Colour, rng: random.Random) -> Colour:
    """Returns a shade that is a little lighter or darker."""
    by = rng.choice((-24, -14, -8, 8, 14, 24))
    red, green, blue = (min(max(part + by, 0), 255) for part in colour)
    return red, green, blue


def _inked(press: Press, ground: Colour) -> Press:
    """Returns a press whose ink can be told from another ground."""
    if abs(painting.luma_of(ground) - painting.luma_of(press.ink)) > 0.4:
        return press
    return replace(press, ink=painting.contrasting(painting.luma_of(ground), 0.15, press.rng))


def _bar(press: Press, box: Box, colour: Colour, menu: bool) -> None:
    """Draws a title bar or a menu along the top."""
    x0, y0, x1, y1 = box
    rng, style = press.rng, press.style
    _fill(press.canvas, box, colour)
    press = _inked(press, colour)
    baseline = (y0 + y1 + style.cap_height) / 2
    x = float(x0 + style.size)
    for _ in range(rng.randint(3, 9) if menu else 1):
        words = press.materials.phrases.phrase(rng, rng.choice((1, 1, 2)) if menu else 4)
        words = press.fitted(words, x1 - x - 5 * style.size)
        if words:
            x = press.write(words, x, baseline) + rng.uniform(1, 2.5) * style.size
    for number in range(rng.randint(0, 3)):
        centre = (x1 - (1 + 1.6 * number) * style.size, (y0 + y1) / 2)
        draw_shape(press.canvas, centre, 0.8 * style.size, press.ink, rng)


def _list(press: Press, box: Box, colour: Colour) -> None:
    """Draws entries of a list at the side, one of them chosen, with icons."""
    x0, y0, x1, y1 = box
    rng, style = press.rng, press.style
    _fill(press.canvas, box, colour)
    press = _inked(press, colour)
    icons, step = rng.random() < 0.6, press.pitch * rng.uniform(1, 1.8)
    y, chosen = y0 + step, rng.randint(0, 9)
    number = 0
    while y < y1 - 0.4 * step:
        line = press
        if number == chosen:
            accent = painting.any_colour(rng)
            middle = y - 0.5 * style.cap_height
            _fill(
                press.canvas, (x0, round(middle - step / 2), x1, round(middle + step / 2)), accent
            )
            line = _inked(press, accent)
        x = x0 + 0.8 * style.size
        if icons:
            centre = (x + 0.4 * style.size, y - 0.5 * style.cap_height)
            draw_shape(press.canvas, centre, 0.8 * style.size, painting.any_colour(rng), rng)
            x += 1.4 * style.size
        words = press.materials.phrases.phrase(rng, rng.choice((1, 1, 2, 3)))
        line.write(press.fitted(words, x1 - x - 4), x, y)
        y, number = y + step, number + 1


def _content(press: Press, box: Box, base: Colour, accent: Colour) -> None:
    """Fills the middle: headings, text, fields, buttons and rows."""
    x0, y0, x1, y1 = box
    rng, style = press.rng, press.style
    left, right = x0 + style.size, x1 - style.size
    y = float(y0 + 0.5 * style.size)
    while y < y1 - 2 * press.pitch:
        part = rng.choice((_heading, _text, _text, _fields, _buttons, _rows, _rows))
        y = part(press, (left, round(y), right, y1), base, accent) + 0.6 * press.pitch


def _heading(press: Press, box: Box, base: Colour, accent: Colour) -> float:
    style = replace(press.style, size=round(press.style.size * press.rng.uniform(1.2, 2.2)))
    y = box[1] + style.size
    if y < box[3] - style.size:
        words = press.materials.phrases.phrase(press.rng, press.rng.randint(1, 5))
        press.write(press.fitted(words, box[2] - box[0], style), box[0], y, style)
    return y + 0.3 * style.size


def _text(press: Press, box: Box, base: Colour, accent: Colour) -> float:
    y = float(box[1] + press.style.size)
    for _ in range(press.rng.randint(1, 7)):
        if y > box[3] - 0.4 * press.style.size:
            break
        words = press.materials.phrases.prose(press.rng, press.rng.randint(5, 16))
        press.write(press.fitted(words, box[2] - box[0]), box[0], y)
        y += press.pitch
    return y


def _fields(press: Press, box: Box, base: Colour, accent: Colour) -> float:
    rng, style = press.rng, press.style
    y, tall = float(box[1]), round(1.8 * style.size)
    field = _shifted(base, rng)
    for _ in range(rng.randint(1, 4)):
        if y + tall > box[3]:
            break
        baseline = y + (tall + style.cap_height) / 2
        words = press.fitted(press.materials.phrases.label(rng), 0.3 * (box[2] - box[0]))
        press.write(words, box[0], baseline)
        start = box[0] + round(0.34 * (box[2] - box[0]))
        end = min(box[2], start + round(rng.uniform(8, 26) * style.size))
        _fill(press.canvas, (start, round(y), end, round(y) + tall), field)
        corners = (start, round(y)), (end, round(y) + tall)
        cv2.rectangle(press.canvas.pixels, *corners, _shifted(field, rng), 1)
        words = press.fitted(press.materials.phrases.value(rng), end - start - style.size)
        _inked(press, field).write(words, start + 0.5 * style.size, baseline)
        y += 1.3 * tall
    return y


def _buttons(press: Press, box: Box, base: Colour, accent: Colour) -> float:
    rng, style = press.rng, press.style
    x, tall = float(box[0]), round(rng.uniform(1.5, 2.4) * style.size)
    if box[1] + tall > box[3]:
        return box[1] + tall
    for number in range(rng.randint(1, 5)):
        words = press.spelled(press.materials.phrases.phrase(rng, rng.choice((1, 1, 2))))
        pad = rng.uniform(0.5, 1.5) * style.size
        wide = press.width(words) + 2 * pad
        if x + wide > box[2]:
            break
        colour = accent if not number else _shifted(base, rng)
        _fill(press.canvas, (round(x), box[1], round(x + wide), box[1] + tall), colour)
        baseline = box[1] + (tall + style.cap_height) / 2
        _inked(press, colour).write(words, x + pad, baseline)
        x += wide + style.size
    return box[1] + tall


def _rows(press: Press, box: Box, base: Colour, accent: Colour) -> float:
    rng, style = press.rng, press.style
    columns = rng.randint(2, 6)
    width, step = (box[2] - box[0]) / columns, press.pitch * rng.uniform(1, 1.6)
    y, line = box[1] + step, _shifted(base, rng)
    for _ in range(rng.randint(3, 12)):
        if y > box[3] - 0.4 * step:
            break
        for column in range(columns):
            words = press.fitted(press.materials.phrases.value(rng), 0.9 * width)
            press.write(words, box[0] + column * width, y)
        below = round(y + 0.35 * style.size)
        cv2.line(press.canvas.pixels, (box[0], below), (box[2], below), line, 1)
        y += step
    return y

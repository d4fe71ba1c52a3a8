"""Printed pages: paragraphs, forms, tables, receipts and tickets."""

import random
from dataclasses import replace

import cv2
import numpy as np

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.training.synthetic.pages import paint as painting
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.distractors import draw_shape
from ocr_plugin.training.synthetic.pages.lettering import TextStyle
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.press import Press, fresh_press, on_a_table
from ocr_plugin.training.synthetic.pages.typefaces import spelled

_TOUCHING = 0.15


def document(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a page of paragraphs with headings, in one or two columns."""
    height = rng.uniform(7, 20)
    size = (rng.randint(640, 1200), rng.randint(600, 1000))
    press = fresh_press(materials, rng, size, height)
    columns = rng.choice((1, 1, 2)) if height < 13 else 1
    margin = rng.uniform(0.02, 0.12) * size[1]
    gutter = rng.uniform(1.2, 3) * press.style.size
    width = (size[1] - 2 * margin - (columns - 1) * gutter) / columns
    justified = rng.random() < 0.5
    top = rng.uniform(-0.5, 3) * press.pitch
    if rng.random() < 0.6:
        top = _heading(press, margin, top + press.pitch, size[1] - 2 * margin)
    for column in range(columns):
        _column(press, margin + column * (width + gutter), top, width, justified)
    return press.canvas if rng.random() < 0.85 else on_a_table(press.canvas, rng)


def _heading(press: Press, x: float, y: float, width: float) -> float:
    """Writes a heading; returns how far down it reaches."""
    rng = press.rng
    style = replace(
        press.style,
        size=round(press.style.size * rng.uniform(1.3, 2.8)),
        font=press.materials.typefaces.latin(rng),
    )
    words = press.materials.phrases.phrase(rng, rng.randint(1, 6))
    words = [spelled(word, style.font) for word in words]
    words = press.fitted(words, width, style)
    y += style.size
    if rng.random() < 0.4:
        press.centred(words, x + width / 2, y, style)
    else:
        press.write(words, x, y, style)
    if rng.random() < 0.3:
        line = y + rng.uniform(0.15, 0.6) * style.size
        press.rule(x, line, x + width, line, rng.choice((1, 1, 2, 3)))
    return y + 0.6 * press.style.size


def _column(press: Press, x: float, top: float, width: float, justified: bool) -> None:
    """Fills a column with paragraphs, lists, headings and a picture."""
    rng, y = press.rng, top + press.pitch
    while y < press.canvas.height + press.pitch:
        chance = rng.random()
        if chance < 0.08:
            y = _heading(press, x, y, width) + press.pitch
        elif chance < 0.14:
            side = min(width, rng.uniform(4, 12) * press.pitch)
            for _ in range(rng.randint(1, 4)):
                centre = (x + rng.uniform(0.3, 0.7) * width, y + side / 2)
                draw_shape(press.canvas, centre, 0.6 * side, painting.any_colour(rng), rng)
            y += side + press.pitch
        else:
            y = _paragraph(press, x, y, width, justified) + press.pitch * rng.choice((0, 0.5, 1))


def _paragraph(press: Press, x: float, y: float, width: float, justified: bool) -> float:
    rng, style = press.rng, press.style
    words = press.spelled(press.materials.phrases.prose(rng, rng.randint(6, 90)))
    inset = 0.0
    if rng.random() < 0.15:  # an item of a list
        inset = 1.2 * style.size
        place = (round(x + 0.4 * style.size), round(y - 0.35 * style.cap_height))
        radius = max(1, round(0.13 * style.size))
        cv2.circle(press.canvas.pixels, place, radius, press.ink, -1, cv2.LINE_AA)
    underlined = rng.random() < 0.05
    while words and y < press.canvas.height + press.pitch:
        line, used = [words.pop(0)], 0.0
        used = press.width(line)
        while words and used + style.gap * style.size + press.width(words[:1]) <= width - inset:
            used += style.gap * style.size + press.width(words[:1])
            line.append(words.pop(0))
        spare = (width - inset - used) / max(len(line) - 1, 1)
        filled = justified and words and 0 < spare < 1.5 * style.size
        gap = style.gap + spare / style.size if filled else style.gap
        end = press.write(line, x + inset, y, replace(style, gap=gap))
        if underlined:
            press.rule(x + inset, y + 0.12 * style.size, end, y + 0.12 * style.size)
        y += press.pitch
    return y


def form(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a form: labels with what is filled in, rules, boxes, ticks and notes."""
    size = (rng.randint(600, 1100), rng.randint(600, 1000))
    press = fresh_press(materials, rng, size, rng.uniform(7, 15))
    filled = replace(
        press.style,
        font=materials.typefaces.latin(rng),
        size=round(press.style.size * rng.uniform(0.9, 1.4)),
    )
    margin = rng.uniform(0.03, 0.1) * size[1]
    y = _heading(press, margin, 0.0, size[1] - 2 * margin) + press.pitch
    columns = rng.choice((1, 2, 2, 3))
    width = (size[1] - 2 * margin) / columns
    boxed, step = rng.random() < 0.5, press.pitch * rng.uniform(1.2, 2.2)
    while y < size[0]:
        if rng.random() < 0.08:
            y = _paragraph(press, margin, y, size[1] - 2 * margin, False) + 0.5 * press.pitch
        for column in range(columns):
            _field(press, margin + column * width, y, width, step, boxed, filled)
        y += step
    return press.canvas if rng.random() < 0.85 else on_a_table(press.canvas, rng)


def _field(
    press: Press, x: float, y: float, width: float, step: float, boxed: bool, filled: TextStyle
) -> None:
    """Writes one label and its value at a baseline."""
    rng, style = press.rng, press.style
    inner = 0.3 * style.size if rng.random() < 1 - _TOUCHING else 0.0
    if boxed:
        top = y - step + 0.3 * style.size
        cv2.rectangle(
            press.canvas.pixels,
            (round(x), round(top)),
            (round(x + width), round(top + step)),
            press.ink,
            1,
        )
    if rng.random() < 0.12:
        side = round(0.8 * style.cap_height)
        corner = (round(x + inner), round(y - side))
        cv2.rectangle(
            press.canvas.pixels, corner, (corner[0] + side, corner[1] + side), press.ink, 1
        )
        inner += side + 0.4 * style.size
    words = press.fitted(press.materials.phrases.label(rng), 0.6 * width)
    end = press.write(words, x + inner, y) if words else x + inner
    start = end + rng.uniform(0.4, 1.5) * style.size
    if not boxed and rng.random() < 0.7:
        line = y + rng.uniform(0.02, 0.25) * style.size
        press.rule(start, line, x + 0.95 * width, line)
    if rng.random() < 0.75:
        words = [spelled(word, filled.font) for word in press.materials.phrases.value(rng)]
        while words and press.width(words, filled) > x + 0.97 * width - start:
            words = words[:-1]
        press.write(words, start, y, filled)


def table(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns tables, ruled, striped or bare."""
    size = (rng.randint(560, 1000), rng.randint(640, 1100))
    press = fresh_press(materials, rng, size, rng.uniform(7, 16))
    margin = rng.uniform(0.02, 0.08) * size[1]
    y = 0.5 * press.pitch
    while y < size[0] - 2 * press.pitch:
        if rng.random() < 0.6:
            y = _heading(press, margin, y, size[1] - 2 * margin)
        y = _rows(press, margin, y, size[1] - 2 * margin, rng.randint(3, 25)) + 2 * press.pitch
    return press.canvas


def _rows(press: Press, x: float, top: float, width: float, count: int) -> float:
    """Sets a table; returns where it ends."""
    rng, phrases = press.rng, press.materials.phrases
    step = press.pitch * rng.uniform(1.0, 2.0)
    shares = [rng.uniform(0.5, 2) for _ in range(rng.randint(2, 7))]
    edges = [x + width * sum(shares[:n]) / sum(shares) for n in range(len(shares) + 1)]
    figures = [rng.random() < 0.5 for _ in shares]
    ruled, striped, lined = rng.random() < 0.5, rng.random() < 0.25, rng.random() < 0.4
    pad = rng.uniform(0.15, 0.5) * press.style.size
    count = min(count, int((press.canvas.height - top) / step) + 1)
    for row in range(count):
        y = top + row * step
        if striped and row % 2:
            _tint(press.canvas, x, y, x + width, y + step)
        if ruled or lined or row < 2:
            press.rule(x, y, x + width, y)
        baseline = y + 0.5 * step + 0.5 * press.style.cap_height
        for left, right, numeric in zip(edges, edges[1:], figures, strict=False):
            if row and rng.random() < 0.1:
                continue
            words = [phrases.figure(rng)] if numeric and row else phrases.value(rng)
            words = press.fitted(words, right - left - 2 * pad)
            if numeric:
                press.right(words, right - pad, baseline)
            else:
                press.write(words, left + pad, baseline)
    bottom = top + count * step
    if ruled:
        for edge in edges:
            press.rule(edge, top, edge, bottom)
        press.rule(x, bottom, x + width, bottom)
    return bottom


def _tint(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> None:
    area = canvas.pixels[max(round(y0), 0) : round(y1), max(round(x0), 0) : round(x1)]
    area[...] = (area.astype(np.uint16) * 9 // 10).astype(np.uint8)


def receipt(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a receipt: a heading, items with prices on the right, a total."""
    height = rng.uniform(7, 16)
    size = (rng.randint(700, 1250), round(height * rng.uniform(38, 60)))
    press = fresh_press(materials, rng, size, height, monospaced=rng.random() < 0.7)
    middle, margin = size[1] / 2, rng.uniform(0.03, 0.1) * size[1]
    room = size[1] - 2 * margin
    y = press.pitch * rng.uniform(1, 3)
    for number in range(rng.randint(2, 6)):
        grown = rng.uniform(1.2, 2) if not number else 1.0
        style = replace(press.style, size=round(press.style.size * grown))
        words = press.fitted(press.materials.phrases.phrase(rng, rng.randint(1, 4)), room, style)
        press.centred(words, middle, y, style)
        y += press.pitch * grown
    while y < size[0] - press.pitch:
        y = _receipt_line(press, margin, y, room) + press.pitch
    return on_a_table(press.canvas, rng) if rng.random() < 0.5 else press.canvas


def _receipt_line(press: Press, x: float, y: float, room: float) -> float:
    rng, phrases = press.rng, press.materials.phrases
    chance = rng.random()
    if chance < 0.07:
        _dashes(press, x, y - 0.3 * press.style.size, x + room)
    elif chance < 0.14:
        draw = press.fitted(phrases.prose(rng, rng.randint(2, 5)), room)
        press.centred(draw, x + room / 2, y, press.style)
    elif chance < 0.2:
        words = press.fitted([*phrases.label(rng), phrases.figure(rng)], room)
        press.write(words, x, y)
    else:
        words = phrases.value(rng) if rng.random() < 0.7 else phrases.label(rng)
        if rng.random() < 0.25:
            words = [str(rng.randint(1, 20)), *words]
        press.write(press.fitted(words, 0.65 * room), x, y)
        if rng.random() < 0.85:
            press.right([phrases.price(rng)], x + room, y)
    return y


def _dashes(press: Press, x0: float, y: float, x1: float) -> None:
    """Draws a dashed or double rule."""
    if press.rng.random() < 0.4:
        press.rule(x0, y, x1, y)
        press.rule(x0, y + 3, x1, y + 3)
        return
    dash = press.style.size * press.rng.uniform(0.15, 0.5)
    while x0 < x1:
        press.rule(x0, y, x0 + 0.6 * dash, y)
        x0 += dash


def ticket(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a ticket, or a label of a parcel or of goods: few words of very different sizes."""
    size = (rng.randint(300, 620), rng.randint(520, 1000))
    press = fresh_press(materials, rng, size, rng.uniform(9, 18))
    margin = rng.uniform(0.03, 0.07) * size[1]
    if rng.random() < 0.6:
        cv2.rectangle(
            press.canvas.pixels,
            (round(margin / 2), round(margin / 2)),
            (round(size[1] - margin / 2), round(size[0] - margin / 2)),
            press.ink,
            rng.randint(1, 4),
        )
    y = margin
    while y < size[0] - 2 * press.pitch:
        y = _ticket_row(press, margin, y, size[1] - 2 * margin) + rng.uniform(0.3, 1) * press.pitch
    return on_a_table(press.canvas, rng) if rng.random() < 0.7 else press.canvas


def _ticket_row(press: Press, x: float, y: float, width: float) -> float:
    rng, phrases = press.rng, press.materials.phrases
    chance = rng.random()
    if chance < 0.12:
        side = rng.uniform(3, 6) * press.pitch
        draw_shape(
            press.canvas, (x + rng.uniform(0.3, 0.7) * width, y + side / 2), side, press.ink, rng
        )
        return y + side
    if chance < 0.4:
        style = replace(press.style, size=round(press.style.size * rng.uniform(1.5, 4)))
        drawn = (
            [phrases.code(rng)] if rng.random() < 0.4 else phrases.phrase(rng, rng.randint(1, 3))
        )
        words = press.fitted(drawn, width, style)
        press.write(words, x, y + style.size, style)
        return y + 1.15 * style.size
    # Small labels with their values below them, side by side.
    columns = rng.randint(1, 4)
    small = replace(press.style, size=max(round(0.75 * press.style.size), 9))
    for column in range(columns):
        left, room = x + column * width / columns, 0.92 * width / columns
        press.write(press.fitted(phrases.label(rng), room, small), left, y + small.size, small)
        words = press.fitted(phrases.value(rng), room)
        press.write(words, left, y + small.size + press.pitch)
    if rng.random() < 0.3:
        press.rule(
            x, y + small.size + 1.4 * press.pitch, x + width, y + small.size + 1.4 * press.pitch
        )
    return y + small.size + 1.3 * press.pitch

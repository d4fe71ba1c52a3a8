"""Pictures without text that readers of text like to see text in: drawn, or cut from photos."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.protocols import RGB

Colour = tuple[int, int, int]
_WIDTH, _HEIGHT = 720, 540
_LEAST_CUT = 160
_CUTS = 40
_QR = "https://example.org/{}"


def drawn(kind: str, number: int) -> RGB:
    """Returns picture `number` of a kind, (h, w, 3); the same at each call.

    Raises:
        KeyError: there is no such kind.
    """
    rng = random.Random(f"{kind} {number}")
    light = rng.random() < 0.7
    ground = _grey(rng, 200, 255) if light else _grey(rng, 10, 70)
    ink = _grey(rng, 0, 90) if light else _grey(rng, 170, 255)
    pixels = np.full((_HEIGHT, _WIDTH, 3), ground, np.uint8)
    KINDS[kind](pixels, ink, rng)
    return _photographed(pixels, ground, rng)


def cut(pages: Path, count: int) -> Iterator[RGB]:
    """Yields pieces of labelled photos in which no text is labelled, readable or not.

    Args:
        pages: folder of photos with labels.jsonl, in which text to ignore is labelled too.
        count: how many; each of another photo.
    """
    rng = random.Random(0)
    left = count
    photos = PageSet(pages)
    for index in range(len(photos)):
        if not left:
            return
        page = photos[index]
        pixels = page.pixels()
        outlines = [np.asarray(word.polygon, np.float32) for word in page.words]
        piece = _clear_piece(pixels, outlines, rng)
        if piece is not None:
            left -= 1
            yield piece


def _clear_piece(
    pixels: RGB, outlines: Sequence[NDArray[np.float32]], rng: random.Random
) -> RGB | None:
    """Returns the largest of some random pieces that no outline touches."""
    height, width = pixels.shape[:2]
    taken = np.zeros((height, width), np.uint8)
    for outline in outlines:
        cv2.fillPoly(taken, [np.rint(outline).astype(np.int32)], (1,))
    # Labels hug the letters: their neighbourhood is left out too.
    near = cv2.dilate(taken, np.ones((25, 25), np.uint8))
    best: tuple[int, RGB] | None = None
    for _ in range(_CUTS):
        wide, high = rng.randint(_LEAST_CUT, width), rng.randint(_LEAST_CUT, height)
        left, top = rng.randint(0, width - wide), rng.randint(0, height - high)
        box = np.s_[top : top + high, left : left + wide]
        if not near[box].any() and (best is None or wide * high > best[0]):
            best = wide * high, pixels[box]
    return best[1] if best else None


def _grey(rng: random.Random, least: int, most: int) -> Colour:
    middle = rng.randint(least, most)
    red, green, blue = (min(max(middle + rng.randint(-25, 25), 0), 255) for _ in range(3))
    return red, green, blue


def _photographed(pixels: RGB, ground: Colour, rng: random.Random) -> RGB:
    """Returns a picture seen at a slant, in uneven light, blurred, and saved as JPEG."""
    if rng.random() < 0.5:
        corners = np.array([(0, 0), (_WIDTH, 0), (_WIDTH, _HEIGHT), (0, _HEIGHT)], np.float32)
        moved = corners + np.array([(rng.uniform(-40, 40), rng.uniform(-40, 40)) for _ in range(4)])
        slant = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
        pixels = np.asarray(
            cv2.warpPerspective(pixels, slant, (_WIDTH, _HEIGHT), borderValue=ground), np.uint8
        )
    if rng.random() < 0.5:
        light = np.linspace(rng.uniform(0.7, 1), rng.uniform(0.7, 1), _WIDTH)[None, :, None]
        pixels = (pixels * light).astype(np.uint8)
    if rng.random() < 0.5:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.6)), np.uint8)
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(0, 6), pixels.shape)
    pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(50, 95)]
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1], quality)
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]).astype(np.uint8)


def _blank(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Leaves the sheet as it is."""


def _ruled(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    pitch, squared = rng.randint(14, 50), rng.random() < 0.4
    for y in range(pitch, _HEIGHT, pitch):
        cv2.line(pixels, (0, y), (_WIDTH, y), ink, rng.choice((1, 1, 2)))
    for x in range(pitch, _WIDTH, pitch) if squared else (80,):
        cv2.line(pixels, (x, 0), (x, _HEIGHT), ink, 1)


def _arrows(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 14)):
        start = np.array([rng.randint(30, _WIDTH - 30), rng.randint(30, _HEIGHT - 30)])
        angle, long = rng.choice((0, 90, 180, 270, rng.uniform(0, 360))), rng.randint(25, 220)
        way = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
        end = np.rint(start + long * way).astype(int)
        thick = rng.randint(1, max(2, long // 8))
        tip = rng.uniform(0.15, 0.5)
        cv2.arrowedLine(pixels, start.tolist(), end.tolist(), ink, thick, cv2.LINE_AA, 0, tip)


def _bullets(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    size, x = rng.randint(2, 12), rng.randint(30, 120)
    hollow, round_ones = rng.random() < 0.4, rng.random() < 0.6
    for y in range(40, _HEIGHT - 40, rng.randint(size * 3, size * 8 + 12)):
        if round_ones:
            cv2.circle(pixels, (x, y), size, ink, 1 if hollow else -1, cv2.LINE_AA)
        else:
            cv2.rectangle(pixels, (x - size, y - size), (x + size, y + size), ink, 2 - 3 * hollow)


def _shapes(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Draws emblems of rings, stars, crosses and crescents."""
    for _ in range(rng.randint(1, 6)):
        x, y, size = (
            rng.randint(80, _WIDTH - 80),
            rng.randint(80, _HEIGHT - 80),
            rng.randint(12, 80),
        )
        kind = rng.randrange(4)
        if kind == 0:
            cv2.circle(pixels, (x, y), size, ink, rng.choice((-1, 2, size // 4 + 1)), cv2.LINE_AA)
        elif kind == 1:
            corners = rng.randint(3, 8)
            turn = np.arange(2 * corners) * math.pi / corners
            far = np.where(np.arange(2 * corners) % 2, size * rng.uniform(0.3, 1), size)
            star = np.stack([x + far * np.cos(turn), y + far * np.sin(turn)], 1)
            cv2.fillPoly(pixels, [np.rint(star).astype(np.int32)], ink, cv2.LINE_AA)
        elif kind == 2:
            arm = max(size // 5, 1)
            cv2.rectangle(pixels, (x - size, y - arm), (x + size, y + arm), ink, -1)
            cv2.rectangle(pixels, (x - arm, y - size), (x + arm, y + size), ink, -1)
        else:
            red, green, blue = pixels[0, 0].tolist()
            cv2.circle(pixels, (x, y), size, ink, -1, cv2.LINE_AA)
            cv2.circle(
                pixels, (x + size // 3, y), size * 5 // 6, (red, green, blue), -1, cv2.LINE_AA
            )


def _windows(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    rows, columns = rng.randint(2, 9), rng.randint(3, 14)
    wide, high = _WIDTH / columns, _HEIGHT / rows
    frame, panes = rng.randint(1, 5), rng.choice((1, 2, 2, 3))
    glass = _grey(rng, 60, 200)
    for row in range(rows):
        for column in range(columns):
            left, top = round((column + 0.2) * wide), round((row + 0.15) * high)
            right, bottom = round((column + 0.8) * wide), round((row + 0.85) * high)
            cv2.rectangle(pixels, (left, top), (right, bottom), glass, -1)
            cv2.rectangle(pixels, (left, top), (right, bottom), ink, frame)
            for pane in range(1, panes):
                x = left + (right - left) * pane // panes
                cv2.line(pixels, (x, top), (x, bottom), ink, frame)
            middle = (top + bottom) // 2
            if rng.random() < 0.5:
                cv2.line(pixels, (left, middle), (right, middle), ink, frame)


def _bricks(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    high = rng.randint(10, 40)
    wide, joint = high * rng.randint(2, 4), rng.randint(1, 4)
    for row, y in enumerate(range(0, _HEIGHT, high)):
        for x in range(-wide // 2 * (row % 2), _WIDTH, wide):
            tone = tuple(min(max(each + rng.randint(-30, 30), 0), 255) for each in ink)
            cv2.rectangle(pixels, (x, y), (x + wide - joint, y + high - joint), tone, -1)


def _leaves(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    for _ in range(rng.randint(150, 900)):
        centre = rng.randrange(_WIDTH), rng.randrange(_HEIGHT)
        size = rng.randint(4, 26)
        tone = rng.randint(0, 80), rng.randint(50, 190), rng.randint(0, 70)
        axes = size, max(size // rng.randint(2, 5), 1)
        cv2.ellipse(pixels, centre, axes, rng.uniform(0, 360), 0, 360, tone, -1, cv2.LINE_AA)


def _qr(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    code = cv2.QRCodeEncoder.create().encode(_QR.format("x" * rng.randint(1, 60)))
    side = rng.randint(90, 420)
    code = cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST)
    x, y = rng.randint(10, _WIDTH - side - 10), rng.randint(10, _HEIGHT - side - 10)
    pixels[y : y + side, x : x + side] = code[..., None]


def _barcode(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    module, high = rng.randint(1, 4), rng.randint(40, 200)
    x, y = rng.randint(20, 120), rng.randint(20, _HEIGHT - high - 20)
    while x < _WIDTH - 120:
        wide = module * rng.choice((1, 1, 1, 2, 2, 3, 4))
        cv2.rectangle(pixels, (x, y), (x + wide - 1, y + high), ink, -1)
        x += wide + module * rng.choice((1, 1, 1, 2, 2, 3, 4))


def _map(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    for _ in range(rng.randint(8, 30)):
        place = np.array([rng.randrange(_WIDTH), rng.randrange(_HEIGHT)], float)
        turn, bends = rng.uniform(0, 6.28), [0.0]
        road = [place.copy()]
        for _ in range(rng.randint(6, 40)):
            bends.append(0.7 * bends[-1] + rng.gauss(0, 0.2))
            turn += bends[-1]
            place += 18 * np.array([math.cos(turn), math.sin(turn)])
            road.append(place.copy())
        points = np.rint(road).astype(np.int32)
        cv2.polylines(pixels, [points], False, _grey(rng, 0, 220), rng.randint(1, 7), cv2.LINE_AA)


def _boards(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Draws wood: boards, their grain, knots."""
    pitch = rng.randint(40, 160)
    for y in range(0, _HEIGHT, 3):
        phase, depth = rng.uniform(0, 6.28), rng.uniform(1, 5)
        xs = np.arange(0, _WIDTH, 8)
        line = np.stack([xs, y + depth * np.sin(xs / rng.uniform(40, 140) + phase)], 1)
        cv2.polylines(pixels, [np.rint(line).astype(np.int32)], False, ink, 1, cv2.LINE_AA)
    for y in range(pitch, _HEIGHT, pitch):
        cv2.line(pixels, (0, y), (_WIDTH, y), (30, 20, 10), 2)
    for _ in range(rng.randint(0, 6)):
        centre = rng.randrange(_WIDTH), rng.randrange(_HEIGHT)
        cv2.ellipse(pixels, centre, (rng.randint(6, 24), rng.randint(3, 10)), 0, 0, 360, ink, 2)


def _cloth(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    pitch, kind = rng.randint(4, 26), rng.randrange(3)
    for x in range(0, _WIDTH, pitch):
        for y in range(0, _HEIGHT, pitch):
            if kind == 0 and (x // pitch + y // pitch) % 2:
                cv2.rectangle(pixels, (x, y), (x + pitch - 1, y + pitch - 1), ink, -1)
            elif kind == 1 and (x // pitch + y // pitch) % 2:
                cv2.circle(pixels, (x, y), max(pitch // 4, 1), ink, -1, cv2.LINE_AA)
            elif kind == 2:
                cv2.line(pixels, (x, y), (x + pitch // 2, y + pitch // 2), ink, 1, cv2.LINE_AA)


def _chart(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Draws a chart without labels: axes with ticks, and bars or a curve."""
    left, foot = 60, _HEIGHT - 50
    cv2.line(pixels, (left, 30), (left, foot), ink, 2)
    cv2.line(pixels, (left, foot), (_WIDTH - 30, foot), ink, 2)
    count = rng.randint(4, 20)
    wide = (_WIDTH - 110) // count
    heights = [rng.randint(10, foot - 50) for _ in range(count)]
    for number, high in enumerate(heights):
        x = left + 10 + number * wide
        cv2.line(pixels, (x, foot), (x, foot + 6), ink, 1)
        cv2.line(pixels, (left - 6, foot - number * 20), (left, foot - number * 20), ink, 1)
        cv2.rectangle(pixels, (x, foot - high), (x + wide * 2 // 3, foot), _grey(rng, 40, 200), -1)


def _railing(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    pitch, thick = rng.randint(10, 60), rng.randint(2, 12)
    top, foot = rng.randint(40, 200), rng.randint(300, 500)
    for x in range(10, _WIDTH, pitch):
        cv2.line(pixels, (x, top), (x, foot), ink, thick)
    for y in (top, foot, (top + foot) // 2)[: rng.randint(2, 3)]:
        cv2.line(pixels, (0, y), (_WIDTH, y), ink, thick)


def _table(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Draws an empty form: cells, and boxes to tick."""
    rows, columns = rng.randint(3, 16), rng.randint(2, 8)
    left, top, right, foot = 40, 40, _WIDTH - 40, _HEIGHT - 40
    for row in range(rows + 1):
        y = top + (foot - top) * row // rows
        cv2.line(pixels, (left, y), (right, y), ink, 1)
        if rng.random() < 0.4:
            cv2.rectangle(pixels, (left + 8, y + 8), (left + 20, y + 20), ink, 1)
    for column in range(columns + 1):
        x = left + (right - left) * column // columns
        cv2.line(pixels, (x, top), (x, foot), ink, 1)


def _gauge(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Draws a dial with ticks and a hand, or a ruler."""
    x, y, size = _WIDTH // 2, _HEIGHT // 2, rng.randint(80, 240)
    if rng.random() < 0.4:
        for number in range(0, _WIDTH, rng.randint(5, 14)):
            cv2.line(pixels, (number, y), (number, y + rng.choice((10, 10, 18))), ink, 1)
        return
    cv2.circle(pixels, (x, y), size, ink, rng.randint(1, 6), cv2.LINE_AA)
    ticks = rng.choice((12, 24, 60))
    for turn in np.arange(ticks) * 2 * math.pi / ticks:
        way = np.array([math.cos(turn), math.sin(turn)])
        ends = [
            tuple(np.rint((x, y) + far * size * way).astype(int).tolist()) for far in (0.85, 0.95)
        ]
        cv2.line(pixels, ends[0], ends[1], ink, rng.randint(1, 3), cv2.LINE_AA)
    turn = rng.uniform(0, 6.28)
    end = round(x + 0.7 * size * math.cos(turn)), round(y + 0.7 * size * math.sin(turn))
    cv2.line(pixels, (x, y), end, ink, 3, cv2.LINE_AA)


def _traces(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Draws a circuit board without print: traces, pads, chips."""
    for _ in range(rng.randint(10, 60)):
        x, y = rng.randrange(_WIDTH), rng.randrange(_HEIGHT)
        for _ in range(rng.randint(1, 4)):
            dx, dy = rng.choice(((1, 0), (0, 1), (1, 1), (1, -1), (-1, 0), (0, -1)))
            long = rng.randint(10, 120)
            end = x + dx * long, y + dy * long
            cv2.line(pixels, (x, y), end, ink, rng.randint(1, 3), cv2.LINE_AA)
            x, y = end
        cv2.circle(pixels, (x, y), rng.randint(2, 6), ink, rng.choice((-1, 2)), cv2.LINE_AA)
    for _ in range(rng.randint(0, 5)):
        x, y, pins = rng.randrange(_WIDTH), rng.randrange(_HEIGHT), rng.randint(4, 10)
        cv2.rectangle(pixels, (x, y), (x + 12 * pins, y + 50), (25, 25, 28), -1)
        for pin in range(pins):
            cv2.rectangle(pixels, (x + 12 * pin + 3, y - 10), (x + 12 * pin + 8, y), ink, -1)
            cv2.rectangle(pixels, (x + 12 * pin + 3, y + 50), (x + 12 * pin + 8, y + 60), ink, -1)


def _noise(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    source = np.random.default_rng(rng.randrange(2**32))
    grain = rng.choice((1, 2, 4, 12, 40))
    small = source.normal(0, rng.uniform(5, 60), (_HEIGHT // grain + 1, _WIDTH // grain + 1))
    field = cv2.resize(small, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_CUBIC)
    pixels[:] = np.clip(pixels + field[..., None], 0, 255).astype(np.uint8)


def _scribbles(pixels: RGB, ink: Colour, rng: random.Random) -> None:
    """Draws strokes of a pen that are no letters: crosses, ticks, wavy and struck lines."""
    for _ in range(rng.randint(3, 20)):
        x, y, size = (
            rng.randint(20, _WIDTH - 120),
            rng.randint(30, _HEIGHT - 30),
            rng.randint(8, 30),
        )
        kind = rng.randrange(3)
        thick = rng.randint(1, 3)
        if kind == 0:
            cv2.line(pixels, (x, y - size), (x + size, y), ink, thick, cv2.LINE_AA)
            cv2.line(pixels, (x + size, y), (x + 3 * size, y - 3 * size), ink, thick, cv2.LINE_AA)
        elif kind == 1:
            xs = np.arange(0, rng.randint(60, 400), 3)
            wave = y + size / 3 * np.sin(xs / rng.uniform(4, 14))
            points = np.rint(np.stack([x + xs, wave], 1)).astype(np.int32)
            cv2.polylines(pixels, [points], False, ink, thick, cv2.LINE_AA)
        else:
            cv2.line(
                pixels, (x, y), (x + 10 * size, y + rng.randint(-4, 4)), ink, thick, cv2.LINE_AA
            )


KINDS: dict[str, Callable[[RGB, Colour, random.Random], None]] = {
    "arrows": _arrows,
    "bar codes": _barcode,
    "blank": _blank,
    "boards": _boards,
    "bricks": _bricks,
    "bullets": _bullets,
    "charts": _chart,
    "cloth": _cloth,
    "dials": _gauge,
    "empty forms": _table,
    "leaves": _leaves,
    "maps": _map,
    "noise": _noise,
    "pen strokes": _scribbles,
    "QR codes": _qr,
    "railings": _railing,
    "ruled paper": _ruled,
    "shapes": _shapes,
    "traces": _traces,
    "windows": _windows,
}

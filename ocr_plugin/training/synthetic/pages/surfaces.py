"""Made-up surfaces: walls, panels, boards, cloth; and paper."""

import random

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB
from ocr_plugin.training.synthetic.pages.paint import any_colour, colour_of

_TILE = 256
_INVERTED = 0.06


def surface(height: int, width: int, rng: random.Random) -> RGB:
    """Returns a surface to write on, (height, width, 3)."""
    kind = rng.choice((_plain, _plain, _sloped, _sloped, _bricks, _boards, _blotches, _halves))
    field = kind(height, width, rng)
    if rng.random() < 0.6:
        field = field + _clouds(height, width, rng, rng.uniform(5, 40))
    return _grained(field, rng, rng.uniform(0, 14))


def paper(height: int, width: int, rng: random.Random) -> RGB:
    """Returns paper in uneven light, mostly white or nearly so; now and then a dark page."""
    chance = rng.random()
    if chance < 0.55:
        colour = colour_of(rng.uniform(0.92, 1.0), rng.uniform(0, 0.06), rng)
    elif chance < 0.8:
        colour = (rng.randint(225, 255), rng.randint(215, 240), rng.randint(180, 225))
    elif chance < 1 - _INVERTED:
        colour = colour_of(rng.uniform(0.65, 0.92), rng.uniform(0, 0.25), rng)
    else:
        colour = colour_of(rng.uniform(0.02, 0.3), rng.uniform(0, 0.6), rng)
    field = _filled(height, width, colour)
    if rng.random() < 0.5:
        field = field + _clouds(height, width, rng, rng.uniform(4, 30))
    if rng.random() < 0.15:
        field = field + _crease(height, width, rng)
    return _grained(field, rng, rng.choice((0.0, 2.0, 4.0, 8.0)))


def _filled(height: int, width: int, colour: tuple[int, int, int]) -> NDArray[np.float32]:
    return np.full((height, width, 3), colour, np.float32)


def _plain(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    return _filled(height, width, any_colour(rng))


def _sloped(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """Returns colours that pass into each other."""
    corners = np.array([any_colour(rng), any_colour(rng)], np.float32)
    corners = corners[[0, 0, 1, 1] if rng.random() < 0.7 else [0, 1, 1, 0]].reshape(2, 2, 3)
    return _stretched(corners, height, width)


def _halves(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """Returns two or three bands of plain colours."""
    field = _filled(height, width, any_colour(rng))
    for _ in range(rng.randint(1, 2)):
        edge = rng.uniform(0.2, 0.8)
        if rng.random() < 0.6:
            field[round(edge * height) :] = any_colour(rng)
        else:
            field[:, round(edge * width) :] = any_colour(rng)
    return field


def _bricks(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """Returns a wall of bricks or tiles."""
    colour, luma = any_colour(rng), rng.uniform(0.2, 0.85)
    tall = rng.randint(14, 70)
    long = round(tall * rng.choice((1, 1, 2, 2.5, 3)))
    joint, shifted = max(1, tall // rng.randint(10, 24)), rng.random() < 0.7
    field = _filled(height, width, colour_of(luma, 0.1, rng))
    shades = np.random.default_rng(rng.getrandbits(48))
    rough = rng.uniform(2, 16)
    for row, y in enumerate(range(0, height, tall)):
        start = -(long // 2) if shifted and row % 2 else 0
        for x in range(start, width, long):
            brick = np.array(colour, np.float32) + shades.normal(0, rough)
            field[y + joint : y + tall, max(x + joint, 0) : x + long] = brick
    return field


def _boards(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """Returns planks, corrugated sheet or cloth: stripes along one direction."""
    colour = np.array(any_colour(rng), np.float32)
    shades = np.random.default_rng(rng.getrandbits(48))
    upright = rng.random() < 0.5
    length = width if upright else height
    fine = shades.normal(0, rng.uniform(1, 9), length)
    pitch = rng.uniform(12, 120)
    wave = rng.uniform(2, 22) * np.sin(np.arange(length) / pitch * 2 * np.pi)
    profile = (fine + wave).astype(np.float32)
    stripes = profile[None, :, None] if upright else profile[:, None, None]
    return np.broadcast_to(colour + stripes, (height, width, 3)).astype(np.float32)


def _blotches(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """Returns foliage, plaster or marble: blotches of two colours."""
    share = np.zeros((height, width, 1), np.float32)
    for cells in (4, 9, 22, 60):
        share += _noise(height, width, cells, rng)[..., None] * np.float32(rng.uniform(0.2, 1))
    share = 1 / (1 + np.exp(-share * np.float32(rng.uniform(1, 8))))
    first, second = (np.array(any_colour(rng), np.float32) for _ in range(2))
    if rng.random() < 0.5:  # marble rather than leaves
        second = first + np.float32(rng.uniform(-60, 60))
    return np.asarray(first + (second - first) * share, np.float32)


def _clouds(height: int, width: int, rng: random.Random, amount: float) -> NDArray[np.float32]:
    cells = rng.choice((2, 3, 5))
    return _noise(height, width, cells, rng)[..., None] * np.float32(amount)


def _noise(height: int, width: int, cells: int, rng: random.Random) -> NDArray[np.float32]:
    """Returns smooth noise between about -1 and 1, `cells` waves to a side."""
    coarse = np.random.default_rng(rng.getrandbits(48)).uniform(-1, 1, (cells + 1, cells + 1))
    return np.asarray(
        cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC),
        np.float32,
    )


def _stretched(corners: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    across = np.linspace(0, 1, width, dtype=np.float32)[:, None]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top = corners[0, 0] + (corners[0, 1] - corners[0, 0]) * across
    bottom = corners[1, 0] + (corners[1, 1] - corners[1, 0]) * across
    return np.asarray(top + (bottom - top) * down, np.float32)


def _crease(height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """Returns a fold across: a light and a dark side that fade away from it."""
    upright = rng.random() < 0.4
    length = width if upright else height
    from_fold = np.arange(length, dtype=np.float32) - rng.uniform(0.2, 0.8) * length
    faded = np.sign(from_fold) * np.exp(-np.abs(from_fold) / rng.uniform(4, 50))
    shade = faded * np.float32(rng.uniform(5, 30))
    return np.asarray(shade[None, :, None] if upright else shade[:, None, None], np.float32)


def _grained(field: NDArray[np.float32], rng: random.Random, amount: float) -> RGB:
    """Returns a surface as pixels, with fine grain."""
    height, width = field.shape[:2]
    if amount >= 1:
        grains = np.random.default_rng(rng.getrandbits(48))
        tile = grains.integers(0, 256, (_TILE, _TILE), np.uint8).astype(np.float32) - 128
        if rng.random() < 0.4:
            tile = np.asarray(cv2.GaussianBlur(tile, (0, 0), rng.uniform(0.6, 2)) * 2, np.float32)
        repeats = (height // _TILE + 1, width // _TILE + 1)
        tiled = np.tile(tile * np.float32(amount / 128), repeats)
        field = field + tiled[:height, :width, None]
    return np.clip(field, 0, 255).astype(np.uint8)

"""Varied crops still show the same word: nothing folded over, cut off or made invisible."""

import random
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.protocols import RGB
from ocr_plugin.training.recognition.augmentation import (
    _curve,
    _other_box,
    _perspective,
    _rotate,
    _shear,
    _slope,
    _solarize,
    augment,
)
from tests.pictures import draw_lines

SIZES = [(32, 100), (100, 28), (40, 16), (64, 64), (48, 400)]
WARPS = [_rotate, _shear, _slope, _perspective, _curve]


def marks(height: int, width: int) -> RGB:
    """Draws four marks on black a little inside the corners: red, green, blue, white, clockwise."""
    pixels = np.zeros((height, width, 3), np.uint8)
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    top, left = height // 6, width // 6
    places = [(top, left), (top, -left), (-top, -left), (-top, left)]
    for (row, column), colour in zip(places, colours, strict=True):
        y, x = row % height, column % width
        pixels[y - 1 : y + 2, x - 1 : x + 2] = colour
    return pixels


def centres(pixels: RGB) -> NDArray[np.float64]:
    """Returns where the four marks are, (4, 2) x and y; fails where one is gone."""
    red, green, blue = (pixels[..., channel].astype(float) for channel in range(3))
    white = np.minimum(np.minimum(red, green), blue)
    found = []
    for weight in (red - white, green - white, blue - white, white):
        solid = np.where(weight > 40, weight, 0)
        assert solid.sum() > 255, "a mark is gone"
        rows, columns = np.indices(solid.shape)
        found.append(((solid * columns).sum() / solid.sum(), (solid * rows).sum() / solid.sum()))
    return np.array(found)


def turns(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the cross product at each corner, positive where the outline goes on clockwise."""
    along = np.roll(points, -1, 0) - points
    following = np.roll(along, -1, 0)
    return along[:, 0] * following[:, 1] - along[:, 1] * following[:, 0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("warp", WARPS)
def test_nothing_is_folded_over_or_cut_off(
    warp: Callable[[RGB, random.Random, float], RGB], size: tuple[int, int]
) -> None:
    crop = marks(*size)
    for seed in range(40):
        found = centres(warp(crop, random.Random(seed), 1.0))
        assert (turns(found) > 0).all(), seed
        # Left stays left and the top on top.
        assert found[[0, 3], 0].mean() < found[[1, 2], 0].mean()
        assert found[[0, 1], 1].mean() < found[[2, 3], 1].mean()


@pytest.mark.parametrize("size", SIZES)
def test_a_box_is_cut_by_a_twentieth_of_its_shorter_side_at_most(size: tuple[int, int]) -> None:
    height, width = size
    crop = np.arange(height * width, dtype=np.uint32).reshape(height, width)
    # The place of each pixel as its colour, so that what is missing can be told.
    pixels = np.stack([crop >> 16, crop >> 8 & 255, crop & 255], -1).astype(np.uint8)
    most = round(0.05 * min(size))
    inner = set(crop[most : height - most, most : width - most].flat)
    shapes = set()
    for seed in range(60):
        other = _other_box(pixels, random.Random(seed)).astype(np.uint32)
        shapes.add(other.shape)
        assert inner <= set((other[..., 0] << 16 | other[..., 1] << 8 | other[..., 2]).flat)
        assert other.shape[0] <= height + 0.3 * min(size) + 1
        assert other.shape[1] <= width + 0.3 * min(size) + 1
    assert len(shapes) > 4


@pytest.mark.parametrize("ink", [0, 40, 80])
def test_solarized_paper_keeps_its_distance_from_dark_ink(ink: int) -> None:
    crop = np.full((20, 40, 3), 255, np.uint8)
    crop[5:15, 10:30] = ink
    for strength in (0.2, 0.6, 1.0):
        varied = _solarize(crop, random.Random(0), strength)
        assert int(varied[0, 0, 0]) - int(varied[10, 20, 0]) > 40
    assert (_solarize(crop, random.Random(0), 1.0)[0, 0] < 160).all()  # and yet it does something


def test_most_varied_words_keep_their_contrast() -> None:
    drawn = draw_lines([(6, 4, "Harbour")], size=(170, 48)).pixels
    spreads = []
    for seed in range(300):
        grey = cv2.cvtColor(augment(drawn, random.Random(seed)), cv2.COLOR_RGB2GRAY)
        low, high = np.percentile(grey, (2, 98))
        spreads.append(high - low)
    assert np.mean(np.array(spreads) > 60) > 0.97


def test_crops_differ_in_many_ways() -> None:
    drawn = draw_lines([(6, 4, "Harbour")], size=(170, 48)).pixels
    varied = [augment(drawn, random.Random(seed)) for seed in range(60)]
    assert len({crop.tobytes() for crop in varied}) == 60
    dark = sum(crop.mean() < 100 for crop in varied)
    assert 3 <= dark <= 30  # inverted ones, or dimmed

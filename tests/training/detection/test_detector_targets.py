"""What the word detector learns from, and that words come back from it."""

import random

import cv2
import numpy as np
import pytest

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.detectors.probability_map import WordRegionOptions, find_regions
from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry
from ocr_plugin.training.detection.augmentation import piece_of, recoloured
from ocr_plugin.training.detection.targets import SHRINK_RATIO, Target, target_of

SIDE = 480
PAGE = np.array([(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)], np.float32)


def box(x: float, y: float, width: float, height: float, degrees: float = 0.0) -> Points:
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    turn = np.radians(degrees)
    matrix = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))], np.float32)
    return corners @ matrix + np.array((x, y), np.float32)


def arc(radius: float, height: float, degrees: tuple[float, float]) -> Points:
    """A word along a circle around the picture's lower middle, from its top left clockwise."""
    turns = np.radians(np.linspace(*degrees, 12))
    rim = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    middle = np.array((SIDE / 2, 0.9 * SIDE))
    return np.concatenate([middle + (radius + height) * rim, middle + radius * rim[::-1]]).astype(
        np.float32
    )


def target(polygons: list[Points], ignored: list[Points] | None = None) -> Target:
    words = [LabelledWord(polygon) for polygon in polygons]
    words += [LabelledWord(polygon, ignore=True) for polygon in ignored or []]
    return target_of(words, PAGE, (SIDE, SIDE), 2.0)


def iou(one: Points, other: Points) -> float:
    first, second = geometry.shape(one), geometry.shape(other)
    return float(first.intersection(second).area / first.union(second).area)


def recovered(polygons: list[Points]) -> list[Points]:
    """The words cut out of a map that says what the target says."""
    cores = target(polygons).cores * np.uint8(255)
    found = find_regions(cores, WordRegionOptions(shrink_ratio=SHRINK_RATIO)).polygons
    return [polygon + np.float32(0.5) for polygon in found]


@pytest.mark.parametrize(
    "polygons",
    [
        [box(60, 80, 200, 40)],
        [box(60, 80, 300, 24), box(60, 108, 300, 24)],  # lines that touch
        [box(60, 80, 90, 30), box(152, 80, 60, 30), box(214, 80, 110, 30)],  # words that touch
        [box(200, 60, 180, 36, 30), box(90, 260, 36, 150)],
        [box(100, 100, 40, 40), box(300, 300, 24, 30)],  # single letters
        [arc(300, 44, (220, 255)), arc(300, 44, (258, 300))],
        [arc(300, 36, (228, 312)), arc(180, 40, (200, 265)), box(190, 360, 100, 36)],
    ],
)
def test_words_come_back_from_their_cores(polygons: list[Points]) -> None:
    found = recovered(polygons)
    assert len(found) == len(polygons)
    for polygon in polygons:
        assert max(iou(polygon, other) for other in found) > 0.9


def test_small_print_comes_back_but_for_a_pixel() -> None:
    polygons = [box(40, 50, 60, 7), box(40, 80, 200, 10)]
    found = recovered(polygons)
    assert len(found) == 2
    assert all(max(iou(polygon, other) for other in found) > 0.75 for polygon in polygons)


def test_a_word_inside_a_ring_comes_back() -> None:
    ring = arc(130, 40, (181, 359))
    inside = box(170, 350, 140, 50)
    found = recovered([ring, inside])
    assert len(found) == 2
    assert all(max(iou(polygon, other) for other in found) > 0.9 for polygon in (ring, inside))


def test_shrinking_is_undone_exactly_for_rectangles() -> None:
    for width, height in ((30, 30), (300, 20), (17, 400)):
        word = box(10, 20, width, height)
        core = geometry.shrink(word, 0.4)
        assert abs(geometry.signed_area(core)) < 0.7 * width * height
        assert iou(word, geometry.unshrink(core, 0.4)) > 0.999
    assert len(geometry.shrink(np.zeros((4, 2), np.float32), 0.6)) == 0
    assert len(geometry.unshrink(np.zeros((4, 2), np.float32), 0.6)) == 0


def test_what_is_ignored_or_tiny_or_beyond_the_page_does_not_count() -> None:
    ignored, tiny = box(40, 40, 120, 30), box(40, 200, 30, 3)
    half = np.array([(0, 0), (SIDE, 0), (SIDE, 300), (0, 300)], np.float32)
    words = [
        LabelledWord(ignored, ignore=True),
        LabelledWord(tiny),
        LabelledWord(box(200, 100, 90, 30)),
    ]
    made = target_of(words, half, (SIDE, SIDE), 2.0)
    assert not made.weights[45:65, 45:155].any() and not made.cores[45:65, 45:155].any()
    assert not made.weights[201:202, 45:65].any()
    assert not made.weights[301:].any() and made.weights[20, 20] == 1
    assert made.cores[115, 245] == 1


def test_gaps_between_words_weigh_more() -> None:
    made = target([box(60, 80, 90, 30), box(156, 80, 60, 30)])
    assert made.weights[95, 153] == 2.0 and made.cores[95, 153] == 0
    assert made.weights[95, 300] == 1.0
    assert (target([box(60, 80, 90, 30)]).weights[made.cores == 0] <= 1.0).all()


def test_small_words_count_like_large_ones() -> None:
    made = target([box(20, 20, 400, 100), box(20, 200, 60, 12)])
    large, small = made.weights[70, 200], made.weights[206, 50]
    assert small > 2 * large > 0


def picture() -> tuple[np.ndarray, list[LabelledWord]]:
    """A page with two black words on white."""
    page = np.full((400, 600, 3), 255, np.uint8)
    words = [box(100, 100, 160, 40), box(350, 250, 120, 60)]
    for word in words:
        cv2.fillPoly(page, [np.rint(word - 0.5).astype(np.int32)], (0, 0, 0))
    return page, [LabelledWord(word) for word in words]


def test_outlines_move_with_the_picture() -> None:
    page, words = picture()
    inside, count = 0, 0
    for seed in range(40):
        piece = piece_of(page, words, 320, random.Random(seed))
        assert piece.pixels.shape == (320, 320, 3) and 0.8 <= piece.scale <= 3
        for word in piece.words:
            assert geometry.signed_area(word.polygon) > 0
            mask = np.zeros((320, 320), np.uint8)
            cv2.fillPoly(mask, [np.rint(word.polygon - 0.5).astype(np.int32)], (1,))
            frame = np.zeros((320, 320), np.uint8)
            cv2.fillPoly(frame, [np.rint(piece.page - 0.5).astype(np.int32)], (1,))
            seen = (mask & frame) > 0
            if seen.sum() > 200:
                inside += int((piece.pixels[seen] < 128).all(axis=1).sum())
                count += int(seen.sum())
    assert count > 40_000 and inside > 0.93 * count


def test_words_that_are_hardly_seen_are_ignored_and_others_kept_or_dropped() -> None:
    page, words = picture()
    seen = [
        word
        for seed in range(60)
        for word in piece_of(page, words, 200, random.Random(seed), (2.0, 3.0)).words
    ]
    assert any(word.ignore for word in seen) and any(not word.ignore for word in seen)
    assert all(
        (word.polygon.max(axis=0) > 0).all() and (word.polygon.min(axis=0) < 200).all()
        for word in seen
    )


def test_chance_is_that_of_the_seed() -> None:
    page, words = picture()
    for _ in range(2):
        one, other = (
            recoloured(piece_of(page, words, 320, rng).pixels, rng)
            for rng in (random.Random(5), random.Random(5))
        )
        assert np.array_equal(one, other)
    another = recoloured(piece_of(page, words, 320, random.Random(6)).pixels, random.Random(6))
    assert not np.array_equal(one, another)

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ocr_plugin.regions import geometry, rectify, strips
from tests.pictures import draw_lines, in_perspective


def difference(one: np.ndarray, other: np.ndarray) -> float:
    size = (other.shape[1], other.shape[0])
    resized = cv2.resize(one, size, interpolation=cv2.INTER_AREA)
    return float(np.abs(resized.astype(float) - other.astype(float)).mean())


def test_a_whole_page_comes_back_unchanged() -> None:
    page = draw_lines([(20, 20, "unchanged")]).pixels
    height, width = 200, 640
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    crop = rectify.rectify(page[:height], strips.strip_of(corners))
    assert np.array_equal(crop, page[:height])


def test_perspective_is_undone() -> None:
    flat = draw_lines([(10, 8, "PERSPECTIVE")], size=(300, 60)).pixels
    corners = np.array([(100, 80), (420, 140), (400, 260), (90, 150)], np.float32)
    page = in_perspective(flat, corners, (500, 400))
    rectified = rectify.rectify(page, strips.strip_of(corners))
    sheared = rectify.rectify(page, strips.strip_of(geometry.min_area_quad(corners)))
    assert difference(rectified, flat) < 12
    assert difference(rectified, flat) < 0.5 * difference(sheared, flat)


def test_a_curved_band_is_unrolled() -> None:
    radius, height, degrees = 150.0, 40.0, 100.0
    length = round(np.radians(degrees) * radius)
    flat = np.full((40, length, 3), 255, np.uint8)
    flat[:, :: length // 8] = 0
    flat[18:22] = (200, 0, 0)
    rows, columns = np.mgrid[0:400, 0:400].astype(np.float32) + 0.5
    x, y = columns - 200, rows - 250
    angle, distance = np.arctan2(x, -y), np.hypot(x, y)
    page = cv2.remap(
        flat,
        ((angle / np.radians(degrees) + 0.5) * length - 0.5).astype(np.float32),
        (radius + height / 2 - distance - 0.5).astype(np.float32),
        cv2.INTER_LINEAR,
        borderValue=(90, 90, 90),
    )
    angles = np.radians(np.linspace(-degrees / 2, degrees / 2, 30))
    outer = np.stack([np.sin(angles), -np.cos(angles)], 1) * (radius + height / 2)
    inner = np.stack([np.sin(angles), -np.cos(angles)], 1) * (radius - height / 2)
    polygon = (np.concatenate([outer, inner[::-1]]) + np.array([200, 250])).astype(np.float32)
    strip = strips.strip_of(polygon)
    assert strip.curved
    crop = rectify.rectify(np.asarray(page, dtype=np.uint8), strip)
    assert crop.shape[1] / crop.shape[0] == pytest.approx(length / height, rel=0.15)
    red = (crop[..., 0] > 150) & (crop[..., 1] < 100)
    places = [
        np.flatnonzero(red[:, c]).mean() for c in range(10, crop.shape[1] - 10) if red[:, c].any()
    ]
    assert len(places) > 0.8 * crop.shape[1]
    assert np.std(places) < 0.04 * crop.shape[0], "the red line is straight in the crop"


@pytest.mark.parametrize(
    ("size", "count"),
    [((200, 40), 2), ((40, 200), 4), ((50, 50), 4)],
    ids=["wide", "tall", "square"],
)
def test_ways_of_turning(size: tuple[int, int], count: int) -> None:
    width, height = size
    quad = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    found = list(strips.orientations(quad))
    assert len(found) == count
    ways = {(*map(tuple, strip.quad.round().tolist()), strip.stacked) for strip in found}
    assert len(ways) == count


def test_upside_down_is_among_the_ways() -> None:
    page = draw_lines([(10, 5, "upside")], size=(200, 50)).pixels
    turned = np.ascontiguousarray(page[::-1, ::-1])
    quad = np.array([(0, 0), (200, 0), (200, 50), (0, 50)], np.float32)
    crop = rectify.rectify(turned, list(strips.orientations(quad))[1])
    assert difference(crop, page) < 1


def test_part_of_a_strip_is_foreshortened_like_the_text() -> None:
    quad = np.array([(0, 0), (100, 20), (100, 40), (0, 60)], np.float32)
    strip = strips.strip_of(quad)
    left = strip.part(0, 0.5).quad
    assert left[1][0] > 60, "the near half takes more than half of the picture"


@pytest.mark.parametrize(
    "points",
    [[(5, 5), (5, 5), (5, 5), (5, 5)], [(0, 0), (9, 0), (3, 0), (1, 0)], [(1, 1), (8, 1), (2, 6)]],
)
def test_degenerate_regions_give_a_crop(points: list[tuple[int, int]]) -> None:
    page = np.zeros((20, 20, 3), np.uint8)
    for strip in strips.orientations(np.array(points, np.float32)):
        crop = rectify.rectify(page, strip)
        assert crop.ndim == 3 and min(crop.shape) >= 1


def test_regions_beyond_the_page_repeat_its_edge() -> None:
    page = np.full((20, 20, 3), 77, np.uint8)
    quad = np.array([(-30, -30), (50, -30), (50, 50), (-30, 50)], np.float32)
    assert (rectify.rectify(page, strips.strip_of(quad)) == 77).all()


def test_huge_regions_give_bounded_crops() -> None:
    page = np.zeros((4000, 20, 3), np.uint8)
    quad = np.array([(0, 0), (20, 0), (20, 4000), (0, 4000)], np.float32)
    assert max(rectify.rectify(page, strips.strip_of(quad)).shape) <= 8192
    assert rectify.rectify(page, strips.strip_of(quad)).shape[0] <= 256


@pytest.mark.parametrize("place", [(60, 32_900), (32_900, 60)], ids=["tall", "wide"])
@pytest.mark.parametrize("curved", [False, True])
def test_pages_longer_than_opencv_samples_are_read(place: tuple[int, int], curved: bool) -> None:
    x, y = place
    flat = draw_lines([(10, 8, "far away")], size=(300, 60)).pixels
    page = np.full((y + 100, x + 400, 3), 90, np.uint8)
    page[y : y + 60, x : x + 300] = flat
    corners = np.array([(x, y), (x + 300, y), (x + 300, y + 60), (x, y + 60)], np.float32)
    strip = strips.strip_of(corners)
    if curved:
        strip = replace(strip, curved=True)
    assert difference(rectify.rectify(page, strip), flat) < 1


def test_a_region_longer_than_opencv_samples_is_shrunk() -> None:
    page = np.full((20, 40_000, 3), 90, np.uint8)
    page[:, 20_000:] = 200
    corners = np.array([(0, 0), (40_000, 0), (40_000, 20), (0, 20)], np.float32)
    crop = rectify.rectify(page, strips.strip_of(corners))
    assert crop.shape[1] == 8192
    assert (crop[:, :4090] == 90).all() and (crop[:, 4102:] == 200).all()

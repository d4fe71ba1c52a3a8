"""Pages that are empty but for a few words: where these are looked for, and that they are found."""

from collections.abc import Callable

import numpy as np
import pytest

from ocr_plugin.detectors.islands import Island, islands_of
from ocr_plugin.detectors.word_line import WordLine
from ocr_plugin.protocols import RGB
from tests.pictures import Drawn, draw_lines

A4 = (1654, 2339)
"""Pixels at 200 dpi."""


@pytest.fixture(scope="module")
def detector() -> WordLine:
    return WordLine()


def noisy(page: RGB, deviation: float = 5.0) -> RGB:
    noise = np.random.default_rng(7).normal(0, deviation, page.shape[:2])
    return np.clip(page + noise[:, :, None], 0, 255).astype(np.uint8)


def shaded(page: RGB) -> RGB:
    light = np.linspace(1.0, 0.6, page.shape[1])
    return np.rint(page * light[None, :, None]).astype(np.uint8)


def holds(island: Island, box: tuple[float, float, float, float], margin: int = 32) -> bool:
    return (
        island.x0 <= max(box[0] - margin, 0)
        and island.y0 <= max(box[1] - margin, 0)
        and island.x1 >= box[2] + margin
        and island.y1 >= box[3] + margin
    )


def in_corners() -> Drawn:
    return draw_lines([(60, 50, "harbour"), (1400, 2230, "glacier")], size=A4, height=28)


@pytest.mark.parametrize("spoil", [np.array, noisy, shaded], ids=["clean", "noise", "ramp"])
def test_each_word_in_the_emptiness_is_an_island(spoil: Callable[[RGB], RGB]) -> None:
    drawn = in_corners()
    found = islands_of(spoil(drawn.pixels))
    assert found is not None and len(found) == 2
    for box in drawn.words.values():
        assert sum(holds(island, box) for island in found) == 1


def test_faint_words_are_islands_beside_strong_ones() -> None:
    strong = draw_lines([(300, 300, "strong")], size=A4, height=30)
    faint = draw_lines([(300, 1900, "faint")], size=A4, height=30, ink=(224, 222, 218))
    found = islands_of(np.minimum(strong.pixels, faint.pixels))
    assert found is not None and len(found) == 2
    assert any(holds(island, faint.words["faint"]) for island in found)


def test_an_empty_page_has_no_islands() -> None:
    assert islands_of(np.full((2339, 1654, 3), 250, np.uint8)) == []
    assert islands_of(shaded(np.full((2339, 1654, 3), 250, np.uint8))) == []


def full_page() -> RGB:
    rows = range(60, A4[1] - 100, 48)
    text = [(80, y, f"line{y} of a page that is full of text to its foot") for y in rows]
    return draw_lines(text, size=A4, height=30).pixels


@pytest.mark.parametrize(
    "page",
    [
        full_page(),
        np.random.default_rng(1).integers(0, 255, (900, 1200, 3), dtype=np.uint8),
        draw_lines([(40, 40, "small")], size=(640, 480)).pixels,
        np.zeros((1, 1, 3), np.uint8),
    ],
    ids=["full", "rough", "small", "pixel"],
)
def test_other_pages_are_looked_at_as_a_whole(page: RGB) -> None:
    assert islands_of(page) is None


def test_neighbouring_words_are_one_island() -> None:
    drawn = draw_lines([(600, 900, "one two"), (600, 960, "three")], size=A4, height=30)
    found = islands_of(drawn.pixels)
    assert found is not None and len(found) == 1
    island = found[0]
    assert all(holds(island, box) for box in drawn.words.values())
    assert island.of(drawn.pixels).shape == (island.y1 - island.y0, island.x1 - island.x0, 3)


@pytest.mark.parametrize(
    ("size", "height"), [(A4, 20), ((2480, 3508), 44), ((6000, 4500), 40)], ids=str
)
def test_a_word_is_found_where_it_stands(
    detector: WordLine, size: tuple[int, int], height: int
) -> None:
    drawn = draw_lines([(size[0] - 400, size[1] - 120, "284")], size=size, height=height)
    (found,) = detector.detect([drawn.pixels])
    (words,) = found.words
    (word,) = words
    (x0, y0), (x1, y1) = word.min(axis=0), word.max(axis=0)
    assert (x0, y0, x1, y1) == pytest.approx(drawn.words["284"], abs=0.3 * height)


def test_pages_with_and_without_islands_keep_their_order(detector: WordLine) -> None:
    sign = draw_lines([(40, 40, "FRESH BREAD")]).pixels
    empty = np.full((2339, 1654, 3), 250, np.uint8)
    found = detector.detect([in_corners().pixels, sign, empty, in_corners().pixels])
    assert [len(page.polygons) for page in found] == [2, 1, 0, 2]
    assert found[0].polygons[1].max() > 2200 and found[1].polygons[0].max() < 640


@pytest.mark.parametrize(("islands", "seen"), [(True, [(832, 832)] * 2), (False, [(2336, 1664)])])
def test_the_network_sees_islands_or_the_whole_page(
    monkeypatch: pytest.MonkeyPatch, islands: bool, seen: list[tuple[int, int]]
) -> None:
    detector = WordLine(islands=islands)
    shapes: list[tuple[int, ...]] = []

    def run(batch: np.ndarray) -> np.ndarray:
        shapes.append(batch.shape)
        return np.zeros((len(batch), 2, *batch.shape[2:]), np.float32)

    monkeypatch.setattr(detector._network, "run", run)
    assert len(detector.detect([in_corners().pixels])[0].polygons) == 0
    assert shapes == [(1, 3, *size) for size in seen]

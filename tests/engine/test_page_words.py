"""Lines whose words the detector sees: how they are read, and where their words come to stand."""

from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB, Points, Reading, Regions, Unit, WordReading
from ocr_plugin.regions import geometry
from ocr_plugin.regions.strips import gap_between, outline_of, strip_of, word_strips
from ocr_plugin.schema import Component, Page

WHITE = 255


class Found:
    """A detector that finds what it is told to."""

    component = Component(name="found", version="1")

    def __init__(self, lines: Sequence[tuple[Points, Sequence[Points]]]) -> None:
        self._lines = lines

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        polygons = [line for line, _ in self._lines]
        sure = np.ones(len(polygons), np.float32)
        return [Regions(polygons, sure, "line", [words for _, words in self._lines]) for _ in pages]


class Greys:
    """A reader that names the greys of a crop from left to right, one word each.

    Where they stand it tells as well, if so asked.
    """

    component = Component(name="greys", version="1")

    def __init__(
        self,
        unit: Unit = "line",
        alone: float = 0.95,
        together: float = 0.95,
        *,
        tells: bool = False,
    ) -> None:
        self.unit: Unit = unit
        self._tells = tells
        self._alone, self._together = alone, together
        self.asked: list[str] = []

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        readings = []
        for crop in crops:
            middle = crop[crop.shape[0] // 2, :, 0] // 10 * 10
            text = " ".join(f"g{grey}" for grey, _ in groupby(middle.tolist()) if grey < 240)
            self.asked.append(text)
            sure = self._together if " " in text else self._alone
            readings.append(Reading(text, sure, self._words(middle, sure) if self._tells else ()))
        return readings

    def _words(self, middle: NDArray[np.uint8], sure: float) -> tuple[WordReading, ...]:
        edges = [0, *(np.flatnonzero(np.diff(middle)) + 1).tolist(), len(middle)]
        return tuple(
            WordReading(f"g{middle[first]}", sure, (first / len(middle), last / len(middle)))
            for first, last in pairwise(edges)
            if middle[first] < 240
        )


def box(x: float, y: float, width: float = 60, height: float = 20) -> Points:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return np.array(corners, np.float32)


def page_of(*words: tuple[int, Points]) -> RGB:
    """A white page on which each word is a field of its grey."""
    page = np.full((200, 500, 3), WHITE, np.uint8)
    for grey, outline in words:
        (x0, y0), (x1, y1) = outline.min(axis=0).astype(int), outline.max(axis=0).astype(int)
        page[y0:y1, x0:x1] = grey
    return page


def read(detector: Found, reader: Greys, page: RGB) -> Page:
    return Engine(detector, reader, splitter=None).read(page)


ONE, TWO = box(20, 40), box(90, 40)
LINE = box(18, 38, 140, 24)


@pytest.mark.parametrize(("unit", "asked"), [("line", ["g100 g200"]), ("word", ["g100", "g200"])])
def test_words_stand_where_the_detector_sees_them(unit: Unit, asked: list[str]) -> None:
    reader = Greys(unit)
    page = read(Found([(LINE, [TWO, ONE])]), reader, page_of((100, ONE), (200, TWO)))
    assert page.text == "g100 g200"
    assert reader.asked == asked
    assert [word.polygon.box for word in page.words] == [(20, 40, 80, 60), (90, 40, 150, 60)]
    (line,) = page.lines
    assert line.polygon.box == pytest.approx((18, 38, 158, 62))


def test_words_that_the_detector_sees_otherwise_stand_where_they_are_read() -> None:
    pixels = page_of((100, ONE), (200, TWO))
    joined = read(Found([(LINE, [LINE])]), Greys(), pixels)
    assert [word.text for word in joined.words] == ["g100", "g200"]
    left, right = (word.polygon.box for word in joined.words)
    assert left[0] == 18 and left[2] < 100 < right[0] + 20 and right[2] == 158
    elsewhere = read(Found([(LINE, [ONE, box(95, 40, 12)])]), Greys(), pixels)
    assert [word.polygon.box[2] for word in elsewhere.words] == [80, 158]


def test_words_are_read_one_by_one_where_their_line_is_doubtful() -> None:
    pixels = page_of((100, ONE), (200, TWO))
    found = Found([(LINE, [ONE, TWO])])
    reader = Greys(alone=0.9, together=0.65)
    sure = read(found, reader, pixels)
    # The line's direction is settled first.
    assert reader.asked == ["g100 g200", "g200 g100", "g100", "g200"]
    assert [word.confidence for word in sure.words] == [0.9, 0.9]
    hardly_surer = read(found, Greys(alone=0.7, together=0.65), pixels)
    assert [word.confidence for word in hardly_surer.words] == [0.65, 0.65]
    confident = Greys(alone=0.9, together=0.75)
    read(found, confident, pixels)
    assert "g100" not in confident.asked


def test_for_a_reader_of_words_a_line_is_cut_anew_where_its_words_are_doubtful() -> None:
    pixels = page_of((100, ONE), (200, TWO))
    reader = Greys("word", alone=0.6, together=0.6)
    read(Found([(LINE, [LINE])]), reader, pixels)
    assert reader.asked[:3] == ["g100 g200", "g100", "g200"]


def test_a_line_without_words_is_read_as_lines_are() -> None:
    reader = Greys()
    assert read(Found([(LINE, [])]), reader, page_of((100, ONE), (200, TWO))).text == "g100 g200"
    assert reader.asked == ["g100 g200"]


def test_words_far_apart_are_lines_of_their_own() -> None:
    far = box(300, 40)
    found = Found([(box(18, 38, 350, 24), [ONE, TWO, far])])
    for reader in (Greys(), Greys(tells=True)):
        page = read(found, reader, page_of((100, ONE), (200, TWO), (50, far)))
        assert [line.text for line in page.lines] == ["g100 g200", "g50"]
    assert page.lines[0].polygon.box == pytest.approx((20, 40, 150, 60))


def test_words_do_not_stand_far_apart_where_others_are_read_between_them() -> None:
    between, far = box(165, 40, 120), box(300, 40)
    found = Found([(box(18, 38, 350, 24), [ONE, TWO, far])])
    page = read(
        found, Greys(tells=True), page_of((100, ONE), (200, TWO), (150, between), (50, far))
    )
    assert [line.text for line in page.lines] == ["g100 g200 g150 g50"]


def test_words_run_as_their_line_does() -> None:
    upright = strip_of(LINE)
    for line in (upright, upright.reversed()):
        strips = word_strips(line, [ONE, TWO])
        along = line.top[-1] - line.top[0]
        assert all(float((strip.top[-1] - strip.top[0]) @ along) > 0 for strip in strips)
        starts = [float(strip.top[0] @ along) for strip in strips]
        assert starts == sorted(starts)
    # A word that is taller than wide lies along its line all the same.
    tall = np.roll(box(160, 40, 12, 20), 1, axis=0)
    (strip,) = word_strips(upright, [tall])
    assert np.allclose(strip.top[0], (160, 40)) and strip.size == pytest.approx((12, 20))


def test_words_of_a_curved_line_stand_along_it() -> None:
    def band(first: float, last: float) -> Points:
        turns = np.radians(np.linspace(first, last, 12))
        rim = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        points = np.concatenate([240 + 200 * rim, 240 + 170 * rim[::-1]])
        return np.asarray(points, np.float32)

    line = strip_of(band(200, 340))
    assert line.curved
    words = [band(275, 336), band(204, 232), band(236, 271)]
    strips = word_strips(line, words)
    for strip, word in zip(strips, (words[1], words[2], words[0]), strict=True):
        own, drawn = geometry.shape(strip.polygon()), geometry.shape(word)
        assert own.intersection(drawn).area > 0.85 * drawn.area
    outline = geometry.shape(outline_of(strips))
    assert outline.area > 0.9 * sum(geometry.shape(word).area for word in words)
    assert all(gap_between(a, b) < 1.2 for a, b in pairwise(strips))


def test_words_must_be_told_of_all_lines_or_of_none() -> None:
    with pytest.raises(ValueError, match="2 polygons but words of 1"):
        Regions([LINE, LINE], np.ones(2, np.float32), "line", [[ONE]])

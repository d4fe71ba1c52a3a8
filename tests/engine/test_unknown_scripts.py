"""Pages with writing that the reader has no characters for."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB, Reading, Regions, Unit
from ocr_plugin.recognizers.second_opinion import UNKNOWN_SCRIPT
from ocr_plugin.schema import Component
from tests.engine.test_page_words import Found, box

_LEFT_OUT = "text in a script that this reader does not know was left out"


class Rows:
    """A detector that finds a line every 40 pixels."""

    component = Component(name="rows", version="1")

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        return [self._rows(page.shape[0]) for page in pages]

    def _rows(self, height: int) -> Regions:
        tops = range(0, height, 40)
        boxes = [np.array([(5, y), (185, y), (185, y + 30), (5, y + 30)], np.float32) for y in tops]
        return Regions(boxes, np.ones(len(boxes), np.float32))


class ByShade:
    """Reads a line by its shade of grey; seen the other way round, it is lighter by one."""

    component = Component(name="by_shade", version="1")
    unit: Unit = "line"

    def __init__(self, readings: Mapping[int, Reading]) -> None:
        self._readings = readings

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        return [self._readings[self._shade(crop)] for crop in crops]

    def _shade(self, crop: RGB) -> int:
        left, right = (int(crop[crop.shape[0] // 2, place, 0]) for place in (8, -8))
        return left // 10 * 10 + (1 if left > right else 0)


class ByWidth:
    """Knows no character of a long crop, and takes a short one for a Latin word."""

    component = Component(name="by_width", version="1")
    unit: Unit = "line"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        wide = [crop.shape[1] > 4 * crop.shape[0] for crop in crops]
        return [UNKNOWN_SCRIPT if each else Reading("Latin", 0.75) for each in wide]


def page_of(*shades: int) -> RGB:
    page = np.full((40 * len(shades), 200, 3), 255, np.uint8)
    for row, shade in enumerate(shades):
        page[40 * row : 40 * row + 30, 5:100] = shade
        page[40 * row : 40 * row + 30, 100:185] = shade + 5
    return page


KNOWN = Reading("known", 0.95)


@pytest.mark.parametrize(
    ("shades", "text", "warned"),
    [
        ((20, 20, 50), "known", True),
        ((20, 50, 50), "known\nknown", False),  # one such region may be a picture
        ((50, 50), "known\nknown", False),
    ],
)
def test_several_lines_in_another_script_are_told(
    shades: tuple[int, ...], text: str, warned: bool
) -> None:
    reader = ByShade({20: UNKNOWN_SCRIPT, 21: Reading("", 0.0), 50: KNOWN, 51: KNOWN})
    page = Engine(detector=Rows(), recognizer=reader).read(page_of(*shades))
    assert page.text.split() == text.split()
    assert (_LEFT_OUT in page.warnings) == warned


def test_the_words_of_such_a_line_are_not_read_one_by_one() -> None:
    line, words = box(10, 5, 190, 30), [box(20, 10), box(120, 10)]
    engine = Engine(detector=Found([(line, words)]), recognizer=ByWidth())
    assert engine.read(np.full((60, 220, 3), 255, np.uint8)).text == ""
    one_word = Engine(detector=Found([(words[0], [])]), recognizer=ByWidth())
    assert one_word.read(np.full((60, 220, 3), 255, np.uint8)).text == "Latin"


def test_another_script_turned_round_must_be_read_clearly() -> None:
    for sure, text in ((0.45, ""), (0.7, "turned")):
        reader = ByShade({20: UNKNOWN_SCRIPT, 21: Reading("turned", sure)})
        page = Engine(detector=Rows(), recognizer=reader).read(page_of(20, 20))
        assert set(page.text.split()) == set(text.split())
        assert bool(page.warnings) == (not text)

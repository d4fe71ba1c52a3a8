"""Pictures of extreme sizes: very long lines, single words, a few pixels."""

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.detectors.word_line import WordLine
from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB, Points, Reading, Regions, Unit
from ocr_plugin.schema import Component


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


class Found:
    """A detector that finds the same regions in every picture."""

    component = Component(name="found", version="1")

    def __init__(
        self, *polygons: Points, kind: Unit = "line", warnings: Sequence[str] = ()
    ) -> None:
        ones = np.ones(len(polygons), np.float32)
        self._regions = Regions(polygons, ones, kind=kind, warnings=warnings)

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        return [self._regions] * len(pages)


class Refuses(Found):
    """A detector that may not be asked."""

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        raise AssertionError("it was asked")


class Widths:
    """A recognizer that reads a crop's width, more or less surely."""

    component = Component(name="widths", version="1")
    unit: Unit = "line"

    def __init__(self, confidences: dict[int, float]) -> None:
        self._confidences = confidences
        self.asked: list[int] = []

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        widths = [crop.shape[1] for crop in crops]
        self.asked += widths
        return [Reading(str(width), self._confidences[width]) for width in widths]


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def line(text: str, height: int = 30, margin: int = 8) -> RGB:
    font = ImageFont.load_default(size=height)
    size = (int(font.getlength(text)) + 2 * margin, round(1.35 * height))
    picture = Image.new("RGB", size, (250, 250, 250))
    ImageDraw.Draw(picture).text((margin, 1), text, font=font, fill=(20, 20, 20))
    return np.array(picture)


def test_a_line_of_a_hundred_words_is_read_as_one_line(engine: Engine) -> None:
    text = " ".join(f"word{number:02}" for number in range(1, 100))
    pixels = line(text)
    assert pixels.shape[1] > 10_000
    page = engine.read(pixels)
    assert page.text == text
    places = [word.polygon.box[0] for word in page.words]
    assert places == sorted(places) and places[-1] > pixels.shape[1] - 200


PART = box(30, 2, 70, 18)
"""What a detector finds of a word of 80 x 20 pixels."""


@pytest.mark.parametrize(
    ("part", "whole", "text", "asked"),
    [
        (0.82, 0.9, "80", [40, 80]),
        (0.82, 0.85, "40", [40, 80]),
        (0.6, 0.85, "80", [40, 80]),
        (0.6, 0.64, "40", [40, 80, 40]),
        (0.96, 1.0, "40", [40]),
    ],
    ids=["surer", "hardly surer", "sure", "unsure", "no need"],
)
def test_a_picture_of_a_word_is_read_as_a_whole_if_that_is_sure(
    part: float, whole: float, text: str, asked: list[int]
) -> None:
    reader = Widths({40: part, 80: whole})
    page = Engine(Found(PART), reader).read(np.full((20, 80, 3), 200, np.uint8))
    assert page.text == text
    assert reader.asked == asked


@pytest.mark.parametrize(("whole", "text"), [(0.85, "80"), (0.75, "")])
def test_a_picture_in_which_nothing_is_found_is_read_only_if_sure(whole: float, text: str) -> None:
    page = Engine(Found(), Widths({80: whole})).read(np.full((20, 80, 3), 200, np.uint8))
    assert page.text == text


@pytest.mark.parametrize(
    ("found", "size"),
    [
        (Found(PART, box(30, 22, 70, 38)), (40, 80)),
        (Found(PART), (101, 120)),
        (Found(PART), (95, 75)),
        (Found(PART), (60, 80)),
        (Found(PART, kind="word"), (20, 80)),
        (Found(box(0, 0, 40, 20)), (20, 40)),
        (Found(PART), (20, 1201)),
    ],
    ids=["two lines", "high", "narrow", "small text", "words", "whole", "long"],
)
def test_other_pictures_are_read_where_text_was_found(found: Found, size: tuple[int, int]) -> None:
    reader = Widths({40: 0.9})
    Engine(found, reader).read(np.full((*size, 3), 200, np.uint8))
    assert set(reader.asked) == {40}


@pytest.mark.parametrize("text", ["america", "12.50", "Platform 9"])
@pytest.mark.parametrize("height", [12, 18])
def test_small_pictures_of_a_word_are_read(engine: Engine, text: str, height: int) -> None:
    assert engine.read(line(text, height, margin=2)).text == text


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 3), (1, 40), (40, 1), (16, 16), (20, 60)])
def test_nothing_is_read_where_there_is_no_text(engine: Engine, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    ramp = np.broadcast_to(
        np.linspace(0, 255, size[1]).astype(np.uint8)[None, :, None], noise.shape
    )
    for pixels in (np.full_like(noise, 255), noise, np.array(ramp)):
        assert engine.read(pixels).text == ""


@pytest.mark.parametrize("size", [(1, 500_000), (5_000_000, 1), (3, 400), (400, 3)])
def test_a_flat_picture_has_no_text_and_says_that_none_was_looked_for(
    size: tuple[int, int],
) -> None:
    found, reader = Refuses(), Widths({})
    page = Engine(found, reader).read(np.zeros((*size, 3), np.uint8))
    assert (page.text, page.source.height, page.source.width) == ("", *size)
    assert page.warnings == (f"no text was looked for: a side of {min(size)} px is too short",)
    with pytest.raises(AssertionError, match="asked"):
        Engine(found, reader).read(np.zeros((4, 400, 3), np.uint8))


def test_nor_is_any_where_it_is_asked_for() -> None:
    region = (box(10, 0, 100, 3), Constraint(characters="0123456789"))
    page = Engine(Refuses(), "ppocr").read(np.zeros((3, 400, 3), np.uint8), regions=[region])
    assert page.text == "" and "too short" in page.warnings[0]


def test_what_a_detector_warns_of_is_in_the_page() -> None:
    page = Engine(Found(PART, warnings=("part of it",)), Widths({40: 0.9})).read(
        np.full((60, 80, 3), 200, np.uint8)
    )
    assert page.warnings == ("part of it",)


@pytest.mark.nightly
def test_a_line_of_30_by_500_000_pixels_is_searched_and_read_with_a_warning() -> None:
    pixels = np.full((30, 500_000, 3), 250, np.uint8)
    words = {place: f"place{place // 1000}" for place in (1000, 251_000, 480_000)}
    for place, word in words.items():
        drawn = line(word, 20)
        pixels[: drawn.shape[0], place : place + drawn.shape[1]] = drawn[:30]
    page = Engine(WordLine(islands=False)).read(pixels)
    assert page.text.split() == list(words.values())
    assert "500000 x 30 pixels was searched for text at 1/2." in page.warnings[0]


def test_a_very_long_picture_in_which_nothing_is_found_is_not_read_on_trial() -> None:
    reader = Widths({})
    assert Engine(Found(), reader).read(np.full((30, 500_000, 3), 200, np.uint8)).text == ""
    assert reader.asked == []

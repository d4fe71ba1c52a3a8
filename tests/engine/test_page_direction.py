"""What a region alone cannot tell, which way up it is, the page as a whole does."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.page_direction import along, disagrees, is_preferred, page_direction
from ocr_plugin.layout.words import ReadRegion
from ocr_plugin.protocols import Points, Reading
from ocr_plugin.regions.strips import plane_strip

ROWS = [("101", "1"), ("8709", "7"), ("66", "1"), ("1600.5", "9"), ("909", "6"), ("88.1", "11")]
NUMBERS = [number for row in ROWS for number in row]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(recognizer="ppocr")


def drawn(turn: int, title: str) -> Image.Image:
    """Draws a table of numbers, turned anticlockwise by some degrees."""
    picture = Image.new("RGB", (640, 480), "white")
    canvas = ImageDraw.Draw(picture)
    canvas.text((40, 30), title, font=ImageFont.load_default(size=26), fill="black")
    for row, cells in enumerate(ROWS):
        for x, cell in zip((60, 420), cells, strict=True):
            canvas.text(
                (x, 100 + row * 58), cell, font=ImageFont.load_default(size=24), fill="black"
            )
    return picture.rotate(turn, expand=True, fillcolor="white")


@pytest.mark.parametrize(("turn", "title"), [(0, ""), (0, "Pieces"), (180, "Pieces by week")])
def test_numbers_are_read_the_way_that_the_page_is(engine: Engine, turn: int, title: str) -> None:
    page = engine.read(np.asarray(drawn(turn, title)))
    assert page.text.split() == title.split() + NUMBERS


def test_a_label_on_its_side_stays_on_its_side(engine: Engine) -> None:
    picture = drawn(0, "Production by month")
    label = Image.new("RGB", (240, 32), "white")
    text = "Output in tonnes"
    ImageDraw.Draw(label).text((4, 2), text, font=ImageFont.load_default(size=24), fill="black")
    picture.paste(label.rotate(90, expand=True), (8, 150))
    assert text in engine.read(np.asarray(picture)).text


def region(text: str, confidence: float, turn: int = 0, width: float = 90) -> ReadRegion:
    strip = plane_strip(np.roll(quad(width), -turn, axis=0))
    return ReadRegion(strip, [strip], (), [Reading(text, confidence)])


def quad(width: float) -> Points:
    return np.array([(0, 0), (width, 0), (width, 20), (0, 20)], np.float32)


def test_letters_vote_before_digits() -> None:
    digits = [region("8709", 0.99, turn=2) for _ in range(5)]
    direction = page_direction([*digits, region("Total", 0.9)])
    assert direction is not None and direction.tolist() == [1, 0]
    direction = page_direction(digits)
    assert direction is not None and direction.tolist() == [-1, 0]


def test_without_a_majority_or_anyone_sure_there_is_no_direction() -> None:
    assert page_direction([region("left", 0.9), region("flipped", 0.9, turn=2)]) is None
    assert page_direction([region("doubtful", 0.5)]) is None
    assert page_direction([]) is None


def test_who_disagrees_and_what_is_then_preferred() -> None:
    direction = np.array([1.0, 0.0])
    assert not disagrees(region("Total", 0.9), direction)
    assert disagrees(region("L0L", 0.95, turn=2), direction)
    straight = along(np.roll(quad(90), -2, axis=0), direction)
    assert straight.quad.tolist() == quad(90).tolist()
    short = region("L", 0.99, turn=2)
    assert is_preferred(region("7", 0.6), short)
    assert not is_preferred(region("7", 0.4), short)
    long = region("tonnes", 0.95, turn=1)
    assert is_preferred(region("tonnes", 0.8), long)
    assert not is_preferred(region("sauuo", 0.6), long)


def test_a_page_of_thousands_of_regions_takes_no_memory_for_each_pair_of_them() -> None:
    voters = [region("words", 0.9)] * 4_000 + [region("words", 0.9, turn=2)] * 1_000
    tracemalloc.start()
    direction = page_direction(voters)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert direction is not None and direction[0] > 0.99
    assert most < 5_000 * 5_000 * 8 / 2

"""Rows of dots in tables of contents are found, counted, and stand in their line."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.leaders import count_dots
from ocr_plugin.protocols import RGB
from ocr_plugin.regions.strips import plane_strip

ENTRIES = [("Preface", "3"), ("1 Paper and ink", "17"), ("Contents of the boxes", "204")]
STRIP = plane_strip(np.array([(0, 0), (400, 0), (400, 32), (0, 32)], np.float32))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(recognizer="ppocr")


def contents(pitch: int) -> tuple[RGB, list[str]]:
    """Returns a table of contents and its lines as text."""
    picture = Image.new("RGB", (640, 220), "white")
    canvas, font = ImageDraw.Draw(picture), ImageFont.load_default(size=26)
    lines = []
    for row, (title, number) in enumerate(ENTRIES):
        y, end = 30 + 58 * row, 600 - font.getlength(number)
        canvas.text((30, y), title, font=font, fill="black")
        canvas.text((end, y), number, font=font, fill="black")
        places = np.arange(30 + font.getlength(title) + 12, end - 16, pitch)
        for x in places:
            canvas.text((float(x), y), ".", font=font, fill="black")
        lines.append(f"{title} {'.' * len(places)} {number}")
    return np.asarray(picture), lines


@pytest.mark.parametrize("pitch", [8, 13])
def test_a_leader_stands_between_its_entry_and_the_number(engine: Engine, pitch: int) -> None:
    pixels, lines = contents(pitch)
    assert [line.text for line in engine.read(pixels).lines] == lines


def row(*middles: float, size: int = 4, y: float = 24) -> RGB:
    pixels = np.full((32, 400, 3), 240, np.uint8)
    for x in middles:
        left, top = round(x - size / 2), round(y - size / 2)
        pixels[top : top + size, left : left + size] = 20
    return pixels


def test_dots_are_counted_with_those_that_are_covered() -> None:
    assert count_dots(row(*range(20, 380, 12)), STRIP)[0] == 30
    covered = [x for x in range(20, 380, 12) if x not in (140, 152)]
    assert count_dots(row(*covered), STRIP)[0] == 30


@pytest.mark.parametrize(
    "pixels",
    [
        row(),
        row(50, 60, 70),
        row(20, 31, 77, 80, 130, 190, 260, 350),
        row(*range(20, 380, 12), y=8),
        row(*range(20, 380, 20), size=14),
    ],
    ids=["nothing", "three", "uneven", "high up", "large"],
)
def test_what_is_no_leader(pixels: RGB) -> None:
    assert count_dots(pixels, STRIP) == (0, 0.0)

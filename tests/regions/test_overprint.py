"""Coloured ink across print is taken apart from it; coloured ink beside print is not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB
from ocr_plugin.regions.overprint import overprint_of

LINES = ["Delivery note 4471", "Quantity: 12 boxes", "Weight: 36.5 kg", "Received in good order"]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(recognizer="ppocr")


def page() -> Image.Image:
    picture = Image.new("RGB", (640, 300), (252, 250, 246))
    canvas = ImageDraw.Draw(picture)
    for row, line in enumerate(LINES):
        place = (40, 30 + 62 * row)
        canvas.text(place, line, font=ImageFont.load_default(size=30), fill=(25, 25, 28))
    return picture


def stamped(colour: tuple[int, int, int], angle: float = 14) -> RGB:
    stamp = Image.new("L", (300, 110))
    canvas = ImageDraw.Draw(stamp)
    canvas.rounded_rectangle((4, 4, 295, 105), 12, outline=255, width=6)
    canvas.text((42, 18), "CHECKED", font=ImageFont.load_default(size=52), fill=255)
    mask = np.asarray(stamp.rotate(angle, expand=True), np.float32)[..., None] / 255
    # Ink takes light away, from paper and from print alike.
    passed = 1 - 0.9 * mask * (1 - np.array(colour, np.float32) / 255)
    pixels = np.array(page())
    part = np.s_[60 : 60 + mask.shape[0], 150 : 150 + mask.shape[1]]
    pixels[part] = (pixels[part] * passed).astype(np.uint8)
    return pixels


@pytest.mark.parametrize("colour", [(200, 30, 40), (30, 60, 190)], ids=["red", "blue"])
def test_a_stamp_costs_neither_itself_nor_the_print(
    engine: Engine, colour: tuple[int, int, int]
) -> None:
    lines = [line.text for line in engine.read(stamped(colour)).lines]
    assert sorted(lines) == sorted([*LINES, "CHECKED"])


def test_print_without_a_stamp_is_as_it_is() -> None:
    assert overprint_of(np.asarray(page())) is None


def test_coloured_words_beside_black_ones_are_no_stamp() -> None:
    picture = page()
    canvas, font = ImageDraw.Draw(picture), ImageFont.load_default(size=30)
    canvas.text((420, 92), "urgent", font=font, fill=(200, 0, 0))
    canvas.text((420, 154), "fragile", font=font, fill=(0, 0, 200))
    assert overprint_of(np.asarray(picture)) is None


def test_a_coloured_background_is_no_stamp() -> None:
    picture = Image.new("RGB", (640, 300), (90, 140, 230))
    ImageDraw.Draw(picture).text((40, 60), LINES[0], font=ImageFont.load_default(size=30))
    assert overprint_of(np.asarray(picture)) is None
    filled = page()
    pixels = np.array(filled)
    pixels[85:140, 30:600] = np.minimum(pixels[85:140, 30:600], (250, 220, 60))
    assert overprint_of(pixels) is None


def test_fringes_of_colour_are_no_stamp() -> None:
    pixels = np.array(page())
    pixels[:, 1:, 0] = pixels[:, :-1, 0].copy()
    assert overprint_of(pixels) is None


def test_print_in_dark_colour_is_read_once(engine: Engine) -> None:
    pixels = stamped((30, 60, 190))
    # Print of a colour between: much of it is black, its edges are coloured.
    dark = pixels.max(axis=2) < 90
    pixels[dark] = (20, 20, 95)
    lines = [line.text for line in engine.read(pixels).lines]
    assert len(lines) == len(set(lines))
    assert sum("Received" in line for line in lines) == 1

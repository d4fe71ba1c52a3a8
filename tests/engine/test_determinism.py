"""What is read of a crop or a page, alone, among others, and in another order."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin import plugins
from ocr_plugin.engine.engine import Engine
from ocr_plugin.options import EngineOptions
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component, Page

TEXTS = [
    "america", "Platform 9", "12.50", "Ausgang", "WEST", "corner 41b", "unmistakably", "x",
    "Invoice 2024-117", "tea", "MILK & honey", "hydrogen",
]  # fmt: skip
ORDERS = {
    "together": list(range(len(TEXTS))),
    "reversed": list(range(len(TEXTS)))[::-1],
    "shuffled": np.random.default_rng(3).permutation(len(TEXTS)).tolist(),
    "twice": [*range(len(TEXTS)), *range(len(TEXTS))],
}
TOLERANCE = 1e-4
"""The difference of confidences that `protocols.Recognizer` allows."""


def drawn(text: str, place: int) -> RGB:
    """Returns a crop that is harder to read the later it comes."""
    font = ImageFont.load_default(size=18 + place)
    size = (int(font.getlength(text)) + 8, 30 + place)
    picture = Image.new("RGB", size, (235, 235, 235))
    ImageDraw.Draw(picture).text((4, 2), text, font=font, fill=(90 + 8 * place,) * 3)
    noise = np.random.default_rng(place).normal(0, 3 * place, (size[1], size[0], 1))
    return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)


CROPS = [drawn(text, place) for place, text in enumerate(TEXTS)]


def confidences(reading: Reading) -> list[float]:
    words = [
        (word.confidence, *(share for _, share in word.alternatives)) for word in reading.words
    ]
    return [reading.confidence, *(each for own in words for each in own)]


@pytest.mark.parametrize("name", ["ppocr", "clip4str", "second_opinion"])
def test_a_crop_is_read_alike_whatever_else_is_read(name: str) -> None:
    recognizer = plugins.make_recognizer(name)
    alone = [recognizer.recognize([crop])[0] for crop in CROPS]
    assert len({reading.text for reading in alone}) > len(TEXTS) / 2
    for order in ORDERS.values():
        found = recognizer.recognize([CROPS[index] for index in order])
        for index, reading in zip(order, found, strict=True):
            assert reading.text == alone[index].text
            assert [word.text for word in reading.words] == [w.text for w in alone[index].words]
            assert confidences(reading) == pytest.approx(confidences(alone[index]), abs=TOLERANCE)


EXACT = EngineOptions(detector_batch=1, recognizer_batch=1)


def contents(page: Any) -> dict[str, Any]:
    assert isinstance(page, Page)
    return page.model_dump(exclude={"source"})


@pytest.mark.parametrize("recognizer", ["ppocr", "second_opinion"])
def test_pages_that_are_read_one_by_one_are_the_same_to_the_last_digit(recognizer: str) -> None:
    engine = Engine(recognizer=recognizer, options=EXACT)
    pages = CROPS[4:9]
    alone = [contents(engine.read(page)) for page in pages]
    for order in ([0, 1, 2, 3, 4], [3, 1, 4, 0, 2]):
        found = [contents(page) for page in engine.read_many([pages[index] for index in order])]
        assert found == [alone[index] for index in order]


class Crowded:
    """A recognizer that is the less sure the more crops it is given at once."""

    component = Component(name="crowded", version="1")
    unit: Unit = "line"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        return [Reading("text", 0.9 - 1e-5 * len(crops)) for _ in crops]


@pytest.mark.parametrize("exact", [True, False])
def test_one_by_one_no_recognizer_sees_more_than_one_crop(exact: bool) -> None:
    engine = Engine("whole_image", Crowded(), options=EXACT if exact else None)
    sources = [np.full((40, 40 + place, 3), 200, np.uint8) for place in range(3)]
    alone = [contents(engine.read(source)) for source in sources]
    assert ([contents(page) for page in engine.read_many(sources)] == alone) is exact

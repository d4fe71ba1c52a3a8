"""Doubtful words are chosen again when their page has been read."""

from collections.abc import Sequence

import numpy as np

from ocr_plugin import Constraint, Engine
from ocr_plugin.batch.engines import timed
from ocr_plugin.protocols import RGB, Points, Reading, Regions, Unit, WordReading
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.schema import Component
from tests.pictures import draw_lines

DRAWN = draw_lines([(20, 20, "first line"), (20, 120, "second line")])


class Halves:
    """Finds a line in each half of a page."""

    component = Component(name="halves", version="1")

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        return [Regions(self._halves(page), np.ones(2, np.float32)) for page in pages]

    def _halves(self, page: RGB) -> list[Points]:
        height, width = page.shape[:2]
        half = height // 2
        return [
            np.array([(0, y), (width, y), (width, y + half), (0, y + half)], np.float32)
            for y in (0, half)
        ]


class Cabinet:
    """Reads U2 and UI everywhere, and thinks again where another word is a part number."""

    component = Component(name="cabinet", version="1")
    unit: Unit = "line"

    def guided(self, guidance: Guidance) -> "Cabinet":
        return self

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        words = (
            WordReading("U2", 0.99, (0.0, 0.4)),
            WordReading("UI", 0.9, (0.5, 1.0), alternatives=(("U1", 0.1),)),
        )
        return [Reading("U2 UI", 0.9, words) for _ in crops]

    def reconsidered(self, words: Sequence[WordReading]) -> list[WordReading]:
        assert [word.text for word in words] == ["U2", "UI"] * (len(words) // 2)
        self.seen = len(words)
        again = WordReading("U1", 0.95, (0.5, 1.0), alternatives=(("UI", 0.05),))
        return [again if word.text == "UI" else word for word in words]


def test_all_words_of_a_page_are_reconsidered_together() -> None:
    reader = Cabinet()
    page = Engine(Halves(), reader).read(DRAWN.pixels)
    assert [line.text for line in page.lines] == ["U2 U1", "U2 U1"] and reader.seen == 4
    word = page.words[1]
    assert word.confidence == 0.95 and [each.text for each in word.alternatives] == ["UI"]


def test_a_timed_recognizer_reconsiders_as_well() -> None:
    engine, _ = timed(Engine(Halves(), Cabinet()))
    assert engine.read(DRAWN.pixels).text == "U2 U1\nU2 U1"


def test_what_a_constraint_is_about_is_not_reconsidered() -> None:
    height, width = DRAWN.pixels.shape[:2]
    top = [(0, 0), (width, 0), (width, height // 2), (0, height // 2)]
    engine = Engine(Halves(), Cabinet())
    page = engine.read(DRAWN.pixels, regions=[(top, Constraint(pattern="[A-Z0-9]+"))])
    assert [line.text for line in page.lines] == ["U2 UI", "U2 U1"]

"""A wrong answer of a plugin is the error of the page that it is about, and of no other."""

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.engine import engine
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.page_task import PageWork
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import EngineOptions
from ocr_plugin.pages.source import Source
from ocr_plugin.protocols import RGB, Reading, Regions, WordReading
from ocr_plugin.schema import Component, Page, PageError
from tests.engine.test_engine import Cells, Shades, cells, texts

BAD = 77


class Wrong(Shades):
    """Answers wrongly for one shade."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def recognize(self, crops: Sequence[RGB]) -> list[Any]:
        right = super().recognize(crops)
        shades = [int(crop[2, 2, 2]) for crop in crops]
        if BAD in shades and isinstance(self.answer, BaseException):
            raise self.answer
        return [
            self.answer if shade == BAD else own for shade, own in zip(shades, right, strict=True)
        ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "answered NoneType, not a Reading"),
        ("text", "answered str, not a Reading"),
        (Reading("sum", 5.0), "5.0 sure of 'sum'"),
        (Reading("sum", math.nan), "nan sure of 'sum'"),
        (Reading("a\x1b[31mb", 0.9), "control characters"),
        (Reading("a\x9b31mb", 0.9), "control characters"),
        (Reading("a\u202eb", 0.9), "control characters"),
        (Reading("a", 0.9, (WordReading("a", 0.9, alternatives=(("\u2066b", 0.1),)),)), "control"),
        (Reading("a", 0.9, (WordReading("a", 0.9, (0.0, math.inf)),)), "is at"),
        (Reading("a", 0.9, (WordReading("a", 0.9, alternatives=(("b", 7.0),)),)), "7.0 sure"),
        (SystemExit(3), "asked for the end of the process: 3"),
        (MemoryError("no memory"), "no memory"),
    ],
)
def test_a_wrong_reading_costs_its_page_alone(answer: object, message: str) -> None:
    pages = [cells(1), cells(2, BAD), cells(3), cells(4)]
    found = list(Engine(Cells(), Wrong(answer)).read_many(pages))
    assert [type(page) for page in found] == [Page, PageError, Page, Page]
    assert isinstance(found[1], PageError) and message in found[1].message
    assert [texts(found[index]) for index in (0, 2, 3)] == [["s1"], ["s3"], ["s4"]]


def test_letters_that_are_joined_or_marked_are_no_control_characters() -> None:
    # Persian with a joiner, Hebrew with a mark of its direction.
    for text in ("\u0645\u06cc\u200c\u062e", "\u05d0\u200f\u05d1"):
        (page,) = Engine(Cells(), Wrong(Reading(text, 0.9))).read_many([cells(BAD)])
        assert isinstance(page, Page) and texts(page) == [text]


class Finder:
    """Finds the same on every page with a light corner, and a cell on others."""

    component = Component(name="finder", version="1")

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def detect(self, pages: Sequence[RGB]) -> list[Any]:
        return [self.answer if page[0, 0, 0] > 200 else Cells().detect([page])[0] for page in pages]


def quad(*points: tuple[float, float], kind: str = "word") -> Regions:
    return Regions([np.array(points, np.float32)], np.ones(1, np.float32), kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "answered NoneType, not Regions"),
        (quad((1, 1), (9, 1), (9, 9), kind="bogus"), "'bogus'; line or word"),
        (quad((1, 1), (math.nan, 1), (9, 9)), "not finite"),
        (quad((1, 1)), "has the shape (1, 2)"),
        (quad((1e9, 1), (2e9, 1), (2e9, 9)), "outside the page"),
        (quad((1, 1), (9, 1), (20, 1), (5, 1)), "has no area"),
        (quad((3, 3), (3, 3), (3, 3)), "has no area"),
    ],
)
def test_wrong_regions_cost_their_page_alone(answer: object, message: str) -> None:
    light = np.full((40, 40, 3), 255, np.uint8)
    found = list(Engine(Finder(answer), Shades()).read_many([cells(1), light, cells(3)]))
    assert [type(page) for page in found] == [Page, PageError, Page]
    assert isinstance(found[1], PageError) and message in found[1].message


def test_the_first_page_does_not_wait_for_a_full_batch_of_crops() -> None:
    taken = 0

    def pages() -> Iterator[Source]:
        nonlocal taken
        for _ in range(200):
            taken += 1
            yield cells(5)

    options = EngineOptions(detector_batch=4, recognizer_batch=64, decode_threads=1)
    recognizer = Shades()
    results = Engine(Cells(), recognizer, options=options).read_many(pages())
    next(results)
    assert taken <= 2 * 4 + 8  # two batches of the detector, and what is decoded ahead
    assert len(list(results)) == 199
    assert max(recognizer.batches) == 64  # later pages fill whole batches


def test_no_more_pixels_are_held_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    def pages() -> Iterator[Source]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield cells(5)

    def held() -> int:
        """Returns how many pages were taken and not given, at most."""
        nonlocal taken
        taken = 0
        options = EngineOptions(detector_batch=1, recognizer_batch=64, decode_threads=1)
        results = Engine(Cells(), Shades(), options=options).read_many(pages())
        return max(taken - given for given, _ in enumerate(results))

    assert held() > 30
    height, width = cells(5).shape[:2]
    monkeypatch.setattr(engine, "_MOST_PIXELS", 3 * height * width)
    assert held() <= 3 + 1 + 3  # one more before it shows, and what is decoded ahead


def test_a_page_that_no_stage_ends_is_an_error_and_none_vanishes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PageWork, "done", False)
    found = list(Engine(Cells(), Shades()).read_many([cells(1), b"no picture", cells(3)]))
    assert all(isinstance(page, PageError) for page in found)
    assert [page.message for page in found if isinstance(page, PageError)] == [
        "its reading did not come to an end",
        "<bytes>: not an image in a supported format",
        "its reading did not come to an end",
    ]


@pytest.mark.parametrize(
    "single",
    [
        "scan.tiff",
        Path("scan.tiff"),
        b"bytes",
        bytearray(b"bytes"),
        memoryview(b"bytes"),
        cells(1),
        Image.fromarray(cells(1)),
        io.BytesIO(b"bytes"),
        7,
        None,
    ],
)
def test_one_source_in_place_of_several_is_an_error_at_the_call(single: Any) -> None:
    with pytest.raises(TypeError, match="read_many takes several sources"):
        Engine(Cells(), Shades()).read_many(single)


def test_an_engine_is_called_with_the_right_things() -> None:
    assert Engine(Cells(), Shades(), options={"min_confidence": 0.1}).options.min_confidence == 0.1
    with pytest.raises(ConfigurationError, match="min_confidenc: Extra inputs"):
        Engine(Cells(), Shades(), options={"min_confidenc": 0.1})
    with pytest.raises(ConfigurationError, match="options are EngineOptions, not a list"):
        Engine(Cells(), Shades(), options=[])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="the detector is the class Cells"):
        Engine(Cells, Shades())  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="a object is no recognizer"):
        Engine(Cells(), object())  # type: ignore[arg-type]

"""What shapes are read as is no text, unless the page says that it may be."""

import numpy as np
import pytest

from ocr_plugin.engine.attempt import Attempt
from ocr_plugin.engine.lookalikes import without_lookalikes
from ocr_plugin.protocols import CharacterReading, Reading, WordReading
from ocr_plugin.regions.strips import plane_strip

STRIP = plane_strip(np.array([(0, 0), (90, 0), (90, 20), (0, 20)], np.float32))


def attempt(text: str, confidence: float, *, is_required: bool = False) -> Attempt:
    texts = text.split()
    words = tuple(
        WordReading(
            word,
            confidence,
            (place / len(texts), (place + 1) / len(texts)),
            characters=tuple(CharacterReading(each, confidence) for each in word),
        )
        for place, word in enumerate(texts)
    )
    reading = Reading(text, confidence, words)
    return Attempt(STRIP, [STRIP], (), [reading], is_required=is_required)


def kept(*read: Attempt) -> list[str]:
    readings = [reading for each in without_lookalikes(read) for reading in each.readings]
    return [reading.text for reading in readings if reading is not None]


@pytest.mark.parametrize(
    "shapes",
    [
        ["田", "目", "田"],
        ["下"],
        ["00808880", "08088080"],
        ["mmmmm"],
        ["OOOOOOOOO"],
        ["日日"],
    ],
)
def test_shapes_alone_are_no_text(shapes: list[str]) -> None:
    assert kept(*(attempt(each, 0.88) for each in shapes)) == []


def test_a_doubtful_character_alone_is_no_text() -> None:
    assert kept(attempt("L", 0.7), attempt("W", 0.55), attempt("0", 0.85)) == []


def test_a_page_that_has_text_keeps_rows_of_alike_characters() -> None:
    assert kept(attempt("Total", 0.9), attempt("00000000", 0.7), attempt("l", 0.6)) == [
        "Total",
        "00000000",
        "l",
    ]


@pytest.mark.parametrize("text", ["8", "00", "1000"])
def test_sure_numbers_may_stand_alone(text: str) -> None:
    assert kept(attempt(text, 0.98)) == [text]


@pytest.mark.parametrize("text", ["12", "47", "NO", "Café", "kd"])
def test_words_may_stand_alone_though_doubtful(text: str) -> None:
    least = 0.62 if len(text) < 3 else 0.55
    assert kept(attempt(text, least)) == [text]


def test_frames_are_ideographs_where_there_are_others() -> None:
    assert kept(attempt("東京都", 0.95), attempt("田", 0.9), attempt("口", 0.9)) == [
        "東京都",
        "田",
        "口",
    ]
    assert kept(attempt("Windows", 0.95), attempt("田", 0.97)) == ["Windows"]


def test_a_sign_of_two_ideographs_is_text() -> None:
    assert kept(attempt("中山", 0.97)) == ["中山"]


def test_boxes_and_dashes_are_what_they_look_like() -> None:
    assert kept(attempt("口 yes 口 no", 0.95), attempt("1920 一 1930", 0.95)) == [
        "□ yes □ no",
        "1920 — 1930",
    ]


def test_what_was_asked_for_is_always_told() -> None:
    assert kept(attempt("田", 0.5, is_required=True), attempt("l", 0.5, is_required=True)) == [
        "田",
        "l",
    ]

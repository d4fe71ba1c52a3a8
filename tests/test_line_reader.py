"""Lines that a recognizer of words reads."""

from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin.errors import ConfigurationError, UnknownPlugin
from ocr_plugin.line_reader import LineReader, line_reader
from ocr_plugin.ppocr import PPOcrRecognizer
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component
from tests.pictures import draw_lines


class Widths:
    """A recognizer of words that answers with the width of each crop, and counts its calls."""

    component = Component(name="widths", version="1")
    unit: Unit = "word"

    def __init__(self) -> None:
        self.calls = 0

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        self.calls += 1
        return [Reading(f"w{crop.shape[1]}", 0.8) for crop in crops]


def line(text: str) -> RGB:
    return draw_lines([(10, 8, text)], size=(20 + 24 * len(text), 56)).pixels


@pytest.mark.parametrize("splitter", ["ppocr", None])
def test_every_word_of_all_lines_is_read_in_one_call(splitter: str | None) -> None:
    reader = line_reader(words := Widths(), splitter)
    lines = [line("Harbour office open"), line("closed")]
    first, second = reader.recognize(lines)
    assert words.calls == 1
    assert len(first.text.split(" ")) == 3 and len(second.text.split(" ")) == 1
    assert first.word_confidences == (0.8,) * 3
    widths = [int(word[1:]) for word in first.text.split(" ")]
    assert sum(widths) <= lines[0].shape[1]


def test_words_keep_their_places_in_the_line() -> None:
    (reading,) = LineReader(Widths(), None).recognize([line("Harbour office open")])
    assert len(reading.character_extents) == len(reading.text)
    starts = [start for start, _ in reading.character_extents]
    assert starts == sorted(starts) and starts[0] >= 0 and starts[-1] < 1


def test_a_word_that_is_not_read_is_left_out() -> None:
    class Blind(Widths):
        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            return [Reading("", 0.0)] * len(crops)

    assert LineReader(Blind(), None).recognize([line("some words")]) == [Reading("", 0.0)]
    assert LineReader(Blind(), None).recognize([]) == []


def test_a_reader_of_lines_stays_what_it_is() -> None:
    reader = PPOcrRecognizer()
    assert line_reader(reader) is reader
    assert line_reader("ppocr").recognize([np.full((48, 100, 3), 255, np.uint8)])[0].text == ""


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="given by its name"):
        line_reader(Widths(), device="cpu")
    with pytest.raises(ConfigurationError, match="widths reads no lines"):
        line_reader(Widths(), Widths())
    with pytest.raises(UnknownPlugin):
        line_reader("nobody")

"""Lines that a recognizer of words reads."""

from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin.errors import ConfigurationError, UnknownPlugin
from ocr_plugin.protocols import RGB, Reading, Unit, WordReading
from ocr_plugin.recognizers.line_reader import LineReader, line_reader
from ocr_plugin.recognizers.line_words import (
    line_of,
    reread,
    spaced_spans,
    split,
    words_of,
)
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.regions.word_gaps import ink_spans
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
    assert [word.confidence for word in first.words] == [0.8] * 3
    widths = [int(word[1:]) for word in first.text.split(" ")]
    assert sum(widths) <= lines[0].shape[1]


def test_words_keep_their_places_in_the_line() -> None:
    (reading,) = LineReader(Widths(), None).recognize([line("Harbour office open")])
    starts = [word.span[0] for word in reading.words]
    assert len(starts) == 3 and starts == sorted(starts) and starts[0] >= 0 and starts[-1] < 1


def test_a_word_that_is_not_read_is_left_out() -> None:
    class Blind(Widths):
        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            return [Reading("", 0.0)] * len(crops)

    assert LineReader(Blind(), None).recognize([line("some words")]) == [Reading("", 0.0)]
    assert LineReader(Blind(), None).recognize([]) == []


def test_fewer_answers_than_words_are_an_error() -> None:
    class Short(Widths):
        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            return super().recognize(crops)[1:]

    with pytest.raises(RuntimeError, match="answered 2 of 3 words"):
        LineReader(Short(), None).recognize([line("Harbour office open")])


class Splitter:
    """Reads every line as two words, the first one a quarter of the line."""

    component = Component(name="splitter", version="1")
    unit: Unit = "line"

    def __init__(self, confidence: float) -> None:
        self.confidence, self.calls = confidence, 0

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        self.calls += 1
        words = (WordReading("ab", 0.9, (0.0, 0.25)), WordReading("cd", 0.9, (0.3, 1.0)))
        return [Reading("ab cd", self.confidence, words) for _ in crops]


def test_a_splitter_is_believed_where_it_is_sure() -> None:
    drawn = line("Open daily from nine to five")
    sure, unsure = Splitter(0.9), Splitter(0.1)
    assert [len(words) for words in split([drawn, drawn], sure)] == [2, 2] and sure.calls == 1
    by_ink = ink_spans(drawn)
    for reader in (unsure, None):
        (words,) = split([drawn], reader)
        assert [(word.text, word.span) for word in words] == [("", span) for span in by_ink]


def test_a_new_word_stands_where_the_old_one_stood() -> None:
    old = WordReading("old", 0.5, (0.2, 0.4)), WordReading("sure", 0.9, (0.5, 0.9))
    ((new, kept),) = reread(
        [line("old sure")],
        [old],
        Widths(),
        lambda word: word.confidence < 0.6,
        lambda new, old: new,
    )
    assert (new.text[0], new.span) == ("w", (0.2, 0.4)) and kept == old[1]


def test_words_of_a_line_are_joined_by_spaces() -> None:
    left, right = WordReading("ab", 0.9, (0.0, 0.2)), WordReading("c", 0.6, (0.5, 1.0))
    whole = line_of([left, WordReading("", 0.5, (0.3, 0.4)), right])
    assert (whole.text, whole.words) == ("ab c", (left, right))
    assert whole.confidence == pytest.approx((2 * 0.9 + 0.6) / 3)
    assert line_of([left]) == Reading("ab", 0.9, (left,))
    assert line_of([]) == Reading("", 0.0)


def test_without_words_characters_share_the_width() -> None:
    first, second = words_of(Reading("ab cd", 0.9))
    assert (first.text, second.text) == ("ab", "cd")
    assert first.span[1] < 0.5 < second.span[0]
    assert words_of(Reading("", 0.0)) == ()


def test_any_white_space_parts_words() -> None:
    assert [word.text for word in words_of(Reading("ab\u3000cd \tef", 0.9))] == ["ab", "cd", "ef"]


def test_spaces_of_a_reading_part_its_words() -> None:
    extents = ((0.0, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.6), (0.7, 0.9))
    (*first, one), (*second, other) = spaced_spans("ab cd", extents)
    assert (first, second) == ([0, 2], [3, 5])
    assert one[0] == 0.0
    assert 0.2 <= one[1] <= other[0] <= 0.4
    assert 0.9 <= other[1] <= 1.0


def test_a_reader_of_lines_stays_what_it_is() -> None:
    reader = PPOcrRecognizer()
    assert line_reader(reader) is reader
    assert line_reader("ppocr").recognize([np.full((48, 100, 3), 255, np.uint8)])[0].text == ""


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="given by name"):
        line_reader(Widths(), device="cpu")
    with pytest.raises(ConfigurationError, match="widths reads words"):
        line_reader(Widths(), Widths())
    with pytest.raises(UnknownPlugin):
        line_reader("nobody")

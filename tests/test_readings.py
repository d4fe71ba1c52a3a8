from dataclasses import replace

import pytest

from ocr_plugin import readings
from ocr_plugin.protocols import Reading
from ocr_plugin.readings import joined


def test_spaces_of_a_reading_part_its_words() -> None:
    extents = ((0.0, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.6), (0.7, 0.9))
    reading = Reading("ab cd", 0.9, (0.9,) * 5, extents)
    first, second = readings.spaced_spans(reading)
    assert (first.first, first.last, second.first, second.last) == (0, 2, 3, 5)
    assert first.start == 0.0
    assert 0.2 <= first.end <= second.start <= 0.4
    assert 0.9 <= second.end <= 1.0


def test_without_extents_characters_share_the_width() -> None:
    first, second = readings.spaced_spans(Reading("ab cd", 0.9))
    assert first.end < 0.5 < second.start


def test_any_white_space_parts_words() -> None:
    spans = readings.spaced_spans(Reading("ab\u3000cd \tef", 0.9))
    assert [(span.first, span.last) for span in spans] == [(0, 2), (3, 5), (7, 9)]


def test_no_text_has_no_words() -> None:
    assert readings.spaced_spans(Reading("", 0.0)) == []


@pytest.mark.parametrize("count", [1, 2, 9])
def test_even_extents_fill_the_span_of_their_word(count: int) -> None:
    extents = readings.even_extents(count, 0.2, 0.8)
    assert len(extents) == count
    (span,) = readings.spaced_spans(Reading("x" * count, 0.9, (0.9,) * count, extents))
    assert (span.start, span.end) == pytest.approx((0.2, 0.8))


def test_words_are_joined_by_spaces_that_have_a_place() -> None:
    left = Reading("ab", 0.9, (0.9, 0.8), ((0.0, 0.1), (0.1, 0.2)))
    right = Reading("c", 0.6, (0.7,), ((0.5, 1.0),))
    whole = joined([left, Reading("", 0.5), right])
    assert whole.text == "ab c"
    assert whole.confidence == pytest.approx((2 * 0.9 + 0.6) / 3)
    assert whole.character_confidences == (0.9, 0.8, 0.6, 0.7)
    assert whole.character_extents == ((0.0, 0.1), (0.1, 0.2), (0.2, 0.5), (0.5, 1.0))
    assert joined([left]) == replace(left, word_confidences=(0.9,))

from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin import words
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component
from tests.pictures import draw_lines

SENTENCE = "Open daily from nine to five"


@pytest.mark.parametrize("height", [16, 24, 48])
@pytest.mark.parametrize(
    ("ink", "paper"), [((0, 0, 0), (255, 255, 255)), ((250, 220, 40), (20, 60, 120))]
)
def test_ink_gaps_part_the_words(
    height: int, ink: tuple[int, int, int], paper: tuple[int, int, int]
) -> None:
    drawn = draw_lines(
        [(6, 4, SENTENCE)],
        size=(height * 14, height + 12),
        height=height,
        ink=ink,
        paper=paper,
    )
    width = drawn.pixels.shape[1]
    spans = words.ink_spans(drawn.pixels)
    assert len(spans) == len(SENTENCE.split())
    for (start, end), (x0, _, x1, _) in zip(spans, drawn.words.values(), strict=True):
        assert start * width == pytest.approx(x0, abs=0.25 * height)
        assert end * width == pytest.approx(x1, abs=0.25 * height)


class Splitter:
    """Reads every line as two words, the first one a quarter of the line."""

    component = Component(name="splitter", version="1")
    unit: Unit = "line"

    def __init__(self, confidence: float) -> None:
        self.confidence = confidence

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        extents = ((0.0, 0.125), (0.125, 0.25), (0.25, 0.3), (0.3, 0.6), (0.6, 1.0))
        return [Reading("ab cd", self.confidence, (self.confidence,) * 5, extents) for _ in crops]


def test_a_splitter_is_believed_where_it_is_sure() -> None:
    line = draw_lines([(6, 4, SENTENCE)], size=(600, 44), height=32).pixels
    assert len(words.word_spans(line, Splitter(0.9))) == 2
    assert words.word_spans(line, Splitter(0.1)) == words.ink_spans(line)
    assert words.word_spans(line, None) == words.ink_spans(line)


def test_one_word_is_one_span() -> None:
    drawn = draw_lines([(6, 4, "Incomparably")], size=(300, 48))
    assert len(words.ink_spans(drawn.pixels)) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (40, 400, 3), (500, 3, 3)])
def test_a_crop_without_ink_is_one_span(shape: tuple[int, int, int]) -> None:
    assert words.ink_spans(np.full(shape, 200, np.uint8)) == [(0.0, 1.0)]


def test_spaces_of_a_reading_part_its_words() -> None:
    extents = ((0.0, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.6), (0.7, 0.9))
    reading = Reading("ab cd", 0.9, (0.9,) * 5, extents)
    first, second = words.spaced_spans(reading)
    assert (first.first, first.last, second.first, second.last) == (0, 2, 3, 5)
    assert first.start == 0.0
    assert 0.2 <= first.end <= second.start <= 0.4
    assert 0.9 <= second.end <= 1.0


def test_without_extents_characters_share_the_width() -> None:
    first, second = words.spaced_spans(Reading("ab cd", 0.9))
    assert first.end < 0.5 < second.start


def test_any_white_space_parts_words() -> None:
    spans = words.spaced_spans(Reading("ab\u3000cd \tef", 0.9))
    assert [(span.first, span.last) for span in spans] == [(0, 2), (3, 5), (7, 9)]


def test_no_text_has_no_words() -> None:
    assert words.spaced_spans(Reading("", 0.0)) == []


@pytest.mark.parametrize("count", [1, 2, 9])
def test_even_extents_fill_the_span_of_their_word(count: int) -> None:
    extents = words.even_extents(count, 0.2, 0.8)
    assert len(extents) == count
    (span,) = words.spaced_spans(Reading("x" * count, 0.9, (0.9,) * count, extents))
    assert (span.start, span.end) == pytest.approx((0.2, 0.8))


def test_a_cut_has_at_least_a_column() -> None:
    crop = np.arange(30, dtype=np.uint8).reshape(1, 10, 3)
    assert words.cut(crop, 0.2, 0.5).tolist() == crop[:, 2:5].tolist()
    assert words.cut(crop, 0.31, 0.32).shape == (1, 1, 3)
    assert words.cut(crop, 1.0, 1.0).tolist() == crop[:, 9:].tolist()

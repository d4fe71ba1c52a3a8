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
    assert [len(spans) for spans in words.word_spans([line, line], Splitter(0.9))] == [2, 2]
    assert words.word_spans([line], Splitter(0.1)) == [words.ink_spans(line)]
    assert words.word_spans([line], None) == [words.ink_spans(line)]


def test_one_word_is_one_span() -> None:
    drawn = draw_lines([(6, 4, "Incomparably")], size=(300, 48))
    assert len(words.ink_spans(drawn.pixels)) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (40, 400, 3), (500, 3, 3)])
def test_a_crop_without_ink_is_one_span(shape: tuple[int, int, int]) -> None:
    assert words.ink_spans(np.full(shape, 200, np.uint8)) == [(0.0, 1.0)]


def test_a_cut_has_at_least_a_column() -> None:
    crop = np.arange(30, dtype=np.uint8).reshape(1, 10, 3)
    assert words.cut(crop, 0.2, 0.5).tolist() == crop[:, 2:5].tolist()
    assert words.cut(crop, 0.31, 0.32).shape == (1, 1, 3)
    assert words.cut(crop, 1.0, 1.0).tolist() == crop[:, 9:].tolist()

import numpy as np
import pytest

from ocr_plugin.regions import word_gaps
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
    spans = word_gaps.ink_spans(drawn.pixels)
    assert len(spans) == len(SENTENCE.split())
    for (start, end), (x0, _, x1, _) in zip(spans, drawn.words.values(), strict=True):
        assert start * width == pytest.approx(x0, abs=0.25 * height)
        assert end * width == pytest.approx(x1, abs=0.25 * height)


def test_one_word_is_one_span() -> None:
    drawn = draw_lines([(6, 4, "Incomparably")], size=(300, 48))
    assert len(word_gaps.ink_spans(drawn.pixels)) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (40, 400, 3), (500, 3, 3)])
def test_a_crop_without_ink_is_one_span(shape: tuple[int, int, int]) -> None:
    assert word_gaps.ink_spans(np.full(shape, 200, np.uint8)) == [(0.0, 1.0)]


def test_a_cut_has_at_least_a_column() -> None:
    crop = np.arange(30, dtype=np.uint8).reshape(1, 10, 3)
    assert word_gaps.cut(crop, 0.2, 0.5).tolist() == crop[:, 2:5].tolist()
    assert word_gaps.cut(crop, 0.31, 0.32).shape == (1, 1, 3)
    assert word_gaps.cut(crop, 1.0, 1.0).tolist() == crop[:, 9:].tolist()

"""Very long lines: where they are cut, and that the parts make up the line."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.protocols import RGB
from ocr_plugin.regions.line_parts import parts_of
from ocr_plugin.regions.strips import Strip, strip_of

WORDS = [f"word{number:02}" for number in range(1, 100)]


def long_line(words: list[str], space: float) -> tuple[RGB, list[tuple[float, float]]]:
    """Draws words with gaps of `space` pixels; returns them and where each begins and ends."""
    font = ImageFont.load_default(size=30)
    lengths = [font.getlength(word) for word in words]
    starts = np.cumsum([10, *(length + space for length in lengths)])[:-1].tolist()
    picture = Image.new("RGB", (int(starts[-1] + lengths[-1]) + 10, 40), (250, 248, 240))
    canvas = ImageDraw.Draw(picture)
    for x, word in zip(starts, words, strict=True):
        canvas.text((x, 1), word, font=font, fill=(20, 20, 30))
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    return np.array(picture), list(zip(starts, ends, strict=True))


def whole(page: RGB) -> Strip:
    height, width = page.shape[:2]
    return strip_of(np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32))


@pytest.mark.parametrize("space", [5.0, 9.0, 30.0], ids=["tight", "usual", "wide"])
def test_a_long_line_is_cut_between_words(space: float) -> None:
    page, places = long_line(WORDS, space)
    parts = parts_of(page, whole(page))
    assert len(parts) == pytest.approx(page.shape[1] / (25 * 40), abs=3)
    cuts = [float(part.top[0, 0]) for part in parts[1:]]
    assert len(cuts) > 8
    for cut in cuts:
        assert not any(start + 1 < cut < end - 1 for start, end in places), cut


def test_the_parts_make_up_the_line() -> None:
    page, _ = long_line(WORDS, 9)
    line = whole(page)
    parts = parts_of(page, line)
    assert np.allclose(parts[0].quad[[0, 3]], line.quad[[0, 3]])
    assert np.allclose(parts[-1].quad[[1, 2]], line.quad[[1, 2]], atol=0.01)
    assert all(np.allclose(one.quad[1:3], other.quad[[0, 3]]) for one, other in pairwise(parts))
    assert all(17 <= part.size[0] / part.size[1] <= 42 for part in parts)


def test_a_line_read_upside_down_is_cut_between_words_too() -> None:
    page, places = long_line(WORDS, 9)
    parts = parts_of(np.ascontiguousarray(page[::-1, ::-1]), whole(page).reversed())
    cuts = [page.shape[1] - float(part.top[0, 0]) for part in parts[1:]]
    assert len(cuts) > 8 and cuts == sorted(cuts)
    assert not any(start + 1 < cut < end - 1 for start, end in places for cut in cuts)


def test_usual_lines_are_not_cut() -> None:
    page, _ = long_line(WORDS[:16], 9)
    assert 40 < page.shape[1] / page.shape[0] < 60
    line = whole(page)
    assert parts_of(page, line) == [line]


def test_a_line_without_gaps_is_cut_evenly() -> None:
    page = np.full((40, 6000, 3), 250, np.uint8)
    assert len(parts_of(page, whole(page))) == 6
    page[10:30] = 20
    starts = [float(part.top[0, 0]) for part in parts_of(page, whole(page))]
    assert starts == pytest.approx([0, 1000, 2000, 3000, 4000, 5000], abs=40)

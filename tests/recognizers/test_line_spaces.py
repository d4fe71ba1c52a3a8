"""Where a line has spaces: the network, the ink and the language each have a say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.language.choice import language_for
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.line_spaces import Alphabet, path_with_spaces, place_spaces
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.regions.word_gaps import gaps_between

LANGUAGE = language_for("auto")
UNDECIDED = 0.8  # the network's log-odds at which the rest, without a gap, comes to none
NEVER = -11.5  # what the network says between two letters of a word


def spaced(text: str, network: list[float], gaps: list[float], language: bool = True) -> str:
    """Returns a text, given without spaces, with those that are found."""
    known = LANGUAGE if language else None
    found, _ = place_spaces(text, np.array(network), np.array(gaps), known)
    return "".join(
        each + (" " if space else "")
        for each, space in zip(text, [*found.tolist(), False], strict=True)
    )


def test_a_gap_that_is_wider_than_the_line_s_usual_one_parts_words() -> None:
    gaps = [0.05] * 9
    assert spaced("0509202512", [-4.0] * 9, gaps, language=False) == "0509202512"
    gaps[7] = 0.45
    assert spaced("0509202512", [-4.0] * 9, gaps, language=False) == "05092025 12"


def test_language_decides_where_network_and_ink_do_not() -> None:
    network = [NEVER] * 14
    network[5] = network[10] = UNDECIDED - 2  # Please|start|your
    assert spaced("Pleasestartyour", network, [0.05] * 14, language=False) == "Pleasestartyour"
    assert spaced("Pleasestartyour", network, [0.05] * 14) == "Please start your"
    # The same evidence does not part what is a word as it stands.
    assert spaced("Photosynthesize", network, [0.05] * 14) == "Photosynthesize"


def test_language_does_not_tear_what_is_printed_without_a_gap() -> None:
    for text in ("Pleasestart", "np.zeros_like(coins)", "https://example.org/a", "1,234.56"):
        assert spaced(text, [NEVER] * (len(text) - 1), [0.03] * (len(text) - 1)) == text


def test_wide_lettering_is_one_word_and_single_letters_are_many() -> None:
    undecided, wide = [UNDECIDED] * 4, [0.4, 0.35, 0.45, 0.4]
    assert spaced("HOTEL", undecided, wide) == "HOTEL"
    assert spaced("qxzvk", undecided, wide) == "q x z v k"


def test_gaps_between_ideographs_are_no_spaces() -> None:
    assert spaced("我是中国人", [-6.0] * 4, [0.3] * 4) == "我是中国人"
    assert spaced("我是中国人", [-6.0, 2.0, -6.0, -6.0], [0.3] * 4) == "我是 中国人"


def test_a_single_character_has_no_spaces() -> None:
    assert spaced("a", [], []) == "a"
    assert place_spaces("", np.zeros(0), np.zeros(0), None)[0].tolist() == []


@pytest.mark.parametrize("language", [None, LANGUAGE])
def test_a_space_has_a_column_of_its_own_where_there_is_room(language: object) -> None:
    alphabet = Alphabet(["", "a", "b", " "], [3], prior=5.0)
    # Of each column the blank's, a's, b's and the space's probability; the ink has a wide gap.
    steps = np.array(
        [[0, 1, 0, 0], [0.9, 0, 0, 0.1], [0.5, 0, 0, 0.5], [1, 0, 0, 0], [0, 0, 1, 0]], np.float32
    )
    known = LANGUAGE if language else None
    path = path_with_spaces(steps, 1.0, strokes(100, [10, 90]), alphabet, known)
    assert [each.id for each in path] == [1, 3, 2]
    assert (path[1].first, path[1].last) == (2, 3)  # where the network sees it most
    assert 0.5 <= path[1].confidence <= 1
    close = path_with_spaces(steps[[0, 4]], 1.0, strokes(100, [10, 90]), alphabet, known)
    assert [(each.first, each.last) for each in close] in (
        [(0, 1), (1, 2)],
        [(0, 1), (1, 1), (1, 2)],
    )


def strokes(width: int, places: list[int]) -> RGB:
    """Draws upright strokes, 4 pixels wide, on a line of 48 pixels."""
    line = np.full((48, width, 3), 255, np.uint8)
    for place in places:
        line[8:40, place - 2 : place + 2] = 0
    return line


def test_gaps_are_measured_in_line_heights_at_any_size() -> None:
    line = strokes(200, [20, 40, 120, 150])
    middles = [0.1, 0.2, 0.6, 0.75]
    expected = [16 / 48, 76 / 48, 26 / 48]
    assert gaps_between(line, middles) == pytest.approx(expected, abs=0.05)
    larger = np.ascontiguousarray(line.repeat(3, 0).repeat(3, 1))
    assert gaps_between(larger, middles) == pytest.approx(expected, abs=0.05)
    assert gaps_between(np.full_like(line, 255), middles).tolist() == [0, 0, 0]
    assert len(gaps_between(line, [])) == 0


def line_of(text: str, space: float, size: int = 20) -> RGB:
    """Draws a line whose spaces are `space` ems wide."""
    font = ImageFont.load_default(size=size)
    width = sum(font.getlength(word) for word in text.split()) + size * space * text.count(" ")
    picture = Image.new("RGB", (int(width) + 16, round(1.5 * size)), "white")
    canvas, place = ImageDraw.Draw(picture), 8.0
    for word in text.split():
        canvas.text((place, 0.1 * size), word, font=font, fill="black")
        place += font.getlength(word) + size * space
    pixels: NDArray[np.uint8] = np.array(picture)
    return pixels


@pytest.mark.parametrize("space", [0.3, 0.45, 0.9])
@pytest.mark.parametrize(
    "text",
    [
        "Please start your letter here",
        "13/08/2025 08.13.25",
        "1,234,567.89 1.234.567,89",
        "markers = np.zeros_like(coins)",
        "Room 42 B 7:30 Tuesday",
    ],
)
def test_spaces_of_any_width_are_read(text: str, space: float) -> None:
    crops = [line_of(text, space, size) for size in (18, 24, 36)]
    read = [reading.text for reading in PPOcrRecognizer().recognize(crops)]
    assert [each.count(" ") for each in read] == [text.count(" ")] * 3


def test_single_letters_of_ordinary_type_stand_apart() -> None:
    crops = [line_of(text, 0.3, 28) for text in ("a b c d e f g", "x y z")]
    read = [reading.text for reading in PPOcrRecognizer().recognize(crops)]
    assert read == ["a b c d e f g", "x y z"]

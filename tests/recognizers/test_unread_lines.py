"""Lines of which next to nothing is read."""

from pathlib import Path

import numpy as np
import pytest

from ocr_plugin.recognizers.second_opinion import UNKNOWN_SCRIPT, SecondOpinion
from ocr_plugin.recognizers.unread_lines import inked_heights, is_hardly_read
from tests.pictures import draw_crop, opened

# "The museum is open every day but Tuesday", drawn in DejaVu Sans at 32 pixels.
RUSSIAN = opened(Path(__file__).parents[1] / "data" / "russian.png")


def test_ink_is_measured_in_heights_of_the_line() -> None:
    line = np.full((40, 400, 3), 255, np.uint8)
    line[10:30, 20:60] = line[10:30, 200:240] = 0
    assert inked_heights(line) == pytest.approx(2, abs=0.15)
    assert inked_heights(np.full((40, 400, 3), 255, np.uint8)) == 0


def test_much_ink_and_few_characters_make_a_line_unread() -> None:
    assert is_hardly_read(RUSSIAN, "") and is_hardly_read(RUSSIAN, ", .")
    assert not is_hardly_read(RUSSIAN, "My3eu OTKpblT")
    latin = draw_crop("Fresh bread")
    assert is_hardly_read(latin, "") and not is_hardly_read(latin, "Fresh bread")
    assert not is_hardly_read(latin, "Frsh")


def test_little_ink_is_no_unread_line() -> None:
    assert not is_hardly_read(RUSSIAN[:, :50], "")
    assert not is_hardly_read(np.full((48, 400, 3), 250, np.uint8), "")
    assert not is_hardly_read(np.zeros((1, 1, 3), np.uint8), "")


def test_rulings_and_dots_are_no_writing() -> None:
    ruling = np.full((48, 600, 3), 250, np.uint8)
    ruling[22:28, 10:590] = 20
    assert not is_hardly_read(ruling, "") and not is_hardly_read(ruling, "-")
    dots = np.full((48, 600, 3), 250, np.uint8)
    for place in range(10, 590, 12):
        dots[36:42, place : place + 6] = 20
    assert not is_hardly_read(dots, "")


def test_russian_is_not_read_as_latin_letters() -> None:
    russian, latin = SecondOpinion(offline=True).recognize([RUSSIAN, draw_crop("Fresh bread")])
    assert russian == UNKNOWN_SCRIPT and not russian.text
    assert latin.text == "Fresh bread" and not latin.unknown_script

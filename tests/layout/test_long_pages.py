"""Pages of thousands of pieces: neither time nor memory grows with the square of their number."""

import time
import tracemalloc

import numpy as np

from ocr_plugin.layout import page
from ocr_plugin.layout.directions import _most_voted, _stacks
from ocr_plugin.layout.pieces import Item
from tests.layout.test_layout import piece, texts


def test_eight_thousand_lines_are_arranged_in_seconds() -> None:
    lines = [piece(10, 26 * row, f"line{row}") for row in range(8_000)]
    began = time.process_time()
    arranged = page.arrange(lines)
    assert time.process_time() - began < 10
    assert texts(arranged) == [f"line{row}" for row in range(8_000)]


def test_thousands_of_stacked_letters_are_found_in_seconds() -> None:
    letter = piece(0, 0, "a")
    items = [
        Item(letter, 60.0 * column, 22.0 * row, 60.0 * column + 10, 22.0 * row + 20, 20.0)
        for row in range(3)
        for column in range(2_000)
    ]
    began = time.process_time()
    stacks = _stacks(items)
    assert time.process_time() - began < 5
    assert len(stacks) == 2_000 and all(len(stack) == 3 for stack in stacks)


def test_the_direction_of_a_page_takes_no_memory_for_each_pair_of_pieces() -> None:
    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, 8_000)
    angles[:5_000] = 0.3
    tracemalloc.start()
    elected = _most_voted(angles, np.ones(8_000, np.int64))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert abs(angles[elected] - 0.3) <= np.pi / 4
    assert most < 8_000 * 400

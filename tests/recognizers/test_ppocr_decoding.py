"""Words of a line and the columns they stand in, by every kind of white space."""

import numpy as np
import pytest

from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.recognizers.ppocr_decoding import word_columns
from tests.pictures import draw_crop

IDEOGRAPHIC = "\u3000"


@pytest.mark.parametrize("space", [" ", IDEOGRAPHIC])
def test_every_white_space_parts_words(space: str) -> None:
    reader = PPOcrRecognizer(language="none")
    classes = reader._characters
    places = [classes.index(each) for each in ("a", space, "b")]
    steps = np.full((6, len(classes)), 1e-6, np.float32)
    steps[[1, 3, 5], places] = 1  # a blank before each
    steps[[0, 2, 4], 0] = 1
    reading, path = reader._decode(steps, 1.0, draw_crop("a b"), None)
    assert reading.text == "a b" and [word.text for word in reading.words] == ["a", "b"]
    assert word_columns(path, reader._spaces, len(steps)) == [(0, 3), (4, 6)]
    assert reader._columns(steps).candidates(3)[0][0] == "ab"  # no character of a word

"""Words by which a training is validated."""

import json
from pathlib import Path

import numpy as np
import pytest

from ocr_plugin.datasets.labels import compared
from ocr_plugin.datasets.word_sets import WordImage
from ocr_plugin.recognizers.charset import CHARACTERS
from ocr_plugin.training.recognition.validation import validation_set, validation_words
from tests.trainings import LABELS, training_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return training_data(tmp_path)


def test_validation_leaves_out_what_the_rule_leaves_nothing_of() -> None:
    pixels = np.zeros((4, 8, 3), np.uint8)
    words = [WordImage("a", pixels, "A-1"), WordImage("b", pixels, "--")]
    found = validation_words("set", words, (32, 32))
    assert (found.labels, found.images.shape) == (["A-1"], (1, 3, 32, 32))
    assert validation_words("none", [], (32, 32)).images.shape == (0, 3, 32, 32)


def test_broken_words_of_a_validation_set_are_named(data: Path) -> None:
    (data / "words" / "2.png").write_bytes(b"no picture")
    words = validation_set(data / "words", 100, (32, 32))
    assert len(words.labels) == len(LABELS) - 1
    assert [record.name for record in words.bad] == [f"{data / 'words' / 'labels.jsonl'}:3"]


def test_another_alphabet_is_validated_by_its_own_characters(data: Path) -> None:
    lines = [{"image": f"{index}.png", "text": text} for index, text in enumerate(["λόγος", "?"])]
    (data / "words" / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    words = validation_set(data / "words", 100, (32, 32), "λόγοςΛ")
    assert words.labels == ["λόγος"]
    assert compared("Λόγος!", "λόγοςΛ") == compared("λόγος", "λόγοςΛ")
    assert compared("λόγο", "λόγοςΛ") != compared("λόγος", "λόγοςΛ")
    assert compared("It's", CHARACTERS) == "its"

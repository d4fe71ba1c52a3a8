import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.errors import CheckpointError
from ocr_plugin.protocols import Recognizer
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.runtime.weights import bundled_model
from tests.pictures import draw_crop, draw_lines
from tests.readings import characters

WORDS = ["Bakery", "OPEN", "7:30", "Tuesday", "Room 42", "FRESH", "Willow Lane"]


@pytest.fixture(scope="module")
def recognizer() -> PPOcrRecognizer:
    return PPOcrRecognizer()


def test_it_is_a_recognizer(recognizer: PPOcrRecognizer) -> None:
    assert isinstance(recognizer, Recognizer)
    assert recognizer.unit == "line"
    assert recognizer.component.weights_sha256 is not None


def test_lines_are_read_in_order(recognizer: PPOcrRecognizer) -> None:
    readings = recognizer.recognize([draw_crop(text) for text in WORDS])
    assert [reading.text for reading in readings] == WORDS
    for reading in readings:
        assert reading.confidence > 0.5
        assert len(characters(reading)) == len(reading.text.replace(" ", ""))


def test_each_word_of_a_line_has_its_own_confidence(recognizer: PPOcrRecognizer) -> None:
    plain, alone = recognizer.recognize([draw_crop("clear words"), draw_crop("clear")])
    assert len(plain.words) == 2
    assert [word.confidence for word in alone.words] == [alone.confidence]
    # One time step a character: "ab", a space that is surely one, "c".
    steps = np.zeros((4, len(recognizer._characters)), np.float32)
    for step, (character, confidence) in enumerate(
        [("a", 0.9), ("b", 0.8), (" ", 1.0), ("c", 0.5)]
    ):
        steps[step, recognizer._characters.index(character)] = confidence
    reading, _ = recognizer._decode(steps, 1.0, draw_crop("ab c"), None)
    assert reading.text == "ab c"
    assert [word.confidence for word in reading.words] == pytest.approx([(0.9 * 0.8) ** 2, 0.5**4])


def test_characters_are_placed_where_they_stand(recognizer: PPOcrRecognizer) -> None:
    drawn = draw_lines([(6, 4, "left right")], size=(600, 52))
    (reading,) = recognizer.recognize([drawn.pixels])
    assert reading.text == "left right"
    width = drawn.pixels.shape[1]
    for word in reading.words:
        x0, _, x1, _ = drawn.words[word.text]
        assert [end * width for end in word.span] == pytest.approx([x0, x1], abs=16)
        first, last = (word.characters[place].span for place in (0, -1))
        assert first is not None and last is not None
        assert [first[0] * width, last[1] * width] == pytest.approx([x0, x1], abs=16)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_a_reading_does_not_depend_on_its_neighbours(batch: int) -> None:
    crops = [draw_crop(text) for text in WORDS] * 10
    alone = PPOcrRecognizer(batch_size=1).recognize(crops[:7])
    together = PPOcrRecognizer(batch_size=batch).recognize(crops)
    for index, reading in enumerate(together):
        assert reading.text == alone[index % 7].text
        assert reading.confidence == pytest.approx(alone[index % 7].confidence, abs=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 9000)])
def test_crops_of_any_shape(recognizer: PPOcrRecognizer, shape: tuple[int, int]) -> None:
    (reading,) = recognizer.recognize([np.full((*shape, 3), 180, np.uint8)])
    assert 0 <= reading.confidence <= 1


def test_long_lines_are_read_in_smaller_batches(
    recognizer: PPOcrRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes, run = [], recognizer._model.run

    def watched(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        shapes.append((batch.shape[0], batch.shape[3]))
        return run(batch)

    monkeypatch.setattr(recognizer._model, "run", watched)
    recognizer.recognize([np.zeros((48, width, 3), np.uint8) for width in (200, 1024, 3200) * 8])
    assert shapes == [(8, 224)] + [(4, 1024)] * 2 + [(1, 3200)] * 8


def test_no_crops_no_readings(recognizer: PPOcrRecognizer) -> None:
    assert recognizer.recognize([]) == []


def test_a_network_without_characters_is_refused() -> None:
    with pytest.raises(CheckpointError, match="does not list its characters"):
        PPOcrRecognizer(model_path=bundled_model("PP-OCRv6_det_small.onnx"))

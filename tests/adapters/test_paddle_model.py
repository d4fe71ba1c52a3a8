"""Our readers as a registered model of PaddleX."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import ConfigurationError
from tests.adapters.paddle_host import PHOTO, SIGNS, Spy, bgr
from tests.pictures import draw_lines

# What PaddleX and its dependencies warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")


def test_a_registered_model_reads_alone_and_in_a_pipeline(
    models: dict[str, Any], tmp_path: Path
) -> None:
    from paddleocr import PaddleOCR, TextRecognition

    from ocr_plugin.adapters.paddle_model import MODEL_NAME, model_folder, pipeline_config

    folder = model_folder(tmp_path / "clip4str", "clip4str", model="clip4str-compact")
    line = draw_lines([(12, 8, "Willow Lane")], size=(330, 56)).pixels
    (read,) = TextRecognition(model_name=MODEL_NAME, model_dir=str(folder)).predict([bgr(line)])
    assert read["rec_text"] == "Willow Lane" and read["rec_score"] > 0.5

    names = {"text_recognition_model_name": MODEL_NAME, "text_recognition_model_dir": str(folder)}
    pipeline = PaddleOCR(paddlex_config=pipeline_config(folder), **(models | names))
    (result,) = pipeline.predict(str(PHOTO), return_word_box=True)
    assert set(result["rec_texts"]) >= SIGNS
    assert ["OPENING", "HOURS"] in [list(words) for words in result["text_word"]]


def test_a_registered_model_reads_rgb_and_tells_words_where_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from paddlex import create_model

    from ocr_plugin.adapters import paddle_model

    spy = Spy()
    monkeypatch.setattr(paddle_model, "line_reader", lambda *_, **__: spy)
    folder = str(paddle_model.model_folder(tmp_path, "clip4str"))
    line = np.zeros((40, 90, 3), np.uint8)
    line[..., 2] = 200  # red, where blue comes first
    for asked in (True, False):
        model = create_model(paddle_model.MODEL_NAME, folder, return_word_box=asked)
        (read,) = model.predict([line])
        text, words = read["rec_text"] if asked else (read["rec_text"], None)
        assert text == "ab cd" and (words is not None) == asked
    assert set(spy.colours) == {(200, 0, 0)}


def test_a_registered_model_reads_what_it_is_told(tmp_path: Path) -> None:
    from paddlex import create_model

    from ocr_plugin.adapters.paddle_model import MODEL_NAME, model_folder

    constraint = Constraint(lexicon=("1250", "4711"), abstain_below=0.5)
    folder = str(model_folder(tmp_path, "ppocr", language="none", constraint=constraint))
    model = create_model(MODEL_NAME, folder)
    lines = [draw_lines([(12, 8, text)], size=(180, 56)).pixels for text in ("4711", "Lane")]
    read = list(model.predict([bgr(line) for line in lines]))
    assert [each["rec_text"] for each in read] == ["4711", ""]


def test_what_a_registered_model_cannot_be_is_refused(tmp_path: Path) -> None:
    from ocr_plugin.adapters.paddle_model import model_folder, pipeline_config

    written = (model_folder(tmp_path / "a", model=tmp_path) / "inference.yml").read_text()
    assert json.loads(written)["ocr_plugin"]["options"] == {"model": str(tmp_path)}
    with pytest.raises(ConfigurationError, match="an option is not valid JSON"):
        model_folder(tmp_path / "b", model=object())
    (tmp_path / "list.yaml").write_text("[1, 2]")
    (tmp_path / "broken.yaml").write_text("{a: ")
    for name in ("nope", "missing.yaml", tmp_path / "broken.yaml", tmp_path / "list.yaml"):
        with pytest.raises(
            ConfigurationError, match=r"is not a PaddleX pipeline|no text recognition"
        ) as caught:
            pipeline_config(tmp_path, name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "readers"), [("OCR", 1), ("PP-StructureV3", 3), ("seal_recognition", 1)]
)
def test_every_reader_of_a_pipeline_is_named(tmp_path: Path, name: str, readers: int) -> None:
    from ocr_plugin.adapters.paddle_model import MODEL_NAME, pipeline_config

    written = str(pipeline_config(tmp_path, name))
    assert written.count(f"'model_name': '{MODEL_NAME}'") == readers
    assert written.count("'engine': 'flexible'") == readers


def test_a_pipeline_without_readers_is_refused(tmp_path: Path) -> None:
    from ocr_plugin.adapters.paddle_model import pipeline_config

    with pytest.raises(ConfigurationError, match="image_classification has no text recognition"):
        pipeline_config(tmp_path, "image_classification")

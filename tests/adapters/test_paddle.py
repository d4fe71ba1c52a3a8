"""PaddleOCR's pipelines, from local model files, with our readers; its results as pages."""

import re
from typing import Any

import numpy as np
import pytest

from ocr_plugin.adapters.paddle_reader import PaddleReader, read_with, word_info
from ocr_plugin.adapters.paddle_result import from_paddle, to_result
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Reading, WordReading
from ocr_plugin.schema import Page
from tests.adapters.paddle_host import PHOTO, SIGNS, Spy, bgr, run, source
from tests.pictures import draw_lines

# What PaddleX and its dependencies warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")


def test_paddleocr_reads_offline_with_its_own_reader(pipeline: Any) -> None:
    (result,) = pipeline.predict(str(PHOTO))
    assert set(result["rec_texts"]) >= {"CORNER BOOKSHOP", "OPENING HOURS"}


@pytest.mark.parametrize("recognizer", ["clip4str", "second_opinion"])
def test_a_pipeline_reads_lines_with_ours(pipeline: Any, recognizer: str) -> None:
    assert read_with(pipeline, recognizer) is pipeline
    assert isinstance(pipeline.paddlex_pipeline._pipeline.text_rec_model, PaddleReader)
    (result,) = pipeline.predict(str(PHOTO))
    assert set(result["rec_texts"]) >= SIGNS
    assert all(0.5 < score <= 1 for score in result["rec_scores"])


def test_a_pipeline_reads_what_it_is_told(pipeline: Any) -> None:
    read_with(pipeline, "ppocr", language="en", constraint=Constraint(pattern="[A-Z]+"))
    (result,) = pipeline.predict(str(PHOTO))
    texts = [text for text in result["rec_texts"] if text]
    assert "OPENING HOURS" in texts
    assert all(re.fullmatch("[A-Z ]+", text) for text in texts)
    with pytest.raises(ConfigurationError, match="the set is empty"):
        read_with(pipeline, "ppocr", constraint=Constraint(characters=""))


def test_what_is_doubtful_is_an_empty_text() -> None:
    reader = PaddleReader(Spy(), abstain_below=0.8)
    (read,) = reader([np.zeros((40, 90, 3), np.uint8)])
    assert (read["rec_text"], read["rec_score"]) == ("", 0.0)


def test_a_page_is_one_call_and_its_crops_are_rgb(pipeline: Any) -> None:
    read_with(pipeline, spy := Spy())
    page = draw_lines([(30, 30, "Harbour"), (30, 110, "office"), (30, 190, "open")]).pixels.copy()
    page[..., 0] = page[..., 0] // 4  # red is what is missing
    (result,) = pipeline.predict([bgr(page)])
    assert spy.calls == [3]
    assert all(red < green and red < blue for red, green, blue in spy.colours)
    assert result["rec_texts"] == ["ab cd"] * 3
    assert result["rec_scores"] == [0.75] * 3


def test_words_have_their_boxes(pipeline: Any) -> None:
    read_with(pipeline, "second_opinion")
    drawn = draw_lines([(40, 60, "Willow Lane"), (60, 180, "closed today")])
    (result,) = pipeline.predict([bgr(drawn.pixels)], return_word_box=True)
    assert result["rec_texts"] == ["Willow Lane", "closed today"]
    assert [list(line) for line in result["text_word"]] == [["Willow", "Lane"], ["closed", "today"]]
    for texts, boxes in zip(result["text_word"], result["text_word_boxes"], strict=True):
        for text, (left, top, right, bottom) in zip(texts, boxes, strict=True):
            x0, y0, x1, y1 = drawn.words[text]
            assert left == pytest.approx(x0, abs=16) and right == pytest.approx(x1, abs=16)
            assert top < (y0 + y1) / 2 < bottom


def test_low_scores_leave_the_result_as_they_do_in_paddle(pipeline: Any) -> None:
    read_with(pipeline, Spy())
    page = draw_lines([(30, 30, "Harbour")]).pixels
    (result,) = pipeline.predict([bgr(page)], text_rec_score_thresh=0.8)
    assert (result["rec_texts"], len(result["dt_polys"])) == ([], 1)


def test_pp_structure_reads_with_ours(
    models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from paddlex.inference import load_pipeline_config
    from paddlex.inference.pipelines.layout_parsing.pipeline_v2 import _LayoutParsingPipelineV2

    class WholePage:
        """Stands where its layout model is, which is a download."""

        def __call__(self, images: list[RGB], **_: Any) -> Any:
            for image in images:
                height, width = image.shape[:2]
                box = {"cls_id": 2, "label": "text", "score": 0.9}
                yield {"boxes": [box | {"coordinate": [0, 0, width, height]}]}

    config = load_pipeline_config("PP-StructureV3")
    steps = [key for key in config if key.startswith("use_")]
    config |= dict.fromkeys([*steps, "use_doc_orientation_classify", "use_doc_unwarping"], False)
    inner = config["SubPipelines"]["GeneralOCR"]
    inner["use_textline_orientation"] = False
    for module, key in (
        ("TextDetection", "text_detection"),
        ("TextRecognition", "text_recognition"),
    ):
        chosen = {name: models[f"{key}_{name}"] for name in ("model_name", "model_dir")}
        inner["SubModules"][module] |= chosen | {"engine": "onnxruntime"}
    monkeypatch.setattr(_LayoutParsingPipelineV2, "create_model", lambda *_, **__: WholePage())
    structure = _LayoutParsingPipelineV2(config, device="cpu")
    read_with(structure, spy := Spy())
    page = draw_lines([(30, 30, "Harbour"), (30, 110, "office")]).pixels
    (result,) = structure.predict([bgr(page)])
    assert sum(spy.calls) >= 2
    assert result["overall_ocr_res"]["rec_texts"] == ["ab cd"] * 2
    assert "ab cd" in result.markdown["markdown_texts"]


@pytest.mark.parametrize("kind", ["attribute", "list", "dict"])
def test_pipelines_within_a_pipeline_are_reached(pipeline: Any, kind: str) -> None:
    outer = type("Outer", (), {"__module__": "paddlex.inference.pipelines.outer"})()
    inner = pipeline.paddlex_pipeline
    outer.inner = {"attribute": inner, "list": [(inner,)], "dict": {"cpu": inner}}[kind]
    outer.itself = outer
    assert read_with(outer, spy := Spy()) is outer
    pipeline.predict([bgr(draw_lines([(30, 30, "Harbour")]).pixels)])
    assert spy.calls == [1]


def test_what_reads_no_text_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="object has no text recognition model"):
        read_with(object())


def test_columns_never_leave_the_crop() -> None:
    ends = WordReading("a", 0.9, (0.0, 0.0)), WordReading("b", 0.9, (1.0, 1.0))
    reading = Reading("a b", 0.9, ends)
    columns, words, places, kinds = word_info(reading)
    assert words == [["a"], ["b"]] and kinds == ["en&num"] * 2
    assert all(0 <= first <= last < columns for first, last in places)
    assert word_info(Reading("", 0.0))[1:] == ([], [], [])


def test_an_empty_page_and_no_crops(pipeline: Any) -> None:
    read_with(pipeline, Spy())
    (result,) = pipeline.predict([np.full((120, 200, 3), 255, np.uint8)])
    assert result["rec_texts"] == []
    assert list(PaddleReader(Spy())([])) == []
    page = from_paddle(result.json, source())
    assert page.blocks == () and to_result(page)["rec_texts"] == []


def test_real_results_become_pages_and_come_back(pipeline: Any) -> None:
    (result,) = pipeline.predict(str(PHOTO), return_word_box=True)
    page = from_paddle(result.json, source())
    assert isinstance(page, Page)
    assert [line.text for line in page.lines] == list(result["rec_texts"])
    again = to_result(page)
    real = result.json["res"]
    assert set(again) == set(real) | {"text_word_region"}
    assert again["rec_texts"] == real["rec_texts"]
    assert np.allclose(again["rec_boxes"], real["rec_boxes"], atol=1)


@pytest.mark.nightly
@pytest.mark.parametrize("host", ["paddleocr", "paddle"])
@pytest.mark.parametrize("torch_first", [True, False])
def test_torch_works_beside_paddle_in_either_order(host: str, torch_first: bool) -> None:
    first, second = ("torch", host) if torch_first else (host, "torch")
    code = f"""
import {first}, {second}
import numpy as np
weights = np.arange(12, dtype=np.float32).reshape(3, 4)
product = (torch.from_numpy(weights) @ torch.from_numpy(weights).T).numpy()
assert np.allclose(product, weights @ weights.T)
if {host!r} == "paddle":
    theirs = paddle.matmul(paddle.to_tensor(weights), paddle.to_tensor(weights.T)).numpy()
    assert np.allclose(product, theirs)
from ocr_plugin import Engine
print(Engine(recognizer="clip4str").read({str(PHOTO)!r}).text)
"""
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert "OPENING HOURS" in done.stdout

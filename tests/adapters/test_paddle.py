"""PaddleOCR itself, from local model files: its pipelines with our readers, our engine with its
detector, and its results as pages."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocr_plugin.adapters.paddle_reader import PaddleReader, read_with, word_info
from ocr_plugin.adapters.paddle_result import from_paddle, to_result
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.detectors.paddle_detection import PaddleDetection
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import BrokenPlugin, ConfigurationError, ModelUnavailable
from ocr_plugin.pages.decode import first_page
from ocr_plugin.protocols import RGB, Reading, Unit, WordReading
from ocr_plugin.runtime.paddlex_models import offline_models
from ocr_plugin.schema import Component, Page, Source
from tests.pictures import draw_lines

# What PaddleX and its dependencies warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")

PHOTO = Path(__file__).parents[2] / "examples" / "shop_signs.jpg"
SIGNS = {"CORNER BOOKSHOP", "OPENING HOURS", "Mon - Fri 9:30 - 18:00", "Fresh daily", "since 1987"}


class Spy:
    """A recognizer of lines that answers with what it sees: size, and the mean of each channel."""

    component = Component(name="spy", version="1")
    unit: Unit = "line"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.colours: list[tuple[int, ...]] = []

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        self.calls.append(len(crops))
        self.colours += [tuple(crop.reshape(-1, 3).mean(axis=0).astype(int)) for crop in crops]
        words = WordReading("ab", 0.75, (0.0, 0.27)), WordReading("cd", 0.75, (0.67, 1.0))
        return [Reading("ab cd", 0.75, words) for _ in crops]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return offline_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def pipeline(models: dict[str, Any]) -> Any:
    from paddleocr import PaddleOCR

    return PaddleOCR(**models)


# A model that takes anything dark for text, saved by paddle and used by our detector.
PADDLE_ENGINE = """
import json, pathlib, shutil, sys
import paddle

weights = paddle.nn.Conv2D(3, 1, 1)
weights.weight.set_value(paddle.full([1, 3, 1, 1], -3.0))
weights.bias.set_value(paddle.zeros([1]))
dark = paddle.nn.Sequential(
    weights, paddle.nn.Sigmoid(), paddle.nn.MaxPool2D([7, 41], 1, [3, 20])
)
folder, known = map(pathlib.Path, sys.argv[1:])
shape = paddle.static.InputSpec([None, 3, None, None], "float32", name="x")
paddle.jit.save(dark, str(folder / "inference"), input_spec=[shape])
shutil.copy(known / "inference.yml", folder)

from ocr_plugin.detectors.paddle_detection import PaddleDetection
from tests.pictures import draw_lines

drawn = draw_lines([(30, 60, "Harbour office"), (30, 180, "second floor")])
(found,) = PaddleDetection(model_dir=folder, engine="paddle").detect([drawn.pixels])
middles = sorted(float(polygon[:, 1].mean()) for polygon in found.polygons)
print(json.dumps([len(middles), 60 < middles[0] < 110 and 180 < middles[1] < 230]))
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=root)


def bgr(page: RGB) -> RGB:
    return np.ascontiguousarray(page[..., ::-1])


def source(name: str = "a.png") -> Source:
    return Source(name=name, page_index=0, sha256="0" * 64, width=640, height=480)


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


def test_the_engine_finds_with_paddles_detector(
    models: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path))
    monkeypatch.setenv("OCR_PLUGIN_OFFLINE", "1")
    page = Engine("paddle", "ppocr").read(PHOTO)
    assert {line.text for line in page.lines} >= SIGNS
    assert page.engine.detector.name == "paddle:PP-OCRv6_small_det"


def test_paddles_regions_are_those_of_its_own_pipeline(
    pipeline: Any, models: dict[str, Any]
) -> None:
    folder = models["text_detection_model_dir"]
    detector = PaddleDetection(model_dir=folder, limit_side_len=64, limit_type="min")
    image = first_page(PHOTO)
    blank = np.full((1, 1, 3), 255, np.uint8)
    found, nothing = detector.detect([image.pixels, blank])
    (result,) = pipeline.predict(str(PHOTO))
    expected = sorted(np.asarray(polygon).mean(axis=0).tolist() for polygon in result["dt_polys"])
    centres = sorted(polygon.mean(axis=0).tolist() for polygon in found.polygons)
    assert np.allclose(centres, expected, atol=6)
    assert (len(nothing.polygons), found.kind) == (0, "line")


def test_the_detector_runs_on_the_engine_paddle(models: dict[str, Any], tmp_path: Path) -> None:
    # A process of its own: paddle, once imported, stays for the tests that follow.
    done = run(PADDLE_ENGINE, str(tmp_path), models["text_detection_model_dir"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [2, True]


def test_paddles_detector_is_given_its_own_order_of_colours(models: dict[str, Any]) -> None:
    detector = PaddleDetection(model_dir=models["text_detection_model_dir"])
    seen: list[RGB] = []

    def predict(pages: list[RGB]) -> list[dict[str, Any]]:
        seen.extend(pages)
        return [{"dt_polys": [], "dt_scores": []}]

    detector._model = type("Model", (), {"predict": staticmethod(predict)})
    red = np.zeros((8, 9, 3), np.uint8)
    red[..., 0] = 200
    detector.detect([red])
    assert seen[0][0, 0].tolist() == [0, 0, 200] and seen[0].flags.c_contiguous


def test_what_paddle_cannot_find_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="engine"):
        PaddleDetection(engine="tensorrt")
    with pytest.raises(ConfigurationError, match="PaddleOCR cannot use PP-OCRv6_small_det"):
        PaddleDetection(model_dir=tmp_path)
    monkeypatch.setenv("OCR_PLUGIN_OFFLINE", "1")
    with pytest.raises(ModelUnavailable, match="PP-OCRv5_server_det is not here"):
        PaddleDetection(model_name="PP-OCRv5_server_det")


def test_a_missing_paddleocr_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "paddleocr", None)
    with pytest.raises(BrokenPlugin, match=r"paddleocr is not installed: pip install 'ocr-plugin"):
        PaddleDetection()


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

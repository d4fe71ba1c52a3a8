"""Our engine with PaddleOCR's detector."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocr_plugin.detectors.paddle_detection import PaddleDetection
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import BrokenPlugin, ConfigurationError, ModelUnavailable
from ocr_plugin.pages.decode import first_page
from ocr_plugin.protocols import RGB
from tests.adapters.paddle_host import PHOTO, SIGNS, run

# What PaddleX and its dependencies warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")

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


@pytest.mark.nightly
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

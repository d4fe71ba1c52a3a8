"""Networks in bfloat16 by OpenVINO; a CPU without it computes in float32."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import Polygon

from ocr_plugin.detectors.dbnet import DBNet
from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.plugins import make_detector, make_recognizer
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.runtime import openvino_runtime
from ocr_plugin.runtime import precision as runtime_precision
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.openvino_runtime import OpenVinoNetwork, shared_core
from ocr_plugin.runtime.precision import precision_beside
from ocr_plugin.runtime.weights import bundled_model
from tests.pictures import draw_crop, opened

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))
WORDS = ["Bakery", "OPEN", "7:30", "Tuesday", "Room 42", "FRESH", "Willow Lane"]
DETECTION = "PP-OCRv6_det_small.onnx"


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(openvino_runtime, "_has_bfloat16", lambda core: True)
    yield


def overlap(one: Polygon, other: Polygon) -> float:
    return float(one.intersection(other).area / one.union(other).area)


def test_the_precision_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is OpenVINO's, told to use bfloat16, and the component says so."""
    detector = DBNet(precision="bfloat16")
    assert isinstance(detector._network, OnnxModel)
    network = detector._network._network
    assert isinstance(network, OpenVinoNetwork)
    assert detector.component.name == "dbnet:PP-OCRv6_det_small:bfloat16"
    assert DBNet().component.name == "dbnet:PP-OCRv6_det_small"
    assert PPOcrRecognizer(precision="bfloat16").component.name.endswith(":bfloat16")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_regions_are_those_of_float32(example: Path) -> None:
    page = opened(example)
    (expected,) = DBNet().detect([page])
    (found,) = DBNet(precision="bfloat16").detect([page])
    # One that is found at the threshold's edge may be lost, or come to it.
    others = [Polygon(polygon) for polygon in found.polygons]
    close = sum(max(overlap(Polygon(one), other) for other in others) > 0.8
                for one in expected.polygons)  # fmt: skip
    assert close >= 0.9 * max(len(expected.polygons), len(others)) > 0


def test_lines_are_read_as_in_float32() -> None:
    readings = PPOcrRecognizer(precision="bfloat16").recognize([draw_crop(text) for text in WORDS])
    assert [reading.text for reading in readings] == WORDS


@pytest.mark.parametrize("threads", [0, 1])
def test_threads_do_not_mix_their_pages(threads: int) -> None:
    model = OnnxModel(bundled_model(DETECTION), threads=threads, precision="bfloat16")
    chance = np.random.default_rng(3)
    pages = [chance.normal(size=(1, 3, 64 + 32 * k, 96)).astype(np.float32) for k in range(4)] * 6
    expected = [model.run(page) for page in pages[:4]] * 6
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(model.run, pages))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_next_run_leaves_what_was_returned() -> None:
    model = OnnxModel(bundled_model(DETECTION), precision="bfloat16")
    first = model.run(np.ones((1, 3, 64, 64), np.float32))
    kept = first.copy()
    model.run(-np.ones((1, 3, 64, 64), np.float32))
    np.testing.assert_array_equal(first, kept)


def test_signals_are_handled_after_networks_have_gone() -> None:
    code = """
import os, signal
from ocr_plugin.recognizers.ppocr import BUNDLED_MODEL
from ocr_plugin.runtime import openvino_runtime
from ocr_plugin.runtime.weights import bundled_model

openvino_runtime._has_bfloat16 = lambda core: bool(core.available_devices)
content = bundled_model(BUNDLED_MODEL).read_bytes()
first, second = (openvino_runtime.OpenVinoNetwork(content, 1) for _ in range(2))
del first
third = openvino_runtime.OpenVinoNetwork(content, 1)
del second, third
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGUSR1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(openvino_runtime, "shared_core", shared_core.__wrapped__)  # not kept
    with pytest.raises(ConfigurationError, match=r"pip install 'ocr-plugin\[openvino\]'") as caught:
        DBNet(precision="bfloat16")
    assert "\n" not in str(caught.value)


def test_a_cpu_without_bfloat16_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "_has_bfloat16", lambda core: False)
    with pytest.raises(ConfigurationError, match="slower than float32 on this CPU"):
        PPOcrRecognizer(precision="bfloat16")


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    bad = tmp_path / "model.onnx"
    bad.write_bytes(b"nothing")
    no_file = r"missing\.onnx: cannot be read: No such file"
    reasons = {bad: r"model\.onnx: not a usable ONNX file", tmp_path / "missing.onnx": no_file}
    for file, reason in reasons.items():
        with pytest.raises(CheckpointError, match=reason) as caught:
            OnnxModel(file, precision="bfloat16")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [{"backend": "torch"}, {"backend": "onnxruntime"}])
def test_no_other_backend_has_it(other: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="give no backend"):
        DBNet(precision="bfloat16", **other)
    with pytest.raises(ConfigurationError, match="precision: "):
        DBNet(precision="float16")


def test_detector_and_pp_ocr_follow_clip4str(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do on the CPU and with the extra alone."""
    assert precision_beside("bfloat16", None) == precision_beside("bfloat16", "cpu") == "bfloat16"
    for precision, device in (
        ("float32", None),
        ("auto", "cpu"),
        ("bfloat16", "cuda"),
        (None, None),
    ):
        assert precision_beside(precision, device) == "float32"
    half = RuntimeOptions(precision="bfloat16")
    assert make_detector("dbnet", half).component.name == "dbnet:PP-OCRv6_det_small:bfloat16"
    assert make_recognizer("ppocr", half).component.name == "ppocr:PP-OCRv6_rec_small:bfloat16"
    for precision in ("auto", "float16"):
        runtime = RuntimeOptions.parse({"precision": precision})
        assert make_detector("dbnet", runtime).component.name == "dbnet:PP-OCRv6_det_small"
        assert make_recognizer("ppocr", runtime).component.name == "ppocr:PP-OCRv6_rec_small"
    monkeypatch.setattr(runtime_precision, "find_spec", lambda name: None)
    assert precision_beside("bfloat16", None) == "float32"
    assert make_detector("dbnet", half).component.name == "dbnet:PP-OCRv6_det_small"

"""The detector in PyTorch, beside ONNX Runtime; on the CPU, whose numbers a GPU is to give."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from ocr_plugin.cli.app import main
from ocr_plugin.detectors.dbnet import DBNet
from ocr_plugin.errors import CheckpointError, ConfigurationError, ExitCode
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.plugins import make_detector, make_recognizer
from ocr_plugin.protocols import Regions
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.torch_runtime import TorchNetwork, moved, spell_out_padding
from ocr_plugin.runtime.weights import bundled_model
from tests.pictures import draw_lines, opened

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))
# So close are probabilities; where they become whole 255ths, one may fall to the other side.
TOLERANCE = 1e-4
# Pixels by which an outline may differ for that.
OUTLINE = 0.5
# A GPU's convolutions may use TF32.
GPU_TOLERANCE = 2e-2


@pytest.fixture(scope="module")
def path() -> Path:
    return bundled_model("PP-OCRv6_det_small.onnx")


@pytest.fixture(scope="module")
def network(path: Path) -> TorchNetwork:
    return TorchNetwork(path, "cpu")


@pytest.fixture(scope="module")
def detector() -> DBNet:
    return DBNet(backend="torch", batch_size=4)


def batch_of(path: Path, height: int, width: int) -> NDArray[np.float32]:
    resized = Image.open(path).convert("RGB").resize((width, height))
    return np.asarray(resized, np.float32).transpose(2, 0, 1)[None] / np.float32(127.5) - 1


def assert_same(found: Regions, expected: Regions) -> None:
    assert len(found.polygons) == len(expected.polygons) > 0
    for one, other in zip(found.polygons, expected.polygons, strict=True):
        np.testing.assert_allclose(one, other, atol=OUTLINE)
    np.testing.assert_allclose(found.confidences, expected.confidences, atol=1e-3)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("size", [(32, 32), (416, 640), (640, 416), (96, 1024)])
def test_probabilities_are_those_of_onnx_runtime(
    size: tuple[int, int], path: Path, network: TorchNetwork
) -> None:
    plain = OnnxModel(path, threads=1)
    for example in EXAMPLES:
        batch = batch_of(example, *size)
        found, expected = network.run(batch), plain.run(batch)
        assert found.shape == expected.shape == (1, 1, *size)
        assert found.dtype == np.float32
        assert np.abs(found - expected).max() < TOLERANCE


def test_a_batch_gives_what_its_pages_give(network: TorchNetwork) -> None:
    pages = np.concatenate([batch_of(example, 224, 320) for example in EXAMPLES])
    together = network.run(pages)
    for page, found in zip(pages, together, strict=True):
        assert np.abs(network.run(page[None])[0] - found).max() < TOLERANCE


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_regions_are_those_of_onnx_runtime(example: Path, detector: DBNet) -> None:
    page = opened(example)
    (expected,) = DBNet().detect([page])
    other = np.full_like(page, 128)
    found = detector.detect([other, page, page])
    assert len(found[0].polygons) == 0
    assert_same(found[1], expected)
    assert_same(found[2], expected)


def test_tiles_are_seen_in_batches(detector: DBNet, monkeypatch: pytest.MonkeyPatch) -> None:
    page = np.full((40, 12000, 3), 250, np.uint8)
    word = draw_lines([(0, 2, "faraway")], size=(200, 40), height=28).pixels
    for place in range(0, 12000, 600):  # so many that the page is looked at as a whole
        page[:, place : place + 200] = word
    sizes = []
    run = detector._network.run

    def watched(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        sizes.append(len(batch))
        return run(batch)

    monkeypatch.setattr(detector._network, "run", watched)
    assert_same(detector.detect([page])[0], DBNet().detect([page])[0])
    assert max(sizes) == 4


def test_threads_may_share_it(detector: DBNet) -> None:
    pages = [opened(EXAMPLES[0])]
    (expected,) = detector.detect(pages)
    with ThreadPoolExecutor(4) as pool:
        for (found,) in pool.map(detector.detect, [pages] * 4):
            assert_same(found, expected)


def test_the_network_copies_nothing(network: TorchNetwork) -> None:
    kinds = {type(module).__name__ for module in network._network.modules()}
    assert "OnnxResize" in kinds and "OnnxCopyIdentity" not in kinds


def test_the_host_waits_for_no_number_of_the_device(path: Path) -> None:
    elsewhere = moved(TorchNetwork(path, "cpu")._network, torch.device("meta"))
    # A device that has no numbers: asking it for one is an error.
    assert all(parameter.is_meta for parameter in elsewhere.parameters())
    found = elsewhere(torch.empty(2, 3, 64, 96, device="meta"))
    assert found.shape == (2, 1, 64, 96)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_padding_is_spelled_out_as_onnx_runtime_does_it(
    kernel: int, stride: int, tmp_path: Path
) -> None:
    weights = np.random.default_rng(0).normal(size=(2, 3, kernel, kernel)).astype(np.float32)
    node = helper.make_node(
        "Conv",
        ["x", "w"],
        ["y"],
        auto_pad="SAME_UPPER",
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
    )
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2, "p", "q"])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 8
    onnx.save(model, tmp_path / "one.onnx")
    spell_out_padding(model.graph)
    onnx.save(model, tmp_path / "spelled.onnx")
    batch = np.random.default_rng(1).normal(size=(1, 3, 64, 32)).astype(np.float32)
    expected = OnnxModel(tmp_path / "one.onnx", threads=1).run(batch)
    spelled = OnnxModel(tmp_path / "spelled.onnx", threads=1).run(batch)
    assert spelled.shape == expected.shape
    np.testing.assert_allclose(spelled, expected, atol=1e-5)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx2torch", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'ocr-plugin\[gpu\]'") as caught:
        DBNet(backend="torch")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    bad = tmp_path / "model.onnx"
    bad.write_bytes(b"nothing")
    no_file = r"missing\.onnx: cannot be read: No such file"
    reasons = {bad: r"model\.onnx: not a usable ONNX file", tmp_path / "missing.onnx": no_file}
    for file, reason in reasons.items():
        with pytest.raises(CheckpointError, match=reason) as caught:
            DBNet(model_path=file, backend="torch")
        assert "\n" not in str(caught.value)


def test_devices_that_cannot_be_used_are_named() -> None:
    with pytest.raises(ConfigurationError, match="device 'cuda:97' cannot be used here"):
        DBNet(device="cuda:97")
    with pytest.raises(ConfigurationError, match="on device 'cpu' only"):
        DBNet(device="cuda:97", backend="onnxruntime")


def test_the_detector_goes_where_the_recognizer_goes() -> None:
    with pytest.raises(ConfigurationError, match="cuda:97"):
        make_detector("word_line", RuntimeOptions(device="cuda:97"))
    with pytest.raises(ConfigurationError, match="cuda:97"):
        make_recognizer("second_opinion", RuntimeOptions(device="cuda:97"))
    # What is said of a plugin itself comes first, and PP-OCR reads on the CPU in any case.
    make_detector("word_line", RuntimeOptions(device="cuda:97"), device="cpu")
    make_recognizer("ppocr", RuntimeOptions(device="cuda:97"))
    make_detector("whole_image", RuntimeOptions(device="cuda:97"))


@pytest.mark.parametrize(
    "command", [["read"], ["serve", "--port", "0"], ["batch", "--out", "job"]], ids=lambda c: c[0]
)
def test_the_command_line_moves_the_detector(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # Hidden from processes of the command, too.
    (tmp_path / "onnx2torch.py").write_text("raise ModuleNotFoundError(name='onnx2torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnx2torch", raising=False)
    Image.new("RGB", (40, 20)).save("a.png")
    picture = [] if command[0] == "serve" else ["a.png"]
    # That the extra is missed shows that the detector was to go there.
    assert main([command[0], *picture, *command[1:], "--device", "cuda:97"]) == ExitCode.USAGE
    assert "pip install 'ocr-plugin[gpu]'" in capfd.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_numbers_of_the_cpu(path: Path, network: TorchNetwork) -> None:
    batch = batch_of(EXAMPLES[0], 416, 640)
    found, expected = TorchNetwork(path, "cuda").run(batch), network.run(batch)
    assert np.abs(found - expected).max() < GPU_TOLERANCE

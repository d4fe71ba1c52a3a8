"""The word detector learns, goes on where it stood, and comes out the same as ONNX."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ocr_plugin.cli import app
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.detectors.word_line import WordLine
from ocr_plugin.detectors.word_network import Head, TextNetwork
from ocr_plugin.errors import CheckpointError, ConfigurationError, ExportError
from ocr_plugin.evaluation.detection import matched
from ocr_plugin.runtime.networks import OnnxModel
from ocr_plugin.runtime.openvino_runtime import shared_core
from ocr_plugin.runtime.torch_runtime import TorchNetwork
from ocr_plugin.runtime.weights import bundled_model
from ocr_plugin.training.detection import onnx_export
from ocr_plugin.training.detection.initial_weights import (
    load_exported,
    load_ppocr,
    load_weights,
)
from ocr_plugin.training.detection.onnx_export import export_detector
from ocr_plugin.training.detection.options import DetectorTrainingOptions
from ocr_plugin.training.detection.sources import TrainingPages
from ocr_plugin.training.detection.trainer import DetectorTrainer
from ocr_plugin.training.run import WEIGHTS
from tests.trainings import Killed, killed_at, losses, quiet, same

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A set of one page: three words that nearly touch, as a network for lines would join them."""
    page = np.full((320, 480, 3), 235, np.uint8)
    words = []
    for x, text in ((40, "IRON"), (168, "DOOR"), (312, "BELL")):
        cv2.putText(page, text, (x, 170), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (40, 30, 20), 4)
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.4, 4)
        box = [(x, 166 - height), (x + width, 166 - height), (x + width, 175), (x, 175)]
        words.append({"polygon": box, "text": text})
    (tmp_path / "pages").mkdir()
    Image.fromarray(page).save(tmp_path / "pages" / "page.png")
    line = json.dumps({"image": "page.png", "words": words})
    (tmp_path / "pages" / "labels.jsonl").write_text(line)
    return tmp_path


def recipe(root: Path, **changes: Any) -> DetectorTrainingOptions:
    values: dict[str, Any] = {
        "task": "detection",
        "optimiser": {"batch_size": 1, "samples": 4, "average": 0.5, "learning_rate": 1e-3},
        "data": {"side": 128, "sets": [{"path": "pages", "scales": (0.8, 1.2)}]},
        "machine": {"data": root, "loaders": 0, "precision": "float32"},
    }
    for table, entries in changes.items():
        values[table] = values.get(table, {}) | entries
    return DetectorTrainingOptions.parse(values)


def trainer_of(options: DetectorTrainingOptions, folder: Path) -> DetectorTrainer:
    folder.mkdir(exist_ok=True)
    sets = [TrainingPages(entry) for entry in options.data.below(options.machine.data).sets]
    return DetectorTrainer(options, folder, sets)


@pytest.fixture(scope="module")
def network() -> TextNetwork:
    made = TextNetwork()
    load_ppocr(made)
    return made.eval()


def test_it_starts_as_the_line_detector_it_is_made_of(network: TextNetwork) -> None:
    pixels = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(1)) * 2 - 1
    theirs = OnnxModel(bundled_model("PP-OCRv6_det_small.onnx")).run(pixels.numpy())
    with torch.inference_mode():
        words, lines = network(pixels).sigmoid().numpy()[0]
    assert np.abs(theirs[0, 0] - lines).max() < 1e-3
    assert np.array_equal(words, lines)


def test_a_head_is_two_transposed_convolutions() -> None:
    head, features = Head(), torch.rand(2, 96, 5, 7)
    with torch.inference_mode():
        plain = head.last(torch.relu(head.up(torch.relu(head.mix(features)))))
        assert torch.allclose(head(features), plain, atol=1e-5)


def test_it_learns_a_page_of_three_words(pages: Path) -> None:
    (page,) = PageSet(pages / "pages").pages
    export_detector_of = pages / "words.onnx"

    def found() -> int:
        (regions,) = WordLine(model_path=export_detector_of).detect([page.pixels()])
        outlines = [word for words in regions.words for word in words]
        return matched(page.words, outlines)[0].hits

    untrained = TextNetwork()
    load_ppocr(untrained)
    export_detector(untrained, export_detector_of)
    assert found() < 3  # or there would be nothing to learn
    options = recipe(
        pages,
        objective={"line_weight": 0.0},
        optimiser={"samples": 40, "learning_rate": 3e-3, "average": 0.0, "warmup": 0.1},
        data={"side": 160, "sets": [{"path": "pages", "scales": (1.2, 2.8)}]},
    )
    trainer = trainer_of(options, pages / "run")
    assert trainer.run([], quiet)
    learnt = TextNetwork()
    load_weights(learnt, pages / "run" / WEIGHTS)
    export_detector(learnt, export_detector_of)
    assert found() == 3


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_an_interrupted_run_goes_on_to_the_same_weights(pages: Path) -> None:
    # Small, for speed; the losses of step 20 are logged.
    options = recipe(pages, optimiser={"samples": 22}, data={"side": 64})
    whole = trainer_of(options, pages / "whole")
    whole.run([], quiet)
    first = trainer_of(options, pages / "parts")
    assert not first.run([], quiet, stop_after=0)  # a step, and a checkpoint
    with pytest.raises(Killed):
        trainer_of(options, pages / "parts").run([], killed_at(20))
    last = trainer_of(options, pages / "parts")
    assert last.step == 1
    assert last.run([], quiet)
    assert same(whole.model.state_dict(), last.model.state_dict())
    assert same(whole.average.state_dict(), last.average.state_dict())
    assert losses(pages / "whole") == losses(pages / "parts") != []


def test_another_recipe_is_not_resumed(pages: Path) -> None:
    trainer_of(recipe(pages), pages / "run").run([], quiet, stop_after=0)
    with pytest.raises(ConfigurationError, match="belongs to a run of another recipe: objective"):
        trainer_of(recipe(pages, objective={"gap_weight": 4.0}), pages / "run")


def test_the_file_gives_the_networks_maps_on_every_runtime(
    network: TextNetwork, tmp_path: Path
) -> None:
    path = tmp_path / "words.onnx"
    export_detector(network, path)
    assert path.stat().st_size < 10e6
    pixels = torch.rand(2, 3, 64, 160, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.inference_mode():
        wanted = network(pixels).sigmoid().numpy()
    for found in (
        OnnxModel(path).run(pixels.numpy()),
        TorchNetwork(path, "cpu").run(pixels.numpy()),
    ):
        assert found.shape == (2, 2, 64, 160)
        assert np.abs(found - wanted).max() < 1e-3
    assert OnnxModel(path).metadata["maps"] == "words,lines"


def test_training_goes_on_from_an_exported_file(network: TextNetwork, tmp_path: Path) -> None:
    export_detector(network, tmp_path / "words.onnx")
    again = TextNetwork()
    load_exported(again, tmp_path / "words.onnx")
    pixels = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(4)) * 2 - 1
    with torch.inference_mode():
        assert (again(pixels) - network(pixels)).abs().max() < 1e-2  # of logits
    with pytest.raises(CheckpointError, match="no exported word detector"):
        load_exported(again, bundled_model("PP-OCRv6_det_small.onnx"))


def test_openvino_runs_the_file(network: TextNetwork, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    path = tmp_path / "words.onnx"
    export_detector(network, path)
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = shared_core().compile_model(str(path), "CPU", hint)
    pixels = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(3)) * 2 - 1
    with torch.inference_mode():
        wanted = network(pixels).sigmoid().numpy()
    assert np.abs(compiled({0: pixels.numpy()})[0] - wanted).max() < 1e-3


def test_a_file_with_other_numbers_is_not_written(
    network: TextNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "_IDLE", 10.0)  # takes channels for idle that are not
    with pytest.raises(ExportError, match="nothing was written"):
        export_detector(network, tmp_path / "words.onnx")
    assert list(tmp_path.iterdir()) == []


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="no weights of a word detector"):
        load_weights(TextNetwork(), tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="no weights of a word detector"):
        load_weights(TextNetwork(), tmp_path / "missing.safetensors")


def test_the_commands_train_resume_export_and_preview(pages: Path, capfd: Capture) -> None:
    (pages / "mine.toml").write_text(
        'task = "detection"\n'
        "[optimiser]\nbatch_size = 1\nsamples = 2\n"
        "[data]\nside = 64\n[[data.sets]]\npath = 'pages'\n"
    )
    run = ["train", "run", str(pages / "mine.toml"), "--out", str(pages / "run")]
    data = ["--data", str(pages), "--loaders", "0"]
    assert app.main([*run, *data, "--stop-after", "0"]) == 0
    assert "stopped after step 1 of 2" in capfd.readouterr().out
    assert app.main([*run, *data, "--resume"]) == 0
    assert "trained: " in capfd.readouterr().out
    weights, onnx = pages / "run" / WEIGHTS, pages / "words.onnx"
    assert app.main(["train", "export", str(weights), str(onnx)]) == 0
    assert WordLine(model_path=onnx).detect([np.zeros((40, 40, 3), np.uint8)])
    sheet = pages / "sheet.png"
    preview = ["train", "preview", str(pages / "mine.toml"), str(sheet), "--data", str(pages)]
    assert app.main([*preview, "--count", "2"]) == 0
    with Image.open(sheet) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert ((pixels[..., 1] - pixels[..., 0]) > 60).any()  # cores are green
    assert app.main(["train", "preview", "compact", str(sheet)]) == 2
    assert "trains a recognizer" in capfd.readouterr().err

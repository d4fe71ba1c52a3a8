"""Networks as ONNX files: the numbers of PyTorch, and the readings of the recognizer."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import onnx
import pytest
import torch
from PIL import Image
from torch import Tensor

from ocr_plugin.cli.app import main
from ocr_plugin.clip4str import Clip4Str, Clip4StrRecognizer
from ocr_plugin.errors import (
    CheckpointError,
    ConfigurationError,
    ExitCode,
    ExportError,
    ModelUnavailable,
)
from ocr_plugin.recognizers.clip4str import onnx_export
from ocr_plugin.recognizers.clip4str.captions import captions_of
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.checkpoint import load_model, load_network, save_model
from ocr_plugin.recognizers.clip4str.kv_cache import GrowingCache
from ocr_plugin.recognizers.clip4str.model_files import resolve
from ocr_plugin.recognizers.clip4str.onnx_export import export_onnx
from ocr_plugin.recognizers.clip4str.onnx_modules import ExportModule
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.reader import Reader, read_texts
from ocr_plugin.recognizers.clip4str.torch_network import torch_network
from ocr_plugin.runtime.weights import sha256_of
from tests.examples import Examples, python, shell
from tests.onnx_network import OnnxNetwork
from tests.recognizers.clip4str.test_compact_model import drawn
from tests.recognizers.clip4str.test_reader import ends
from tests.recognizers.clip4str.test_variants import network

EXPORT = Examples("export.md")
TOLERANCE = 1e-4
BATCHES = [1, 3, 7]
WORDS = ["STREET", "exit", "Hotel", "1984", "of", "A-113", "reading", "$12.99", "(b)", "Bakery"]
WORDS += ["entrance", "Restaurant"]
VARIANTS: dict[str, Callable[[], Clip4Str]] = {
    "visual": lambda: network(text_layers=0, max_label_length=3),
    "everything": lambda: network(decoder_depth=2, ctc=True, adapter_width=32, ladder_width=64),
}


@pytest.fixture(
    scope="module",
    params=["visual", pytest.param("everything", marks=pytest.mark.nightly)],
)
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network's file; readings of made-up weights are as different as the images."""
    model = VARIANTS[request.param]()
    with torch.no_grad():
        for name, part in model.named_modules():
            if name.endswith("decoder.head"):
                cast(Tensor, part.weight).mul_(40)
                cast(Tensor, part.bias)[model.config.charset.eos] += 8
        if model.ladder is not None:  # which says nothing before it is trained
            torch.nn.init.normal_(model.ladder.end.weight, std=0.02)
    path = tmp_path_factory.mktemp(request.param) / f"{request.param}.safetensors"
    save_model(model, path)
    return path


@pytest.fixture(scope="module")
def exported(weights: Path) -> Path:
    """The folder of a network's ONNX files."""
    return export_onnx(weights, weights.parent / "onnx")


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one did what docs/export.md says."""
    folder = tmp_path_factory.mktemp("compact")
    (command,) = EXPORT.commands("CLIP4STR as ONNX files")
    assert shell(folder, command).stdout == "compact-onnx\n"
    return folder


@pytest.fixture
def visual(tmp_path: Path) -> Path:
    """The file of a network with few parts."""
    save_model(VARIANTS["visual"](), tmp_path / "visual.safetensors")
    return tmp_path / "visual.safetensors"


def assert_alike(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("batch", BATCHES)
@torch.inference_mode()
def test_every_file_gives_the_numbers_of_its_part(
    batch: int, weights: Path, exported: Path
) -> None:
    plain, onnx_network = load_network(weights), OnnxNetwork(exported)
    config = plain.config
    charset, steps = config.charset, config.steps
    images = torch.randn(batch, 3, *config.image_size)
    tokens, *columns = onnx_network.run("image_tower", images)
    assert_alike(tokens, plain.encode_image(images))
    if config.ctc:
        assert_alike(columns[0], plain.ctc_logits(tokens))
    if config.text_layers:
        captions = captions_of(config, WORDS[:batch])
        assert_alike(onnx_network.encode_captions(captions), plain.encode_captions(captions))

    for branch in ("visual", "cross") if plain.cross_decoder else ("visual",):
        theirs, ours = (getattr(each, f"{branch}_decoder") for each in (onnx_network, plain))
        memory = ours.project(tokens)
        for layer, other in zip(theirs.project(tokens), memory, strict=True):
            assert_alike(torch.stack(layer), torch.stack(other))
        past, other_past = GrowingCache(), GrowingCache()
        for position in range(steps):
            characters = torch.randint(charset.ids, (batch,))
            found = theirs.step(characters, position, memory, past)
            assert_alike(found, ours.step(characters, position, memory, other_past))
        for known, positions in ((1, steps), (steps, 1), (2, steps - 1), (steps, steps)):
            characters = torch.randint(charset.ids, (batch, known))
            masks = [torch.rand(batch, 1, length, known) < 0.5 for length in (positions, known)]
            for mask in masks:
                mask[..., 0] = True
            found = theirs(characters, memory, *masks, positions)
            assert_alike(found, ours(characters, memory, *masks, positions))


@pytest.mark.parametrize("autoregressive", [True, False])
@pytest.mark.parametrize("refinements", [0, 1, 2])
@torch.inference_mode()
def test_whole_readings_have_the_logits_of_the_network(
    refinements: int, autoregressive: bool, weights: Path, exported: Path
) -> None:
    reader = load_model(weights, refinements=refinements)
    images = torch.randn(7, 3, *reader.config.image_size, generator=torch.manual_seed(3))
    expected = reader(images, independent=True, autoregressive=autoregressive)
    other = Reader(cast(Clip4Str, OnnxNetwork(exported)), refinements)
    found = other(images, independent=True, autoregressive=autoregressive)
    eos = reader.config.charset.eos
    kept = ends(expected, eos)
    assert torch.equal(kept, ends(found, eos))
    assert_alike(found[kept], expected[kept])
    if autoregressive and refinements:
        texts = read_texts(reader.config, expected)
        assert len(set(texts)) > 2, texts  # images that read alike would show little


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["accurate", "fast", "ctc"])
def test_drawn_words_are_read_as_by_the_recognizer(mode: str, compact: Path) -> None:
    ours = Clip4StrRecognizer(offline=True, mode=mode)
    crops = [drawn(word, "black", "white") for word in WORDS]
    expected = ours.recognize(crops)
    assert sum(reading.text == word for reading, word in zip(expected, WORDS, strict=True)) > 9

    other = OnnxNetwork(compact / "compact-onnx")
    images = torch_network(resolve(DEFAULT_MODEL), Clip4StrOptions()).images(crops)
    with torch.inference_mode():
        if mode == "ctc":
            _, logits = other.run("image_tower", images)
            plain = load_network("clip4str-compact")
            assert_alike(logits, plain.ctc_logits(plain.encode_image(images)))
            return
        reader = Reader(cast(Clip4Str, other))
        logits = reader(images, independent=True, autoregressive=mode == "accurate")
    texts = read_texts(other.config, logits)
    assert texts == [reading.text for reading in expected]


@pytest.mark.nightly
def test_the_example_reads_a_word_without_pytorch(compact: Path) -> None:
    (example,) = EXPORT.blocks("A word read without PyTorch", "python")
    for word in ("STREET", "$12.99"):
        Image.fromarray(drawn(word, "black", "white")).save(compact / "word.png")
        code = f"{example}\nimport sys; assert 'torch' not in sys.modules"
        assert python(compact, code) == f"{word}\n"


def test_the_description_tells_what_the_files_are(weights: Path, exported: Path) -> None:
    plain, description = load_network(weights), OnnxNetwork(exported).description
    assert OnnxNetwork(exported).config == plain.config
    assert description["weights"] == {"file": weights.name, "sha256": sha256_of(weights)}
    assert description["tokens"] == {"eos": 0, "bos": 95}
    assert description["steps"] == plain.config.steps
    if plain.config.text_layers:
        assert description["captions"] == {"begin": 49406, "end": 49407, "pad": 0}
    files = {entry["file"] for entry in description["files"].values()}
    assert files == {path.name for path in exported.iterdir()} - {"model.json"}
    assert len(files) == (8 if plain.cross_decoder else 4)
    step = description["files"]["visual_step"]
    depth = plain.config.decoder_depth
    assert step["inputs"]["characters"] == {"shape": ["batch"], "dtype": "int64"}
    assert step["inputs"]["past_keys"]["shape"] == [depth, "batch", 8, "past", 8]
    assert step["outputs"]["logits"] == {"shape": ["batch", 95], "dtype": "float32"}
    for name in files:
        (opset,) = onnx.load(exported / name).opset_import
        assert opset.version == description["opset"] == 20


def test_the_documents_table_names_all_files_and_tensors(exported: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
    for name, part in json.loads((exported / "model.json").read_text())["files"].items():
        for known in (name, *part["inputs"], *part["outputs"]):
            assert f"`{known}`" in text


@pytest.mark.nightly
def test_large_weights_lie_beside_their_file(visual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "_MOST_IN_ONE_FILE", 0)
    folder = export_onnx(visual, visual.parent / "onnx")
    assert (folder / "image_tower.onnx.data").is_file()
    folder = folder.rename(visual.parent / "elsewhere")
    plain, images = load_network(visual), torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        found = OnnxNetwork(folder).encode_image(images)
        assert_alike(found, plain.encode_image(images))


def test_the_command_prints_the_folder(visual: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = visual.parent / "onnx"
    assert main(["models", "export", str(visual), "--out", str(out)]) == 0
    assert capfd.readouterr() == (f"{out}\n", "")
    assert (out / "model.json").is_file()
    assert main(["models", "export", str(visual), "--out", str(out)]) == ExitCode.USAGE
    printed, said = capfd.readouterr()
    assert (printed, said.count("\n")) == ("", 1)
    assert f"{out} exists already" in said


def test_a_missing_package_is_named(visual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigurationError, match=r"ocr-plugin\[export\].*onnxscript"):
        export_onnx(visual, visual.parent / "onnx")
    assert list(visual.parent.iterdir()) == [visual]


def test_what_cannot_be_written_leaves_nothing(
    visual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = visual.parent / "onnx"
    with pytest.raises(ConfigurationError, match="cannot be written: No such file"):
        export_onnx(visual, folder / "deeper")
    with pytest.raises(ModelUnavailable, match="no file or model called"):
        export_onnx("no-such-model", folder)

    def refused(self: ExportModule, lengths: dict[str, int]) -> tuple[Tensor, ...]:
        raise ValueError("no such\nsample")

    with monkeypatch.context() as patch:
        patch.setattr(ExportModule, "samples", refused)
        with pytest.raises(ExportError, match=r"image_tower.onnx could not be written: no such$"):
            export_onnx(visual, folder)
    assert list(visual.parent.iterdir()) == [visual]


def test_other_numbers_are_an_error(visual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = onnx.checker.check_model

    def spoiled(path: Path, full_check: bool) -> None:
        """Puts a little wrong what was written, where that is the decoder's step."""
        check(path, full_check=full_check)
        if path.stem == "visual_step":
            file = onnx.load(path)
            bias = next(each for each in file.graph.initializer if each.name.endswith("head.bias"))
            values = onnx.numpy_helper.to_array(bias) + 0.001
            bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
            onnx.save(file, path)

    monkeypatch.setattr(onnx.checker, "check_model", spoiled)
    with pytest.raises(ExportError, match=r"visual_step.onnx: logits is off by 1.0e-03"):
        export_onnx(visual, visual.parent / "onnx")
    assert list(visual.parent.iterdir()) == [visual]


def test_damaged_weights_are_refused(visual: Path) -> None:
    shutil.copy(visual, damaged := visual.parent / "damaged.safetensors")
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged"):
        export_onnx(damaged, visual.parent / "onnx")

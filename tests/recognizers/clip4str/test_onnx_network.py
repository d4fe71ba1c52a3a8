"""The bundled model in ONNX Runtime, beside PyTorch with the same weights."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from ocr_plugin.clip4str import Clip4StrRecognizer, load_model
from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str.graph_files import PARTS, SHA256, graph_file
from ocr_plugin.recognizers.clip4str.model_files import bundled
from ocr_plugin.recognizers.clip4str.onnx_network import OnnxWordNetwork
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.reader import read_texts
from ocr_plugin.recognizers.clip4str.torch_network import torch_network
from ocr_plugin.recognizers.second_opinion import SecondOpinion
from ocr_plugin.runtime import onnx_runtime
from ocr_plugin.runtime.weights import sha256_of
from tests.recognizers.clip4str.test_compact_model import drawn
from tests.recognizers.clip4str.test_reader import WORDS, ends

TOLERANCE = 1e-4


def weights() -> Path:
    found = bundled()
    assert found is not None
    return found


def network(**options: object) -> OnnxWordNetwork:
    return OnnxWordNetwork(weights(), Clip4StrOptions.parse(dict(options)))


def crops() -> list[RGB]:
    """Words that are read well, one upside down, a part of one, and noise."""
    words = [drawn(word, "black", "white") for word in WORDS]
    noise = np.random.default_rng(4).integers(0, 256, (12, 30, 90, 3), dtype=np.uint8)
    return [*words, words[3][::-1, ::-1], words[9][:, :70], *noise]


@pytest.mark.parametrize("mode", ["accurate", "fast"])
@pytest.mark.parametrize("refinements", [0, 1, 2])
def test_logits_and_texts_are_those_of_pytorch(refinements: int, mode: str) -> None:
    ours = network(refinements=refinements, mode=mode)
    reader = load_model(weights(), refinements=refinements)
    images = ours.images(crops())
    with torch.inference_mode():
        expected = reader(
            torch.from_numpy(images), independent=True, autoregressive=mode == "accurate"
        )
    found = torch.from_numpy(ours.logits(images))
    eos = ours.config.charset.eos
    kept = ends(expected, eos)
    length = found.shape[1]
    assert not kept[:, length:].any()
    assert torch.equal(ends(found, eos), kept[:, :length])
    torch.testing.assert_close(found[kept[:, :length]], expected[kept], atol=TOLERANCE, rtol=0)
    texts = read_texts(ours.config, expected)
    assert len(set(texts)) > 15  # of many lengths, and most of them of noise


def test_the_ctc_head_sees_the_same() -> None:
    options = Clip4StrOptions(mode="ctc")
    expected = torch_network(weights(), options).columns(crops())
    np.testing.assert_allclose(network(mode="ctc").columns(crops()), expected, atol=TOLERANCE)


def test_scores_and_likely_texts_are_those_of_pytorch() -> None:
    def propose(likely: Sequence[str], columns: object) -> list[str]:
        return [likely[0].swapcase()] if likely else []

    options, some = Clip4StrOptions(), crops()
    given = [["Hotel", "x"], [], *([["entrance"]] * (len(some) - 2))]
    found = network().score(some, given, 4, propose)
    expected = torch_network(weights(), options).score(some, given, 4, propose)
    for one, other in zip(found, expected, strict=True):
        assert sorted(one.texts) == sorted(other.texts)
        scores = dict(zip(other.texts, other.log_probabilities, strict=True))
        theirs = [scores[text] for text in one.texts]
        # Of a long text that does not look like the crop, the logarithm is -100 and less.
        np.testing.assert_allclose(one.log_probabilities, theirs, atol=1e-3, rtol=1e-4)


def test_a_word_does_not_depend_on_its_neighbours_and_threads_may_share_it() -> None:
    recognizer, some = Clip4StrRecognizer(batch_size=5, language="none"), crops()
    alone = [recognizer.recognize([crop])[0] for crop in some]
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(recognizer.recognize, [some] * 3):
            assert [each.text for each in found] == [each.text for each in alone]
            assert [each.confidence for each in found] == pytest.approx(
                [each.confidence for each in alone], abs=1e-5
            )


def test_it_is_opened_for_the_first_doubtful_word(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    make = onnx_runtime._session

    def watched(source: bytes | str, threads: int) -> object:
        opened.append(Path(source).name if isinstance(source, str) else "")
        return make(source, threads)

    monkeypatch.setattr(onnx_runtime, "_session", watched)
    reader = SecondOpinion()
    assert opened == [""]  # PP-OCR's
    assert reader.recognize([drawn("Reading", "black", "white")])[0].text == "Reading"
    assert opened == [""]
    reader.recognize([drawn("l1O0I", "black", "white")])
    parts = ("image_tower", "visual_memory", "visual_step", "visual_pass")
    assert sorted(opened[1:]) == sorted(graph_file(weights(), part) for part in parts)


def test_the_graphs_are_of_these_weights_and_hold_none() -> None:
    files = [weights().with_name(graph_file(weights(), part)) for part in PARTS]
    assert sum(path.stat().st_size for path in files) < 300_000
    for path in files:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        recorded = session.get_modelmeta().custom_metadata_map[SHA256]
        assert recorded == sha256_of(weights()), (
            "write the graphs anew: ocr-plugin models export --graphs; see docs/export.md"
        )


def test_graphs_of_other_weights_are_refused(tmp_path: Path) -> None:
    content = bytearray(weights().read_bytes())
    content[-1] ^= 1
    (tmp_path / weights().name).write_bytes(content)
    for part in PARTS:
        name = graph_file(weights(), part)
        (tmp_path / name).write_bytes(weights().with_name(name).read_bytes())
    other = OnnxWordNetwork(tmp_path / weights().name, Clip4StrOptions())
    with pytest.raises(CheckpointError, match=r"image_tower\.onnx: its weights_sha256 is"):
        other.probabilities(crops()[:1])
    (tmp_path / graph_file(weights(), "image_tower")).unlink()
    with pytest.raises(CheckpointError, match=r"image_tower\.onnx: not a usable graph"):
        other.probabilities(crops()[:1])
    (tmp_path / weights().name).write_bytes(b"\0" * 8)
    with pytest.raises(CheckpointError, match="damaged"):
        OnnxWordNetwork(tmp_path / weights().name, Clip4StrOptions())


def test_onnx_runtime_reads_the_bundled_model_alone_and_only_on_a_cpu(tmp_path: Path) -> None:
    assert isinstance(Clip4StrRecognizer()._network, OnnxWordNetwork)
    assert isinstance(Clip4StrRecognizer(model=weights())._network, OnnxWordNetwork)
    copied = tmp_path / "own.safetensors"
    copied.write_bytes(weights().read_bytes())
    assert not isinstance(Clip4StrRecognizer(model=copied)._network, OnnxWordNetwork)
    assert not isinstance(Clip4StrRecognizer(backend="torch")._network, OnnxWordNetwork)
    for options in ({"model": copied}, {"precision": "bfloat16"}, {"device": "cuda:0"}):
        with pytest.raises(ConfigurationError, match="backend 'onnxruntime' reads clip4str-comp"):
            Clip4StrRecognizer(backend="onnxruntime", **options)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("model=own", "with model OWN"),
        ("precision='bfloat16'", "on device 'cpu' in precision 'bfloat16'"),
        ("device='cuda:0'", "on device 'cuda:0' in precision 'auto'"),
        ("backend='torch'", "with backend 'torch'"),
    ],
)
def test_without_pytorch_the_error_names_the_extra(options: str, what: str, tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(weights().read_bytes())
    code = f"""
import sys
sys.modules["torch"], own = None, {str(own)!r}
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.recognizer import Clip4StrRecognizer
import numpy as np
word = Clip4StrRecognizer().recognize([np.full((20, 50, 3), 255, np.uint8)])
try:
    Clip4StrRecognizer({options})
except ConfigurationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    named = what.replace("OWN", str(own))
    assert done.stdout == f"CLIP4STR {named} needs torch: pip install 'ocr-plugin[torch]'\n"

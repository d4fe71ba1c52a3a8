"""What only networks of our own have: a convolutional stem, captions of characters, a CTC head."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig, Clip4StrRecognizer
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.charset import CHARACTERS, Charset
from ocr_plugin.recognizers.clip4str.captions import caption
from ocr_plugin.recognizers.clip4str.checkpoint import load_network, save_model
from ocr_plugin.recognizers.clip4str.reader import Reader
from ocr_plugin.recognizers.ctc import greedy_texts
from ocr_plugin.recognizers.ppocr import BUNDLED_MODEL
from ocr_plugin.runtime.weights import bundled_model
from ocr_plugin.training.recognition.initial_weights import start
from ocr_plugin.training.recognition.options import StartOptions

SMALL = Clip4StrConfig(
    embed_dim=64,
    image_size=(32, 64),
    patch_size=(16, 4),
    stem_width=8,
    vision_layers=1,
    vision_width=64,
    text_layers=1,
    text_width=64,
    caption_tokens="characters",
    vocab_size=97,
    text_positions=27,
    context_length=27,
    text_characters=CHARACTERS,
    max_label_length=12,
    ctc=True,
)
# What the last block of PP-OCRv6 small's backbone puts out.
FEATURES = "p2o.pd_op.add.64.0"


def with_values(**values: object) -> Clip4StrConfig:
    return Clip4StrConfig(**{**vars(SMALL), **values})


def test_the_stem_with_ppocrs_weights_computes_what_ppocr_does() -> None:
    graph = onnx.load(bundled_model(BUNDLED_MODEL))
    graph.graph.output.append(onnx.helper.make_tensor_value_info(FEATURES, 1, None))
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    images = np.random.default_rng(0).random((2, 3, 48, 96), dtype=np.float32) * 2 - 1
    (expected,) = session.run([FEATURES], {session.get_inputs()[0].name: images})

    model = Clip4Str(with_values(image_size=(48, 96), patch_size=(48, 4), stem_width=96)).eval()
    start(model, StartOptions(source="ppocr"))
    with torch.inference_mode():
        found = model.stem(torch.from_numpy(images).flip(1))  # PP-OCR sees blue first
    assert found.shape == (2, 384, 3, 24)
    assert np.abs(found.numpy() - expected).max() < 1e-3 * np.abs(expected).max()


def test_ppocrs_weights_need_a_stem_of_their_size() -> None:
    with pytest.raises(ConfigurationError, match="stem_width of 96"):
        start(Clip4Str(SMALL), StartOptions(source="ppocr"))
    with pytest.raises(ConfigurationError, match="no stem"):
        start(Clip4Str(with_values(stem_width=0)), StartOptions(source="ppocr"))


def test_a_stem_from_nothing_hands_on_what_it_sees() -> None:
    torch.manual_seed(0)
    model = Clip4Str(with_values(stem_width=16)).eval()
    with torch.inference_mode():
        maps = model.stem(torch.randn(4, 3, 32, 64))
    assert maps.shape == (4, 64, 2, 16)
    # Different images give different features, neither vanishing nor exploding.
    assert 1e-2 < (maps[0] - maps[1]).abs().mean() < 1e2


def test_reads_alike_alone_and_among_others() -> None:
    torch.manual_seed(0)
    reader = Reader(Clip4Str(SMALL).eval())
    images = torch.randn(5, 3, 32, 64)
    with torch.inference_mode():
        together = reader(images, independent=True)
        alone = torch.cat([reader(image[None], independent=True) for image in images])
    assert torch.allclose(together, alone, atol=1e-4)


def test_a_saved_network_comes_back_whole(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Clip4Str(SMALL).eval()
    save_model(network, tmp_path / "full.safetensors")
    save_model(network, tmp_path / "half.safetensors", torch.float16)
    images = torch.randn(2, 3, 32, 64)
    with torch.inference_mode():
        expected = Reader(network)(images)
        full = load_network(tmp_path / "full.safetensors")
        assert torch.allclose(Reader(full)(images), expected, atol=1e-5)
        half = load_network(tmp_path / "half.safetensors")
        assert half.config == SMALL
        assert {entry.dtype for entry in half.parameters()} == {torch.float32}
        assert torch.allclose(Reader(half)(images), expected, atol=0.05)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "full")]
    assert sizes[0] < 0.55 * sizes[1]


def test_confidences_are_raised_to_the_networks_power(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Clip4Str(SMALL)
    crop = np.random.default_rng(0).integers(0, 256, (20, 60, 3), dtype=np.uint8)
    found = []
    for power in (1.0, 0.5):
        model.config = replace(SMALL, confidence_power=power)
        save_model(model, tmp_path / "model.safetensors")
        path = tmp_path / "model.safetensors"
        (reading,) = Clip4StrRecognizer(model=path, language="none").recognize([crop])
        found.append(reading.confidence)
    assert found[1] == pytest.approx(found[0] ** 0.5)


def test_the_ctc_head_reads_columns() -> None:
    model = Clip4Str(SMALL)
    tokens = torch.randn(3, 1 + 32, 64)
    logits = model.ctc_logits(tokens)
    assert logits.shape == (3, 16, 95)
    # A column is the mean of its rows; the class token has no part.
    tokens[:, 0] = 7
    tokens[:, [1, 17]] = tokens[:, [17, 1]]
    assert torch.allclose(model.ctc_logits(tokens), logits, atol=1e-5)
    with pytest.raises(ConfigurationError, match="no CTC head"):
        Clip4Str(with_values(ctc=False)).ctc_logits(tokens)


def test_ctc_takes_out_repeats_and_blanks() -> None:
    charset = Charset("ab")
    paths = torch.tensor([[0, 1, 1, 0, 1, 2], [2, 2, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0]])
    logits = torch.nn.functional.one_hot(paths, 3).float()
    assert greedy_texts(logits, charset) == ["aab", "b", ""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ba", (3, 2, 1, 4, 0)),
        ("", (3, 4, 0, 0, 0)),
        ("BA?", (3, 2, 1, 4, 0)),
        ("ababab", (3, 1, 2, 1, 4)),
    ],
)
def test_captions_of_characters(text: str, expected: tuple[int, ...]) -> None:
    assert caption(text, "ab", 5, "characters") == expected


def test_captions_keep_the_case_where_the_charset_has_both() -> None:
    assert caption("aB", "abAB", 5, "characters") == (5, 1, 4, 6, 0)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"stem_width": 12}, "multiple of 8"),
        ({"stem_width": -8}, "stem_width is -8"),
        ({"patch_size": (8, 4)}, "stem"),
        ({"caption_tokens": "words"}, "caption_tokens"),
        ({"confidence_power": 0.0}, "confidence_power"),
        ({"vocab_size": 96}, "below the 97"),
        ({"caption_tokens": "bpe"}, "below the 49408"),
    ],
)
def test_impossible_networks_are_refused(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        with_values(**values)

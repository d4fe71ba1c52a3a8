"""CLIP4STR as a plugin, on a real checkpoint of a tiny network with random weights."""

import hashlib
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ocr_plugin import plugins
from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig, Clip4StrRecognizer, load_model, save_model
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import ConfigurationError, ModelUnavailable
from ocr_plugin.options import EngineOptions
from ocr_plugin.protocols import RGB, Reading, Recognizer
from ocr_plugin.recognizers.clip4str.config import CLIP_MEAN, CLIP_STD
from ocr_plugin.recognizers.clip4str.torch_network import TorchWordNetwork
from tests.pictures import draw_lines
from tests.readings import confidences as character_confidences
from tests.recognizers.clip4str.test_parity import checkpoint


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint under which words of many lengths are read."""
    return checkpoint("tiny", tmp_path_factory.mktemp("model"))[1]


@pytest.fixture(scope="module")
def recognizer(weights: Path) -> Clip4StrRecognizer:
    return Clip4StrRecognizer(model=weights, batch_size=7)


@pytest.fixture(scope="module")
def alone(recognizer: Clip4StrRecognizer) -> list[Reading]:
    """The readings of 64 crops, each by itself."""
    return [recognizer.recognize([word])[0] for word in crops(64)]


def crops(count: int) -> list[RGB]:
    """Crops of many sizes, the first of one pixel."""
    rng = np.random.default_rng(5)
    sizes = [(1, 1), *zip(rng.integers(2, 60, count), rng.integers(2, 200, count), strict=True)]
    coarse = [rng.integers(0, 256, (4, 6, 3), dtype=np.uint8) for _ in range(count)]
    return [
        np.asarray(
            Image.fromarray(image).resize((int(width), int(height)), Image.Resampling.NEAREST)
        )
        for image, (height, width) in zip(coarse, sizes, strict=False)
    ]


def assert_same(found: list[Reading], expected: list[Reading]) -> None:
    assert [reading.text for reading in found] == [reading.text for reading in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
        assert character_confidences(one) == pytest.approx(character_confidences(other), abs=1e-4)


def test_it_is_a_recognizer_of_words(recognizer: Clip4StrRecognizer, weights: Path) -> None:
    assert isinstance(recognizer, Recognizer)
    assert recognizer.unit == "word"
    component = recognizer.component
    assert component.name == "clip4str:tiny.pt"
    assert component.version == version("ocr-plugin")
    assert component.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_it_is_found_by_its_name(weights: Path) -> None:
    found = plugins.make_recognizer("clip4str", model=str(weights))
    assert isinstance(found, Clip4StrRecognizer)


def test_without_language_a_reading_is_what_the_network_says(weights: Path) -> None:
    recognizer, reader = Clip4StrRecognizer(model=weights, language="none"), load_model(weights)
    for crop in crops(6):
        reading = recognizer.recognize([crop])[0]
        resized = np.asarray(Image.fromarray(crop).resize((32, 32), Image.Resampling.BICUBIC))
        image = ((resized / 255 - CLIP_MEAN) / CLIP_STD).transpose(2, 0, 1)
        with torch.inference_mode():
            classes = reader(torch.from_numpy(image[None]).float())[0].softmax(-1)
        confidences, tokens = classes.max(-1)
        assert reading.text == reader.config.charset.decode(tokens.tolist())
        length = len(reading.text)
        own = character_confidences(reading)
        assert own == pytest.approx(confidences[:length].tolist(), abs=1e-5)
        assert reading.confidence == pytest.approx(
            confidences[: length + 1].prod().item(), rel=1e-3
        )
        if length < reader.config.steps:
            assert reading.confidence < math.prod(own)


@pytest.mark.parametrize("count", [1, 7, 64])
@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_a_reading_does_not_depend_on_its_neighbours(
    count: int, batch_size: int, weights: Path, alone: list[Reading]
) -> None:
    words, expected = crops(64)[:count], alone[:count]
    other = Clip4StrRecognizer(model=weights, batch_size=batch_size)
    assert_same(other.recognize(words), expected)
    assert_same(other.recognize(words[::-1]), expected[::-1])
    if count == 64:
        assert len({len(reading.text) for reading in alone}) > 1
        assert len({reading.text for reading in alone}) > 1


def test_the_network_sees_batches_of_few_sizes(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = Clip4StrRecognizer(model=weights, batch_size=23, threads=1)
    seen: set[int] = set()
    assert isinstance(recognizer._network, TorchWordNetwork)
    network = recognizer._network.reader.network
    encode = network.encode_image

    def watched(images: torch.Tensor) -> torch.Tensor:
        seen.add(len(images))
        return encode(images)

    monkeypatch.setattr(network, "encode_image", watched)
    for count in range(1, 27):
        assert len(recognizer.recognize(crops(count))) == count
    assert seen == {1, 2, 3, 4, 6, 8, 12, 16, 23}


def test_no_crops_give_no_readings(recognizer: Clip4StrRecognizer) -> None:
    assert recognizer.recognize([]) == []


def test_threads_may_share_it(recognizer: Clip4StrRecognizer) -> None:
    words = crops(24)
    expected = recognizer.recognize(words)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(recognizer.recognize, [words] * 8):
            assert_same(found, expected)


@pytest.mark.parametrize("refinements", [0, 1, 2])
def test_any_number_of_refinements_reads(refinements: int, weights: Path) -> None:
    recognizer = Clip4StrRecognizer(model=weights, refinements=refinements, batch_size=8)
    words = crops(20)
    assert_same(recognizer.recognize(words), [recognizer.recognize([word])[0] for word in words])


def test_normalisation_is_the_models_unless_chosen(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = Clip4StrConfig(
        embed_dim=16,
        image_size=(16, 32),
        patch_size=(8, 8),
        vision_layers=1,
        vision_width=64,
        text_layers=1,
        text_width=64,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    path = tmp_path / "half.safetensors"
    save_model(Clip4Str(config), path)
    words = crops(3)
    own, half, clip = (
        [
            reading.confidence
            for reading in Clip4StrRecognizer(model=path, normalisation=choice).recognize(words)
        ]
        for choice in (None, "half", "clip")
    )
    assert own == half
    assert own != clip


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"device": "cuda:97"}, "device 'cuda:97' cannot be used here"),
        ({"batch_size": 0}, "batch_size"),
        ({"refinements": -1}, "refinements"),
        ({"normalisation": "zero"}, "normalisation"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], complaint: str, weights: Path) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        Clip4StrRecognizer(model=weights, **options)
    assert "\n" not in str(caught.value)


def test_a_missing_model_is_not_downloaded_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path))
    with pytest.raises(ModelUnavailable, match="downloads are off"):
        Clip4StrRecognizer(model="clip4str-b16-real", offline=True)


def test_the_catalogue_and_the_charset_load_without_torch() -> None:
    code = (
        "import sys, ocr_plugin.recognizers.clip4str.catalogue, ocr_plugin.recognizers.charset\n"
        "assert 'torch' not in sys.modules and 'huggingface_hub' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_engine_gives_it_the_words_of_a_page(weights: Path) -> None:
    engine = Engine(
        recognizer="clip4str",
        recognizer_options={"model": weights, "language": "none"},
        options=EngineOptions(min_confidence=0),
    )
    drawn = draw_lines([(20, 40, "five words stand right here")])
    page = engine.read(drawn.pixels)
    # Random weights read nonsense, but one word of it at each place.
    assert len(page.words) == len(drawn.words)
    for word, (x0, _, x1, _) in zip(page.words, drawn.words.values(), strict=True):
        left, _, right, _ = word.polygon.box
        assert left == pytest.approx(x0, abs=14) and right == pytest.approx(x1, abs=14)
    assert page.engine.recognizer.name.startswith("clip4str:")

"""The weights that come with the package."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin import Engine
from ocr_plugin.clip4str import Clip4StrRecognizer, load_network
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL, catalogue
from ocr_plugin.recognizers.clip4str.model_files import locate
from ocr_plugin.recognizers.ctc import ctc_reading

EXAMPLES = Path(__file__).parents[3] / "examples"


def drawn(text: str, ink: str, paper: str) -> RGB:
    font = ImageFont.load_default(size=40)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("RGB", (int(right - left) + 16, int(bottom - top) + 16), paper)
    ImageDraw.Draw(picture).text((8 - left, 8 - top), text, ink, font)
    return np.asarray(picture)


@pytest.fixture(scope="module")
def recognizer() -> Clip4StrRecognizer:
    return Clip4StrRecognizer(offline=True)


def test_it_is_small_and_what_the_catalogue_says() -> None:
    entry = next(entry for entry in catalogue() if entry.name == DEFAULT_MODEL)
    path = locate(entry)
    assert path is not None and path.stat().st_size < 25_000_000
    parameters = sum(part.numel() for part in load_network(path).parameters())
    assert entry.parameters == pytest.approx(parameters, rel=0.01)


@pytest.mark.parametrize(
    "text", ["Word", "STREET", "reading", "1984", "$12.99", "A-113", "exit", "(b)", "CLIP4STR"]
)
def test_it_reads_plain_words(text: str, recognizer: Clip4StrRecognizer) -> None:
    crops = [drawn(text, "black", "white"), drawn(text, "yellow", "navy")]
    for reading in recognizer.recognize(crops):
        assert reading.text == text
        assert 0.2 < reading.confidence <= 1


def test_noise_is_not_read_with_confidence(recognizer: Clip4StrRecognizer) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 48, 128, 3), dtype=np.uint8)
    assert all(reading.confidence < 0.5 for reading in recognizer.recognize(list(noise)))


def test_its_ctc_head_reads_too(recognizer: Clip4StrRecognizer) -> None:
    crops = [drawn(text, "black", "white") for text in ("STREET", "1984")]
    columns = recognizer._network.columns(crops)
    charset = recognizer.model_config.charset
    assert [ctc_reading(row, charset).text for row in columns] == ["STREET", "1984"]


def test_the_engine_reads_a_photo_with_it() -> None:
    page = Engine(recognizer="clip4str").read(EXAMPLES / "shop_signs.jpg")
    assert page.engine.recognizer.name == f"clip4str:{DEFAULT_MODEL}"
    assert len(page.words) >= 3

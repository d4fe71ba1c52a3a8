"""What is read quickly: all characters at once, or by the CTC head alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ocr_plugin.clip4str import Clip4StrRecognizer
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import Reading
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.checkpoint import load_model, save_model
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.model_files import resolve
from ocr_plugin.recognizers.ctc import ctc_reading
from tests.readings import characters, spans
from tests.recognizers.clip4str.test_compact_model import drawn as crop
from tests.recognizers.clip4str.test_reader import WORDS, drawn
from tests.recognizers.clip4str.test_variants import network

CROPS = [crop(word, "black", "white") for word in WORDS]


@pytest.mark.parametrize("mode", ["fast", "ctc"])
def test_plain_words_are_read(mode: str) -> None:
    readings = Clip4StrRecognizer(mode=mode).recognize(CROPS)
    assert sum(found.text == word for found, word in zip(readings, WORDS, strict=True)) >= 10
    for reading in readings:
        assert 0.1 < reading.confidence <= 1
        assert len(characters(reading)) == len(reading.text)


def test_all_at_once_takes_no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = load_model(resolve(DEFAULT_MODEL), refinements=0)
    images = drawn(WORDS, reader.config)
    with torch.inference_mode():
        slow = reader(images)
        monkeypatch.delattr(Decoder, "step")
        quick = reader(images, autoregressive=False)
    assert quick.shape == (len(WORDS), reader.config.steps, reader.config.charset.classes)
    # The first character knows of no other either way.
    close = (quick[:, 0].softmax(-1) - slow[:, 0].softmax(-1)).abs().amax(-1) < 0.05
    assert close.float().mean() > 0.8


def test_all_at_once_each_row_is_read_as_if_alone() -> None:
    reader = load_model(resolve(DEFAULT_MODEL))
    images = drawn(WORDS, reader.config)
    with torch.inference_mode():
        together = reader(images, independent=True, autoregressive=False)
        alone = torch.cat(
            [reader(one[None], independent=True, autoregressive=False) for one in images]
        )
    ends = (together.argmax(-1) == 0).int().argmax(1)
    for row, end in enumerate(ends.tolist()):
        torch.testing.assert_close(
            together[row, : end + 1], alone[row, : end + 1], atol=1e-4, rtol=0
        )


def test_the_ctc_head_tells_where_characters_stand() -> None:
    (reading,) = Clip4StrRecognizer(mode="ctc").recognize([crop("STREET", "black", "white")])
    assert reading.text == "STREET"
    found = spans(reading)
    assert len(found) == 6 and found == sorted(found)
    assert found[0][0] < 0.25 and found[-1][1] > 0.75


def test_a_blank_crop_is_an_empty_reading() -> None:
    charset = load_model(resolve(DEFAULT_MODEL)).config.charset
    blank = np.zeros((8, charset.classes), np.float32)
    blank[:, 0] = 1
    reading = ctc_reading(blank, charset)
    assert reading == Reading("", 0.0)


def test_a_model_without_the_head_says_so(tmp_path: Path) -> None:
    save_model(network(), tmp_path / "none.safetensors")
    with pytest.raises(ConfigurationError, match="has no CTC head"):
        Clip4StrRecognizer(model=tmp_path / "none.safetensors", mode="ctc")

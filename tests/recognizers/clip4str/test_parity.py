"""The arithmetic of the public implementation, to 1e-4, under weights rebuilt from names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ocr_plugin.clip4str import PRESETS, Clip4Str, Clip4StrConfig, Reader, load_model
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.charset import CHARACTERS, TEXT_CHARACTERS, Charset
from ocr_plugin.recognizers.clip4str.captions import caption
from ocr_plugin.recognizers.clip4str.kv_cache import GrowingCache
from ocr_plugin.recognizers.clip4str.reader import read_texts
from tests.data.parity import weights

PARITY = Path(__file__).parents[2] / "data" / "parity"
TOLERANCE = 1e-4


def checkpoint(name: str, folder: Path) -> tuple[dict[str, Any], Path]:
    """Returns a fixture's description and a real checkpoint of its weights."""
    meta = json.loads((PARITY / f"{name}.json").read_text())
    weights.check(meta)
    path = folder / f"{name}.pt"
    torch.save(weights.state_dict(meta), path)
    return meta, path


def fixture(name: str, folder: Path, refinements: int = 1) -> tuple[dict[str, Any], Reader]:
    """Returns a fixture's description and a reader, by way of a real checkpoint."""
    meta, path = checkpoint(name, folder)
    return meta, load_model(path, refinements=refinements)


def check_fixture(name: str, folder: Path) -> None:
    meta, reader = fixture(name, folder)
    expected = np.load(PARITY / f"{name}.npz")
    images = weights.image_batch(meta)
    with torch.inference_mode():
        if "memory" in expected:
            memory = reader.network.encode_image(images).numpy()
            np.testing.assert_allclose(memory, expected["memory"], atol=TOLERANCE, rtol=0)
        logits = reader(images)
    np.testing.assert_allclose(logits.numpy(), expected["logits"], atol=TOLERANCE, rtol=0)
    assert read_texts(reader.config, logits) == meta["texts"]
    confidences = logits.softmax(-1).amax(-1)
    for row, text, confidence in zip(confidences, meta["texts"], meta["confidences"], strict=True):
        product = row[: len(text) + 1].prod().item()
        assert product == pytest.approx(confidence, rel=1e-3)


@pytest.mark.parametrize("name", ["tiny", "tiny_noeos"])
def test_logits_equal_the_public_implementations(name: str, tmp_path: Path) -> None:
    check_fixture(name, tmp_path)


@pytest.mark.nightly
def test_logits_equal_the_public_implementations_at_full_size(tmp_path: Path) -> None:
    check_fixture("base", tmp_path)


@pytest.mark.parametrize("refinements", [0, 1, 2])
def test_independent_rows_are_read_as_if_alone(refinements: int, tmp_path: Path) -> None:
    meta, reader = fixture("tiny", tmp_path, refinements)
    coarse = torch.randn(64, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    images = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="nearest")
    images[:4] = weights.image_batch(meta)
    eos = reader.config.charset.eos
    with torch.inference_mode():
        alone = [reader(image[None])[0] for image in images]
        for batch in (1, 7, 64):
            together = reader(images[:batch], independent=True)
            assert read_texts(reader.config, together) == [
                read_texts(reader.config, row[None])[0] for row in alone[:batch]
            ]
            for row, own in zip(together, alone, strict=False):
                ends = (own.argmax(-1) == eos).nonzero()
                length = int(ends[0]) + 1 if len(ends) else len(own)
                torch.testing.assert_close(row[:length], own[:length], atol=TOLERANCE, rtol=0)
        # Such words of unequal length are what this is about: read as the public implementation
        # does, some of them change with their neighbours.
        lengths = {len(text) for text in read_texts(reader.config, together)}
        assert len(lengths) >= 3
        changed = read_texts(reader.config, reader(images)) != read_texts(reader.config, together)
        assert changed


def test_refinements_change_the_reading_and_its_length(tmp_path: Path) -> None:
    meta, reader = fixture("tiny", tmp_path, 0)
    images = weights.image_batch(meta)
    logits = []
    with torch.inference_mode():
        for reader.refinements in (0, 1, 2):
            logits.append(reader(images))
    assert logits[0].shape[1] <= reader.config.steps
    assert [row.shape[1] for row in logits[1:]] == [26, 26]
    assert not torch.allclose(logits[0], logits[1][:, : logits[0].shape[1]], atol=1e-2)
    assert not torch.allclose(logits[1], logits[2], atol=1e-2)


def test_no_images_give_no_logits(tmp_path: Path) -> None:
    _, reader = fixture("tiny", tmp_path)
    assert reader(torch.zeros(0, 3, 32, 32)).shape == (0, 26, 95)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_reading_step_by_step_equals_reading_at_once(depth: int) -> None:
    torch.manual_seed(depth)
    config = Clip4StrConfig(
        embed_dim=32,
        image_size=(16, 32),
        patch_size=(8, 16),
        vision_layers=1,
        vision_width=64,
        text_layers=1,
        text_width=64,
        decoder_depth=depth,
        max_label_length=5,
    )
    decoder = Clip4Str(config).eval().visual_decoder
    tokens = torch.tensor([[95, 3, 7, 9, 2, 5], [95, 60, 61, 62, 63, 64]])
    memory = decoder.project(torch.randn(2, 9, 32))
    causal = torch.ones(6, 6, dtype=torch.bool).tril()
    with torch.inference_mode():
        at_once = decoder(tokens, memory, causal, causal, 6)
        past = GrowingCache()
        steps = [decoder.step(tokens[:, i], i, memory, past) for i in range(6)]
    torch.testing.assert_close(torch.stack(steps, 1), at_once, atol=1e-5, rtol=0)
    assert not torch.allclose(at_once[0], at_once[1], atol=1e-3)


def test_the_charset_is_the_published_one() -> None:
    charset = Charset()
    assert len(CHARACTERS) == 94
    assert (charset.eos, charset.bos, charset.pad) == (0, 95, 96)
    assert (charset.classes, charset.ids) == (95, 97)
    assert charset.encode("0~aZ") == [1, 94, 11, 62]
    assert charset.decode([1, 94, 11, 62, 0, 5]) == "0~aZ"
    assert charset.encode_batch(["ab", ""]) == [[95, 11, 12, 0], [95, 0, 96, 96]]
    with pytest.raises(ValueError, match="outside the charset: é"):
        charset.encode("café")
    with pytest.raises(ValueError, match="each only once"):
        Charset("aba")


def test_captions_are_stripped_cut_and_filled() -> None:
    start, end = 49406, 49407
    plain = caption("hello", TEXT_CHARACTERS, 16)
    assert plain == (start, 3306, end, *[0] * 13)  # CLIP's token for "hello"
    assert caption('H-E"LLO!', TEXT_CHARACTERS, 16) == plain
    assert caption("?!", TEXT_CHARACTERS, 16) == (start, end, *[0] * 14)
    long = caption("0123456789" * 3, TEXT_CHARACTERS, 16)
    assert (len(long), long[0], long[-1]) == (16, start, end)
    assert 0 not in long


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"patch_size": (15, 16)}, "not a multiple of patch_size"),
        ({"vision_width": 100}, "vision_width 100 is not a multiple of 64"),
        ({"decoder_heads": 7}, "7 heads"),
        ({"context_length": 80}, "context_length 80"),
        ({"vocab_size": 10}, "captions"),
        ({"vision_layers": 0}, "vision_layers is 0"),
        ({"characters": "aa"}, "characters"),
        ({"std": (0.0, 1.0, 1.0)}, "std"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_impossible_networks_are_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        Clip4StrConfig(**changes)


def test_towers_have_heads_of_64() -> None:
    with torch.device("meta"):
        model = Clip4Str(PRESETS["H/14"])
    assert model.clip_model.visual.transformer.resblocks[0].attn.num_heads == 20
    assert model.clip_model.transformer.resblocks[0].attn.num_heads == 16

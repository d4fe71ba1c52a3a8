"""Decoding with keys, values and captions kept, beside the plain path, which keeps nothing."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ocr_plugin.clip4str import Clip4Str, Clip4StrConfig
from ocr_plugin.recognizers.clip4str.batch_buckets import bucket_size
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.checkpoint import load_model
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.model_files import resolve
from ocr_plugin.recognizers.clip4str.reader import Reader
from tests.plain_clip4str import plain_logits

WORDS = [
    "A",
    "of",
    "EXIT",
    "Hotel",
    "39.90",
    "parking",
    "12:45",
    "Bakery",
    "entrance",
    "Restaurant",
    "headquarters",
]
# So close are the logits of the two paths, in float32.
TOLERANCE = 1e-4


def drawn(words: list[str], config: Clip4StrConfig) -> Tensor:
    """Returns the words as a network's input, (B, 3, H, W)."""
    height, width = config.image_size
    images = []
    for word in words:
        font = ImageFont.load_default(24)
        right, below = font.getbbox(word)[2:]
        picture = Image.new("RGB", (int(right) + 8, int(below) + 8), (250, 240, 200))
        ImageDraw.Draw(picture).text((4, 3), word, (20, 30, 90), font)
        resized = picture.resize((width, height), Image.Resampling.BICUBIC)
        images.append(torch.from_numpy(np.array(resized)).permute(2, 0, 1) / 255)
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (config.mean, config.std))
    return (torch.stack(images) - mean) / std


def ends(logits: Tensor, eos: int) -> Tensor:
    """Returns which positions mean something, (B, L): those up to a row's first EOS."""
    after = (logits.argmax(-1) == eos).cumsum(1)
    return (after == 0) | ((after == 1) & (logits.argmax(-1) == eos))


def assert_alike(reader: Reader, images: Tensor) -> list[str]:
    """Holds both paths against each other; returns the texts."""
    charset = reader.config.charset
    with torch.inference_mode():
        found = reader(images)
        expected = plain_logits(reader.network, images, reader.refinements)
    assert found.shape == expected.shape
    kept = ends(expected, charset.eos)
    assert torch.equal(kept, ends(found, charset.eos))
    assert (found - expected)[kept].abs().max() < TOLERANCE
    texts = [charset.decode(row) for row in found.argmax(-1).tolist()]
    assert texts == [charset.decode(row) for row in expected.argmax(-1).tolist()]
    return texts


@pytest.mark.parametrize("refinements", [0, 1, 2])
def test_words_of_all_lengths_have_the_logits_of_the_plain_path(refinements: int) -> None:
    reader = load_model(resolve(DEFAULT_MODEL), refinements=refinements)
    texts = assert_alike(reader, drawn(WORDS, reader.config))
    read = sum(text == word for text, word in zip(texts, WORDS, strict=True))
    assert read >= len(WORDS) - 2, texts  # rows that end at once would show little


def changeable(layers: int, refinements: int) -> Reader:
    """Returns one that reads every image differently, and anew in every refinement."""
    torch.manual_seed(refinements)
    config = Clip4StrConfig(
        embed_dim=64,
        image_size=(32, 64),
        patch_size=(16, 8),
        vision_layers=1,
        vision_width=64,
        text_layers=1,
        text_width=64,
        decoder_depth=layers,
    )
    network = Clip4Str(config).eval()
    with torch.no_grad():
        for decoder in (network.visual_decoder, network.cross_decoder):
            assert decoder is not None
            decoder.head.weight.mul_(40)
            decoder.head.bias[config.charset.eos] += 8
    return Reader(network, refinements)


@pytest.mark.parametrize("refinements", [0, 1, 3])
@pytest.mark.parametrize("layers", [1, 2])
def test_readings_that_change_have_the_logits_of_the_plain_path(
    refinements: int, layers: int
) -> None:
    reader = changeable(layers, refinements)
    texts = assert_alike(reader, torch.randn(24, 3, 32, 64))
    assert len(set(map(len, texts))) > 2, texts


def test_rows_that_ended_cost_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = load_model(resolve(DEFAULT_MODEL))
    rows: list[int] = []
    step = Decoder.step

    def counted(self: Decoder, token: Tensor, *rest: Any) -> Tensor:
        rows.append(len(token))
        return step(self, token, *rest)

    monkeypatch.setattr(Decoder, "step", counted)
    with torch.inference_mode():
        images = drawn(["of"] * 15 + ["headquarters"], reader.config)
        reader(images, independent=True)
    # Both branches: three steps of "of", EOS included, and thirteen of the long word.
    assert sum(rows) <= 2 * (15 * 3 + 13)


@pytest.mark.parametrize("refinements", [0, 1])
@pytest.mark.parametrize("independent", [False, True])
def test_a_cross_modal_reading_ends_before_the_visual_one(
    refinements: int, independent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = changeable(1, refinements)
    visual, cross = reader.network.visual_decoder, reader.network.cross_decoder
    assert cross is not None
    with torch.no_grad():  # it ends at once, whatever the visual branch has read
        cross.head.bias[reader.config.charset.eos] += 1000
    images = torch.randn(24, 3, 32, 64)
    assert set(assert_alike(reader, images)) == {""}
    steps = {visual: 0, cross: 0}
    step = Decoder.step

    def counted(self: Decoder, *rest: Any) -> Tensor:
        steps[self] += 1
        return step(self, *rest)

    monkeypatch.setattr(Decoder, "step", counted)
    with torch.inference_mode():
        reader(images, independent=independent)
    assert steps[cross] == 1 < steps[visual]


def test_equal_captions_are_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = load_model(resolve(DEFAULT_MODEL))
    rows: list[int] = []
    encode = Clip4Str.encode_captions

    def counted(self: Clip4Str, captions: list[tuple[int, ...]]) -> Tensor:
        rows.append(len(captions))
        return encode(self, captions)

    monkeypatch.setattr(Clip4Str, "encode_captions", counted)
    images = drawn(["EXIT", "of", "EXIT", "Hotel", "EXIT", "of", "EXIT", "EXIT"], reader.config)
    assert_alike(reader, images)  # the plain path encodes them as texts
    rows.clear()
    with torch.inference_mode():
        reader(images, independent=True)
    assert rows[0] == 3


def test_readings_of_all_lengths_are_refined_in_few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = load_model(resolve(DEFAULT_MODEL))
    steps = reader.config.steps
    few = {bucket_size(size, steps) for size in range(1, steps + 1)}
    rows: set[int] = set()
    lengths: set[int] = set()
    forward, encode = Decoder.forward, Clip4Str.encode_captions

    def counted(
        self: Decoder, tokens: Tensor, memory: Any, query: Any, content: Any, positions: int
    ) -> Tensor:
        rows.add(len(tokens))
        lengths.update((tokens.shape[1], positions))
        return forward(self, tokens, memory, query, content, positions)

    def encoded(self: Clip4Str, captions: list[tuple[int, ...]]) -> Tensor:
        rows.add(len(captions))
        return encode(self, captions)

    monkeypatch.setattr(Decoder, "forward", counted)
    monkeypatch.setattr(Clip4Str, "encode_captions", encoded)
    with torch.inference_mode():
        for word in WORDS:  # of 1 to 12 characters
            images = drawn([word, "39.90", "a", "of", "the", "EXIT"], reader.config)
            reader(images, independent=True)
    assert rows <= {bucket_size(size, 6) for size in range(1, 7)}
    assert len(lengths) > 3 and lengths <= few

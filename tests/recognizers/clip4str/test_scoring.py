"""Beam search and scores of given texts, against a network written out step by step."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import GrowingCache, KeysValues
from ocr_plugin.recognizers.clip4str.left_to_right import ShrinkingLoop
from ocr_plugin.recognizers.clip4str.reader import read_texts
from ocr_plugin.recognizers.clip4str.recognizer import Clip4StrRecognizer
from ocr_plugin.recognizers.clip4str.scoring import beam_search, log_probabilities
from ocr_plugin.recognizers.clip4str.torch_network import TorchBranch
from tests.pictures import draw_crop

CONFIG = Clip4StrConfig(characters="ab", max_label_length=3, embed_dim=64, decoder_depth=2)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(5)
    made = Decoder(CONFIG).eval().requires_grad_(False)
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return made


@pytest.fixture(scope="module")
def memory(decoder: Decoder) -> list[KeysValues]:
    return decoder.project(torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(6)))


def stepwise(decoder: Decoder, memory: list[KeysValues], row: int, text: str) -> float:
    """The log-probability of a text, one step after the other."""
    charset, cache, total = CONFIG.charset, GrowingCache(), 0.0
    own = [(keys[row : row + 1], values[row : row + 1]) for keys, values in memory]
    token = charset.bos
    for position, following in enumerate([*charset.encode(text), charset.eos]):
        logits = decoder.step(torch.tensor([token]), position, own, cache)
        total += float(logits[0].log_softmax(-1)[following])
        token = following
    return total


def test_scores_are_those_of_single_steps(decoder: Decoder, memory: list[KeysValues]) -> None:
    texts = ["", "a", "bab", "ab"]
    for row in (0, 1):
        rows = np.full(len(texts), row)
        found = log_probabilities(CONFIG, TorchBranch(decoder, memory), rows, texts)
        expected = [stepwise(decoder, memory, row, text) for text in texts]
        assert found.tolist() == pytest.approx(expected, abs=1e-4)
        assert len({round(each, 3) for each in expected}) == len(texts)


def test_a_wide_beam_finds_every_text_in_order(decoder: Decoder, memory: list[KeysValues]) -> None:
    texts = ["".join(each) for length in range(4) for each in product("ab", repeat=length)]
    beams = beam_search(CONFIG, TorchBranch(decoder, memory), width=40)
    for row, found in enumerate(beams):
        scores = {text: stepwise(decoder, memory, row, text) for text in texts}
        assert sorted(found) == sorted(texts)
        assert found == sorted(texts, key=lambda text: -scores[text])
    assert math.exp(stepwise(decoder, memory, 0, beams[0][0])) < 1


def test_a_beam_of_one_reads_as_the_greedy_loop(decoder: Decoder, memory: list[KeysValues]) -> None:
    greedy = read_texts(CONFIG, ShrinkingLoop(CONFIG)(decoder, memory))
    beams = beam_search(CONFIG, TorchBranch(decoder, memory), width=1)
    for text, beam in zip(greedy, beams, strict=True):
        assert beam == ([text] if len(text) <= CONFIG.max_label_length else [])


@pytest.mark.parametrize("backend", ["onnxruntime", "torch"])
def test_the_recognizer_scores_given_texts_beside_its_own(backend: str) -> None:
    recognizer = Clip4StrRecognizer(offline=True, backend=backend)
    crops = [draw_crop("Harbour"), draw_crop("OPEN")]
    first, second = recognizer.score(crops, [["Harbor", "日本", "x" * 99], []])
    assert first.texts[0] == "Harbour" and "Harbor" in first.texts
    assert not {"日本", "x" * 99} & set(first.texts)
    likely = dict(zip(first.texts, first.log_probabilities, strict=True))
    assert likely["Harbour"] > likely["Harbor"] + 1
    assert second.texts[0] == "OPEN" and len(second.texts) == len(second.log_probabilities)
    # A crop's scores do not depend on its neighbours.
    (alone,) = recognizer.score(crops[1:], [[]])
    assert alone.texts == second.texts
    assert alone.log_probabilities == pytest.approx(second.log_probabilities, abs=1e-3)
    assert recognizer.score([], []) == []

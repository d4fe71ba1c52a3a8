"""Words that bfloat16 leaves undecided are read again in float32."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ocr_plugin.clip4str import Clip4StrRecognizer
from ocr_plugin.protocols import Reading
from ocr_plugin.recognizers.clip4str.torch_network import TorchWordNetwork
from ocr_plugin.recognizers.second_opinion import SecondOpinion
from tests.data.parity import weights as parity
from tests.recognizers.clip4str.test_onednn import needs_bfloat16
from tests.recognizers.clip4str.test_parity import checkpoint
from tests.recognizers.clip4str.test_recognizer import assert_same, crops


def texts(readings: list[Reading]) -> list[str]:
    return [reading.text for reading in readings]


@needs_bfloat16
def test_a_tie_gets_the_reading_of_float32_and_all_else_stays(tmp_path: Path) -> None:
    (_, weights), words = checkpoint("tiny", tmp_path), crops(64)
    plain = partial(Clip4StrRecognizer, model=weights, language="none")
    whole = plain().recognize(words)
    left = plain(precision="bfloat16", settle_ties=False).recognize(words)
    settled = plain(precision="bfloat16").recognize(words)
    again = [place for place, reading in enumerate(settled) if reading != left[place]]
    assert 0 < len(again) < len(words)
    assert_same([settled[place] for place in again], [whole[place] for place in again])
    wrong = [sum(map(str.__ne__, texts(found), texts(whole))) for found in (left, settled)]
    assert wrong[1] < wrong[0]


@needs_bfloat16
def test_texts_decided_by_next_to_nothing_are_those_of_float32(tmp_path: Path) -> None:
    """Of the made-up networks' seven; a tie that only an earlier round had is not seen."""
    left = settled = 0
    for name in ("tiny", "tiny_noeos"):
        meta, weights = checkpoint(name, tmp_path)
        recognizer = Clip4StrRecognizer(model=weights, precision="bfloat16")
        network = recognizer._network
        assert isinstance(network, TorchWordNetwork) and network.exact is not None
        images = parity.image_batch(meta)
        rough, exact = (
            recognizer.guesses(each.probabilities_in(images)) for each in (network, network.exact)
        )
        for one, other in zip(rough, exact, strict=True):
            differ = one.reading.text != other.reading.text
            left += differ
            settled += differ and not one.tie
    assert settled <= 1 < left


def test_the_end_can_be_a_tie_and_what_follows_it_cannot() -> None:
    guess = Clip4StrRecognizer()._guess
    tokens, confidences = [11, 12, 0, 13], [0.9, 0.9, 0.5, 0.2]
    assert guess(tokens, confidences, [False, False, True, False]).tie
    assert not guess(tokens, confidences, [False, False, False, True]).tie
    assert guess(tokens, confidences, [False] * 4).reading.text == "ab"


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "float32"},
        pytest.param({"precision": "bfloat16", "settle_ties": False}, marks=needs_bfloat16),
        pytest.param({"precision": "bfloat16", "mode": "ctc"}, marks=needs_bfloat16),
    ],
)
def test_weights_are_not_kept_twice_for_nothing(options: dict[str, Any]) -> None:
    assert Clip4StrRecognizer(**options)._network.exact is None


@needs_bfloat16
def test_two_readers_do_not_settle_ties() -> None:
    assert not SecondOpinion(precision="bfloat16")._second.options.settle_ties

"""One text of many, by the readers, their views and the language."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.language.mixture import Language
from ocr_plugin.recognizers.calibration import AS_IT_IS, Calibration
from ocr_plugin.recognizers.decision import (
    View,
    Weights,
    WeightsByKind,
    alternatives,
    confidence_in,
    decide,
    sayable,
)

EQUAL = Weights(readers=(0.5, 0.5), language=1.0, length=0.0, calibration=AS_IT_IS)
BOTH = WeightsByKind(EQUAL, EQUAL)
NAN = float("nan")


class Dictionary:
    """Stands in for a language in which a single word is likely."""

    def __init__(self, word: str) -> None:
        self.word = word

    def log_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([0.0 if text == self.word else -5.0 for text in texts])


def knowing(word: str) -> Language:
    return cast(Language, Dictionary(word))


def view(**scores: tuple[float, float]) -> View:
    return View(list(scores), np.array(list(scores.values()), np.float64).reshape(-1, 2))


def test_readers_are_added_up_and_make_probabilities() -> None:
    ranked = decide([view(cat=(-1, -1), cot=(-0.5, -4))], BOTH, None)
    assert [text for text, _ in ranked] == ["cat", "cot"]
    odds = np.exp(-1) / (np.exp(-1) + np.exp(-2.25))
    assert [likelihood for _, likelihood in ranked] == pytest.approx([odds, 1 - odds])


def test_language_decides_between_texts_that_look_alike() -> None:
    seen = [view(STARBVCKS=(-0.3, -0.4), STARBUCKS=(-1.5, -1.2))]
    assert decide(seen, BOTH, None)[0][0] == "STARBVCKS"
    assert decide(seen, BOTH, knowing("STARBUCKS"))[0][0] == "STARBUCKS"
    # What is seen clearly is read as it is seen.
    clear = [view(STARBVCKS=(-0.01, -0.01), STARBUCKS=(-12, -12))]
    assert decide(clear, BOTH, knowing("STARBUCKS"))[0][0] == "STARBVCKS"


def test_a_text_counts_by_its_best_view() -> None:
    poor, good = view(ab=(-3, -3), cd=(-2, -2)), view(ab=(-0.1, -0.1))
    assert decide([poor], BOTH, None)[0][0] == "cd"
    assert decide([poor, good], BOTH, None)[0][0] == "ab"


def test_what_a_reader_cannot_say_is_not_held_against_a_text() -> None:
    seen = [view(**{"°C": (-0.1, NAN), "C": (-3.0, -0.1)})]
    assert decide(seen, BOTH, None)[0][0] == "°C"


def test_words_with_digits_have_their_own_weights() -> None:
    second_alone = Weights(readers=(0.0, 1.0), language=0.0, length=0.0, calibration=AS_IT_IS)
    weights = WeightsByKind(letters=EQUAL, digits=second_alone)
    assert decide([view(S1=(0, -2), SI=(-5, -1))], weights, None)[0][0] == "SI"
    assert decide([view(SL=(0, -2), SI=(-5, -1))], weights, None)[0][0] == "SL"


def test_length_makes_up_for_further_characters() -> None:
    weights = Weights(readers=(1.0, 0.0), language=1.0, length=1.0, calibration=AS_IT_IS)
    both = WeightsByKind(weights, weights)
    seen = [view(to=(-1.0, 0), toto=(-2.5, 0))]
    assert decide(seen, both, None)[0][0] == "to"  # length is a matter of language
    assert decide(seen, both, knowing("neither"))[0][0] == "toto"


def test_nothing_seen_is_nothing_read() -> None:
    assert decide([View([], np.zeros((0, 2)))], BOTH, None) == []
    assert decide([View([""], np.zeros((1, 2)))], BOTH, None) == []


def test_alternatives_are_few_and_not_unlikely() -> None:
    ranked = [("a", 0.9), ("b", 0.05), ("c", 0.02), ("d", 0.005)]
    assert alternatives(ranked) == (("b", 0.05), ("c", 0.02))
    assert alternatives([]) == ()


@pytest.mark.parametrize(
    ("text", "plain"), [("café", "cafe"), ("Größe", None), ("abc", "abc"), ("°C", None), ("", None)]
)
def test_accents_are_what_a_plain_reader_does_without(text: str, plain: str | None) -> None:
    assert sayable(text, set("abcdefghijklmnopqrstuvwxyzC")) == plain


def test_a_character_that_the_reader_has_keeps_its_accent() -> None:
    assert sayable("é", {"é", "e"}) == "é"


def test_confidence_is_by_the_view_and_the_reader_that_fit_the_text_best() -> None:
    seeing = replace(EQUAL, calibration=Calibration(bias=0.5, odds=0.5, seen=1.0))
    weights = WeightsByKind(seeing, EQUAL)
    poor, good = view(ab=(-9, 0)), view(ab=(-0.3, -7))
    assert confidence_in("ab", 0.9, [poor, good, view(cd=(0, 0))], weights) == pytest.approx(
        seeing.calibration.confidence(0.9, -0.1)
    )
    # Words with digits have their own; what the first reader cannot say is as unlikely as can be.
    assert confidence_in("a1", 0.9, [view(a1=(-9, 0))], weights) == pytest.approx(0.9)
    assert confidence_in("ab", 0.9, [view(ab=(NAN, 0))], weights) < 0.01

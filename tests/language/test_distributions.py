"""Each part is a distribution over tokens as printed: it has one to give away, no more."""

import itertools
import math
import string

import numpy as np
import pytest

from ocr_plugin.language.any_letters import letters_log_probability
from ocr_plugin.language.codes import code_log_probability
from ocr_plugin.language.letter_case import case_log_probability
from ocr_plugin.language.mixture import Language

SIGNS = string.punctuation


def test_no_part_gives_away_more_than_one(shipped: Language) -> None:
    """All printed tokens of one and two characters; a digit stands for all ten."""
    total = np.zeros(len(shipped.names))
    for length in (1, 2):
        tokens = ["".join(t) for t in itertools.product(string.ascii_letters + "0" + SIGNS,
                                                        repeat=length)]  # fmt: skip
        each = np.array([10.0 ** token.count("0") for token in tokens])
        total += np.exp(shipped.part_log_probabilities(tokens)) @ each
    # Most is left for longer ones, and some is there.
    assert (total < 0.45).all() and (total > 0.05).all()


def test_words_of_three_letters_are_few_of_all(shipped: Language) -> None:
    words = ["".join(t) for t in itertools.product(string.ascii_lowercase, repeat=3)]
    lower = np.exp(shipped.part_log_probabilities(words)).sum(axis=1)
    shares = dict(zip(shipped.names, lower, strict=True))
    assert 0.005 < shares["en"] < 0.2 and shares["codes"] < 0.02 and shares["numbers"] < 1e-3


@pytest.mark.parametrize("length", [1, 2, 3])
def test_codes_of_a_length_are_as_likely_as_the_length(length: int) -> None:
    alphabet = {"A": 26, "a": 26, "0": 10, **dict.fromkeys("-./:_+=#*,()&", 1)}
    total = sum(
        math.prod(alphabet[c] for c in token) * math.exp(code_log_probability("".join(token)))
        for token in itertools.product(alphabet, repeat=length)
    )
    assert total == pytest.approx((0.06, 0.12, 0.14)[length - 1], rel=0.1)


@pytest.mark.parametrize("words", [[1], [2], [3], [5], [1, 1], [2, 3], [3, 1]])
def test_the_cases_of_some_letters_are_one_together(words: list[int]) -> None:
    total = 0.0
    for letters in itertools.product("aA", repeat=sum(words)):
        rest = iter(letters)
        total += math.exp(case_log_probability(["".join(itertools.islice(rest, n)) for n in words]))
    assert total == pytest.approx(1, abs=0.03)


def test_plain_letters_leave_something_to_others() -> None:
    plain = 26 * math.exp(letters_log_probability("a"))
    accented = 100 * math.exp(letters_log_probability("ą"))
    others = 5000 * 0.01 * math.exp(letters_log_probability("я"))
    ends = math.exp(letters_log_probability("ab") - letters_log_probability("a"))
    assert plain + accented + others < 1 - 26 * ends < 1

"""From words to n-grams, and from n-grams to a table that gives each word its share."""

import itertools
import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.language.ngrams import END, FIRST_CHARACTER, MOST, MOST_LEVELS, START, NgramTable
from ocr_plugin.training.language.counting import count_ngrams, kept
from ocr_plugin.training.language.packing import pack

Floats = NDArray[np.float64]

ALPHABET = "abc"
A, B, C = range(FIRST_CHARACTER, FIRST_CHARACTER + 3)
WORDS = {"ab": 60.0, "abc": 30.0, "ba": 10.0}


def counted(words: dict[str, float], longest: int = 4) -> list[dict[tuple[int, ...], float]]:
    """Returns the masses of n-grams by their characters' numbers, level by level."""
    levels = count_ngrams(list(words), np.array(list(words.values())), ALPHABET, longest)
    return [
        {
            tuple(int(key).to_bytes(order, "big")): float(mass)
            for key, mass in zip(level.keys, level.masses, strict=True)
        }
        for order, level in enumerate(levels, 1)
    ]


def table(words: dict[str, float], threshold: float = 0.0, longest: int = 4) -> NgramTable:
    levels = count_ngrams(list(words), np.array(list(words.values())), ALPHABET, longest)
    return pack([levels], [threshold], ALPHABET)


def likely(found: NgramTable, words: list[str]) -> Floats:
    shares: Floats = np.exp(found.log_probabilities(words, np.array([0]))[0])
    return shares


def test_ngrams_are_those_of_the_words_with_their_ends() -> None:
    one, two, three, four = map(set, counted(WORDS))
    assert one == {(START,), (END,), (A,), (B,), (C,)}
    assert two == {(START, A), (A, B), (B, END), (B, C), (C, END), (START, B), (B, A), (A, END)}
    assert (START, A, B) in three and (START, B, A) in three and (START, B, C) not in three
    assert four == {(START, A, B, END), (START, A, B, C), (A, B, C, END), (START, B, A, END)}


def test_masses_are_discounted_shares() -> None:
    one, two, _, _ = counted(WORDS)
    # After a: b 90 times, the end 10 times; 1.2 of each count goes to shorter contexts.
    assert two[A, B] == pytest.approx((90 - 1.2) / 100)
    assert two[A, END] == pytest.approx((10 - 1.2) / 100)
    assert one[START,] == 0  # never predicted
    assert one[C,] == pytest.approx((30 - 1.2) / (100 + 100 + 100 + 30))


def test_what_is_seen_once_loses_more_than_half() -> None:
    _, two, *_ = counted({"ab": 1.0, "ac": 2.0})
    assert two[A, B] == pytest.approx(0.4 / 3) and two[A, C] == pytest.approx(1.1 / 3)


def test_a_table_gives_the_words_what_they_were_counted() -> None:
    found = likely(table(WORDS), ["ab", "abc", "ba", "cab"])
    # Steps of 0.14 nats at each of up to four characters.
    assert found[:3] == pytest.approx([0.6, 0.3, 0.1], rel=0.35)
    assert found[3] < 0.005


def test_all_strings_together_are_one() -> None:
    """Every string of up to seven letters: nearly all that there is, and never more than one."""
    found = table(WORDS)
    strings = ["".join(s) for n in range(8) for s in itertools.product(ALPHABET, repeat=n)]
    total = float(likely(found, strings).sum())
    assert 0.97 < total <= 1


@pytest.mark.parametrize("longest", [1, 2, 3, MOST_LEVELS])
def test_any_number_of_levels_is_a_distribution(longest: int) -> None:
    strings = ["".join(s) for n in range(7) for s in itertools.product(ALPHABET, repeat=n)]
    assert 0.5 < float(likely(table(WORDS, longest=longest), strings).sum()) <= 1


def test_pruning_keeps_what_is_needed_and_stays_a_distribution() -> None:
    words = {"ab": 60.0, "abc": 30.0, "ba": 10.0, "cab": 0.5 + 1, "cc": 1.0, "bca": 2.0}
    sizes, losses = [], []
    strings = ["".join(s) for n in range(7) for s in itertools.product(ALPHABET, repeat=n)]
    for threshold in (0.0, 2.0, 20.0, 1e9):
        found = table(words, threshold)
        sizes.append(sum(len(level.masses) for level in found.levels))
        shares = likely(found, strings)
        assert float(shares.sum()) <= 1
        own = likely(found, list(words))
        losses.append(-sum(n * math.log(p) for n, p in zip(words.values(), own, strict=True)))
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < sizes[0]
    assert losses[-1] > losses[0]
    # Single characters are kept whatever they gain.
    assert sizes[-1] == len(table(words).levels[0].masses)


@pytest.mark.parametrize("count", [10.0, 1e6])
def test_rounding_leaves_something_to_shorter_contexts(count: float) -> None:
    found = table({"ab": count, "ac": count / 3, "bb": 1.0})
    for level, longer in pairwise(found.levels):
        after = longer.sums[level.firsts[1:]] - longer.sums[level.firsts[:-1]]
        assert len(after) and (after <= float(MOST) * 2**30).all()


def test_the_beginnings_of_kept_ngrams_are_kept() -> None:
    levels = count_ngrams(list(WORDS), np.array(list(WORDS.values())), ALPHABET, 4)
    for threshold in (0.0, 5.0, 40.0):
        masks = kept(levels, threshold)
        for shorter, longer, level in zip(masks, masks[1:], levels[1:], strict=False):
            assert shorter[level.parents[longer]].all()


def test_unknown_characters_are_unlikely_and_not_impossible() -> None:
    known, unknown, more = likely(table(WORDS), ["ab", "aж", "aжж"])
    assert known > 1000 * unknown > 0 and unknown > more > 0


def test_parts_of_a_table_are_apart() -> None:
    one, other = ({"ab": 5.0, "aab": 2.0}, {"cb": 5.0, "ccb": 9.0})
    counts = [
        count_ngrams(list(words), np.array(list(words.values())), ALPHABET, 4)
        for words in (one, other)
    ]
    both = pack(counts, [0.0, 0.0], ALPHABET)
    words = ["ab", "cb", "ccb", "xyz"]
    found = both.log_probabilities(words, np.array([0, 1, 0]))
    for row, levels in zip(found, (*counts, counts[0]), strict=True):
        alone = pack([levels], [0.0], ALPHABET).log_probabilities(words, np.array([0]))[0]
        assert row == pytest.approx(alone)

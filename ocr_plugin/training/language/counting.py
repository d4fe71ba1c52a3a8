"""Counts of character n-grams, discounted and pruned.

Masses are by modified absolute discounting (Chen & Goodman, "An Empirical Study of Smoothing
Techniques for Language Modeling", 1998), without the continuation counts of Kneser and Ney, which
lose by pruning (Chelba et al., "Study on Interaction between Entropy Pruning and Kneser-Ney
Smoothing", 2010). Pruned is what changes the training text's likelihood least (the weighted
difference of Seymore & Rosenfeld, "Scalable Backoff Language Models", 1996).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.language.ngrams import END, FIRST_CHARACTER, START, UNSEEN

_DISCOUNTS = (0.6, 0.9, 1.2)  # of what is counted once, twice, more often


@dataclass
class Counts:
    """The n-grams of one length of one part.

    Attributes:
        keys: (N,) uint64, a byte a character, sorted.
        parents: (N,) where the n-gram without its last character is, one level up.
        suffixes: (N,) where the n-gram without its first character is, one level up.
        masses: (N,) float64 of the interpolation, before pruning.
        gains: (N,) float64, nats of the training text's likelihood lost without it.
    """

    keys: NDArray[np.uint64]
    parents: NDArray[np.intp]
    suffixes: NDArray[np.intp]
    masses: NDArray[np.float64]
    gains: NDArray[np.float64]


def count_ngrams(
    words: Sequence[str], weights: NDArray[np.float64], alphabet: str, longest: int
) -> list[Counts]:
    """Returns all n-grams of weighted words, from one character on.

    Args:
        words: of the alphabet's characters only.
        weights: (N,) of the words, the least about one.
        alphabet: at most ``ngrams.MOST_CHARACTERS``.
        longest: characters of the longest n-gram, at most ``ngrams.MOST_LEVELS``.
    """
    numbers = {c: i for i, c in enumerate(alphabet, FIRST_CHARACTER)}
    coded = [[START, *(numbers[c] for c in word), END] for word in words]
    lengths = np.array([len(each) for each in coded])
    codes = np.fromiter((c for each in coded for c in each), np.uint64, int(lengths.sum()))
    within = np.arange(len(codes)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    heavy = np.repeat(weights, lengths)
    levels: list[Counts] = []
    likely: list[NDArray[np.float64]] = []
    packed = np.zeros_like(codes)
    for order in range(1, longest + 1):
        packed = (packed << np.uint64(8)) | codes if order == 1 else _longer(packed, codes)
        usable = within >= order - 1
        keys, inverse = np.unique(packed[usable], return_inverse=True)
        counts = np.bincount(inverse, weights=heavy[usable]).astype(np.float64)
        if order == 1:
            counts[keys == START] = 0  # never predicted, only a context
        levels.append(_level(keys, counts, order, levels, likely))
    return levels


def _longer(packed: NDArray[np.uint64], codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    longer = codes.copy()
    longer[1:] |= packed[:-1] << np.uint64(8)
    return longer


def _level(
    keys: NDArray[np.uint64],
    counts: NDArray[np.float64],
    order: int,
    levels: list[Counts],
    likely: list[NDArray[np.float64]],
) -> Counts:
    """Returns a level's masses and gains; appends its interpolated probabilities to ``likely``."""
    if order == 1:
        parents = suffixes = np.zeros(len(keys), np.intp)
        shorter = np.full(len(keys), UNSEEN)
        contexts = 1
    else:
        parents = np.searchsorted(levels[-1].keys, keys >> np.uint64(8))
        rest = keys & np.uint64((1 << 8 * (order - 1)) - 1)
        suffixes = np.searchsorted(levels[-1].keys, rest)
        shorter = likely[-1][suffixes]
        contexts = len(levels[-1].keys)
    discounts = np.array(_DISCOUNTS)[np.clip(np.rint(counts), 1, 3).astype(int) - 1]
    totals = np.maximum(np.bincount(parents, weights=counts, minlength=contexts), 1e-9)
    masses = np.maximum(counts - discounts, 0) / totals[parents]
    left = 1 - np.bincount(parents, weights=masses, minlength=contexts)
    without = left[parents] * shorter
    whole = masses + without
    likely.append(whole)
    gains = counts * np.log(np.maximum(whole, 1e-30) / np.maximum(without, 1e-30))
    return Counts(keys, parents, suffixes, masses, gains)


def kept(levels: Sequence[Counts], threshold: float) -> list[NDArray[np.bool_]]:
    """Returns which n-grams to keep: (N,) bool for each level.

    Args:
        levels: of one part.
        threshold: nats; an n-gram that gains less is kept only as the beginning of a longer one.
    """
    masks: list[NDArray[np.bool_]] = []
    for order in range(len(levels), 0, -1):
        mask = (
            levels[order - 1].gains > threshold if order > 1 else np.ones(len(levels[0].keys), bool)
        )
        if masks:
            # What leads to a longer n-gram stays: a trie is walked character by character.
            mask[levels[order].parents[masks[-1]]] = True
        masks.append(mask)
    return masks[::-1]

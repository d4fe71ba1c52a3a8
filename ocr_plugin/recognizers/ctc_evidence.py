"""What a CTC network says about a word beyond its best path: likely texts, and any text's score.

Connectionist temporal classification, Graves et al. 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf: the forward algorithm sums the paths of a given
text. Prefix beam search, Hannun et al. 2014, https://arxiv.org/abs/1408.2873: finds likely texts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEGLIGIBLE = 1e-4
"""A character less likely than this in all columns of a word is usually not kept one by one."""
# The log-probability of a character that was not kept: of thousands, each has less.
_FLOOR = math.log(1e-7)
# A character this unlikely in a column does not continue a prefix there.
_LEAST = math.log(1e-3)


@dataclass(frozen=True)
class CtcEvidence:
    """A word's columns of a CTC network's output.

    Attributes:
        log_probabilities: (T, 1 + K) float64; column 0 is the blank's.
        characters: the K characters that have some probability.
    """

    log_probabilities: NDArray[np.float64]
    characters: tuple[str, ...]

    @classmethod
    def of(
        cls,
        probabilities: NDArray[np.float32],
        characters: Sequence[str],
        blanks: Sequence[int],
        negligible: float = NEGLIGIBLE,
    ) -> "CtcEvidence":
        """Returns the evidence in a word's columns.

        Args:
            probabilities: (T, classes) float32.
            characters: of all classes; the first is the blank's and is ignored.
            blanks: further classes that count as blanks, such as the space's.
            negligible: a character less likely than this in all columns is not kept one by one.
        """
        kept = np.flatnonzero((probabilities > negligible).any(0))
        kept = kept[~np.isin(kept, [0, *blanks])]
        blank = probabilities[:, [0, *blanks]].sum(1, keepdims=True)
        chosen = np.concatenate([blank, probabilities[:, kept]], axis=1).astype(np.float64)
        logs = np.log(np.maximum(chosen, math.exp(_FLOOR)))
        return cls(logs, tuple(characters[index] for index in kept))

    def candidates(self, most: int) -> list[tuple[str, float]]:
        """Returns likely texts with their log-probabilities, likeliest first.

        Args:
            most: texts to return, and prefixes that are kept in each column.
        """
        # Of each prefix: log-probability that its paths end in a blank, and in its last character.
        beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
        for column in self.log_probabilities:
            blank = float(column[0])
            likely = (np.flatnonzero(column[1:] > _LEAST) + 1).tolist()
            values = column.tolist()
            grown: dict[tuple[int, ...], tuple[float, float]] = {}
            for prefix, (in_blank, in_last) in beam.items():
                either = add_logarithms(in_blank, in_last)
                stays = in_last + values[prefix[-1]] if prefix else -math.inf
                merge(grown, prefix, either + blank, stays)
                for index in likely:
                    # A repeated character needs a blank in between.
                    before = in_blank if prefix and prefix[-1] == index else either
                    merge(grown, (*prefix, index), -math.inf, before + values[index])
            ranked = sorted(grown.items(), key=lambda entry: -add_logarithms(*entry[1]))
            beam = dict(ranked[:most])
        return [
            ("".join(self.characters[index - 1] for index in prefix), add_logarithms(*ends))
            for prefix, ends in beam.items()
        ]

    def labelled(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Returns the columns with one more, and texts in terms of them.

        Returns:
            (T, 2 + K) float64, the last for characters that were not kept; and (N, 2 L + 1) int64
            columns of each text: blanks before, between and after its characters, to the longest.
        """
        place = {each: index for index, each in enumerate(self.characters, start=1)}
        unseen = self.log_probabilities.shape[1]
        logs = np.pad(self.log_probabilities, ((0, 0), (0, 1)), constant_values=_FLOOR)
        labels = np.zeros((len(texts), 2 * max(map(len, texts)) + 1), np.int64)
        for row, text in enumerate(texts):
            labels[row, 1 : 2 * len(text) : 2] = np.array(
                [place.get(each, unseen) for each in text], np.int64
            )
        return logs, labels

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the log-probability of each text, (N,) float64, all its paths together."""
        if not texts:
            return np.zeros(0)
        logs, labels = self.labelled(texts)
        skips = np.zeros(labels.shape, bool)
        skips[:, 2:] = (labels[:, 2:] != 0) & (labels[:, 2:] != labels[:, :-2])
        state = np.full(labels.shape, -np.inf)
        state[:, 0] = logs[0, 0]
        state[:, 1:2] = logs[0, labels[:, 1:2]]
        for column in logs[1:]:
            moved = np.full((3, *state.shape), -np.inf)
            moved[0], moved[1, :, 1:] = state, state[:, :-1]
            moved[2, :, 2:] = np.where(skips[:, 2:], state[:, :-2], -np.inf)
            state = np.logaddexp.reduce(moved, axis=0) + column[labels]
        rows, ends = np.arange(len(texts)), np.array([2 * len(text) for text in texts])
        last = np.where(ends > 0, state[rows, np.maximum(ends - 1, 0)], -np.inf)
        both: NDArray[np.float64] = np.logaddexp(state[rows, ends], last)
        return both


def add_logarithms(one: float, other: float) -> float:
    """Returns the logarithm of the sum of two probabilities, given by their logarithms."""
    if one < other:
        one, other = other, one
    return one if other == -math.inf else one + math.log1p(math.exp(other - one))


def merge(
    beam: dict[tuple[int, ...], tuple[float, float]],
    prefix: tuple[int, ...],
    in_blank: float,
    in_last: float,
) -> None:
    """Adds to the log-probabilities that a prefix's paths end in a blank, or in its last one."""
    known = beam.get(prefix)
    if known is not None:
        in_blank, in_last = add_logarithms(known[0], in_blank), add_logarithms(known[1], in_last)
    beam[prefix] = in_blank, in_last

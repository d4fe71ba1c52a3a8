"""How likely printed tokens are: a mixture of languages, numbers, codes and words of no language.

To choose between readings of a word, its logarithm is added, weighted, to the reader's. Each
part is a distribution of whole tokens as printed, so part numbers and prices are not bent to words,
nor words to numbers, and what no part knows costs a bounded amount a character.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.ngrams import NgramTable
from ocr_plugin.language.token import Token, describe

Floats = NDArray[np.float64]

NUMBERS, CODES, OTHER = "numbers", "codes", "other"
BESIDES = (NUMBERS, CODES, OTHER)  # what every mixture has after its languages

LOWEST = -60.0  # of a text without a token
SPACE = -0.7
STRENGTH = 20.0
_ROUNDS = 4
# Of a word whose apostrophe joins two words, as l'eau does: the apostrophe between them.
_ELISION = -3.0


@dataclass(frozen=True, eq=False)
class Language:
    """How likely tokens are. Immutable; one serves all threads.

    Attributes:
        names: of its parts: languages, then "numbers", "codes", "other".
        weights: (P,) float64 of the parts; their sum is 1.
    """

    names: tuple[str, ...]
    weights: Floats
    _table: NgramTable
    _parts: tuple[int, ...]  # in the table, of the languages and of the numbers

    def __post_init__(self) -> None:
        self.weights.setflags(write=False)

    def log_probabilities(self, texts: Sequence[str]) -> Floats:
        """Returns how likely texts are as printed, the ends of their tokens included.

        A text with white space is its tokens, plus a constant for each gap. A text without a token
        is as unlikely as ``LOWEST``.

        Returns:
            (N,) float64 natural logarithms, finite.
        """
        owners, tokens = _tokens(texts)
        total = np.full(len(texts), LOWEST)
        if tokens:
            unique, inverse = _unique(tokens)
            mixed = self._mixed(self.part_log_probabilities(unique))
            counts = np.bincount(owners, minlength=len(texts))
            sums = np.bincount(owners, weights=mixed[inverse], minlength=len(texts))
            total = np.where(counts > 0, sums + SPACE * (counts - 1), LOWEST)
        return total

    def part_log_probabilities(self, tokens: Sequence[str]) -> Floats:
        """Returns how likely tokens are in each part: (P, N) float64 natural logarithms.

        Args:
            tokens: N, without white space, not empty.
        """
        described = [describe(token) for token in tokens]
        languages = self._words(described)
        numbers = self._table.log_probabilities(
            [token.shape for token in described], np.array(self._parts[-1:])
        )[0]
        return np.vstack([
            languages + [token.frame for token in described],
            numbers + [token.shaped for token in described],
            [token.code for token in described],
            np.logaddexp(
                [token.frame + token.letters for token in described],
                [token.initials for token in described],
            ),
        ])  # fmt: skip

    def _words(self, tokens: Sequence[Token]) -> Floats:
        """Returns how likely the words of tokens are in each language: (languages, N)."""
        whole = [(i, word) for i, token in enumerate(tokens) for word in token.words]
        pieces = [
            (j, p) for j, (_, word) in enumerate(whole) if "'" in word for p in word.split("'")
        ]
        unique, inverse = _unique([word for _, word in [*whole, *pieces]])
        parts = np.array(self._parts[:-1], np.intp)
        likely = self._table.log_probabilities(unique, parts)[:, inverse]
        words, split = likely[:, : len(whole)], likely[:, len(whole) :]
        for j in {j for j, _ in pieces}:
            of = [k for k, (owner, _) in enumerate(pieces) if owner == j]
            apart = split[:, of].sum(axis=1) + _ELISION * (len(of) - 1)
            words[:, j] = np.logaddexp(words[:, j], apart)
        total = np.zeros((len(parts), len(tokens)))
        for j, (i, _) in enumerate(whole):
            total[:, i] += words[:, j]
        return total

    def _mixed(self, likely: Floats) -> Floats:
        """Returns the mixture's logarithms (N,) of those of its parts (P, N)."""
        best = likely.max(axis=0)
        mixed: Floats = best + np.log(self.weights @ np.exp(likely - best))
        return mixed

    def adapted(self, texts: Sequence[str], strength: float = STRENGTH) -> "Language":
        """Returns the mixture that has seen texts: its weights follow what they are like.

        Expectation maximization for the weights, which have a Dirichlet prior around the present
        ones (maximum a posteriori: Gauvain & Lee 1994).

        Args:
            texts: read with certainty, of the same page or archive.
            strength: tokens that the present weights are worth.
        """
        _, tokens = _tokens(texts)
        if not tokens:
            return self
        likely = self.part_log_probabilities(tokens)
        scaled = np.exp(likely - likely.max(axis=0))
        weights = self.weights
        for _ in range(_ROUNDS):
            shares = weights[:, None] * scaled
            shares /= shares.sum(axis=0)
            weights = (strength * self.weights + shares.sum(axis=1)) / (strength + len(tokens))
        return replace(self, weights=weights)

    def restricted(self, languages: Sequence[str]) -> "Language":
        """Returns the mixture with some of its languages only, beside numbers, codes and other.

        The weights of the languages that stay grow in proportion.

        Raises:
            ConfigurationError: a language that it does not have, or none.
        """
        available = self.names[: -len(BESIDES)]
        for name in languages:
            if name not in available:
                raise ConfigurationError(
                    f"no language {name!r}: there are {', '.join(available)}; models for other"
                    " scripts are in: ocr-plugin models"
                )
        if not languages:
            raise ConfigurationError(f"name at least one language of {', '.join(available)}")
        kept = [i for i, name in enumerate(available) if name in languages]
        rest = self.weights[len(available) :]
        chosen = self.weights[kept]
        return Language(
            names=(*(available[i] for i in kept), *BESIDES),
            weights=np.concatenate([chosen * (1 - rest.sum()) / chosen.sum(), rest]),
            _table=self._table,
            _parts=(*(self._parts[i] for i in kept), self._parts[-1]),
        )


def make_language(
    languages: Sequence[str], weights: Sequence[float], table: NgramTable
) -> Language:
    """Returns a mixture of all parts of a table: languages, and numbers as the last.

    Args:
        languages: names, in the table's order.
        weights: of the languages, of numbers, codes and other; their sum need not be 1.
        table: with one part more than there are languages.

    Raises:
        ValueError: weights that are no shares, not as many as there are parts, or names that are
            no text.
    """
    if not all(isinstance(name, str) for name in languages):
        raise ValueError("names of languages must be text")
    shares = np.array(weights, np.float64)
    if shares.shape != (len(languages) + len(BESIDES),) or len(table.roots) != len(languages) + 1:
        raise ValueError("languages, weights and n-grams do not fit each other")
    if not (np.isfinite(shares).all() and (shares > 0).all()):
        raise ValueError("weights of languages must be above 0")
    return Language(
        (*languages, *BESIDES), shares / shares.sum(), table, tuple(range(len(languages) + 1))
    )


def _tokens(texts: Sequence[str]) -> tuple[NDArray[np.intp], list[str]]:
    """Returns the tokens of texts, and for each the number of its text."""
    split = [text.split() for text in texts]
    owners = np.repeat(np.arange(len(split)), [len(each) for each in split])
    return owners, [token for each in split for token in each]


def _unique(texts: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Returns the different texts, and for each text its place among them."""
    places: dict[str, int] = {}
    inverse = [places.setdefault(text, len(places)) for text in texts]
    return list(places), np.array(inverse, np.intp)

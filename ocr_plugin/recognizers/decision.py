"""The choice between candidate texts of a word, by all that is known about each.

A candidate's score is a sum: log-probabilities by one or more readers and by the language model,
each with a weight (a log-linear model; Och and Ney 2002, https://aclanthology.org/P02-1038/).
Views of a crop add candidates, and a text counts by the view in which it scores best. The scores
make up a probability for every text; that of the best one is the word's confidence.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.constraints.automaton import CompiledConstraint
from ocr_plugin.language.mixture import Language
from ocr_plugin.recognizers.calibration import Calibration

# Of one reader, whose best candidate may be far ahead of the others: no text is worse than this.
LEAST = -40.0
# Other texts less likely than this are not worth mentioning.
_UNLIKELY = 0.01
_MOST_ALTERNATIVES = 4
# Nats by which a text that is not allowed counts less: the constraint may be wrong, if seldom. So
# an allowed text that looks nothing like the word is not sure for want of others.
_DISTRUST = math.log(0.01)


@dataclass(frozen=True)
class Weights:
    """How much each kind of evidence counts.

    Attributes:
        readers: factor of each reader's log-probability, in the readers' order.
        language: factor of the language model's.
        length: added for each character, as every further one makes a text less likely.
        calibration: of the confidence in what is chosen.
    """

    readers: tuple[float, ...]
    language: float
    length: float
    calibration: Calibration


@dataclass(frozen=True)
class WeightsByKind:
    """Weights for words of letters, and for those with digits, of which language knows less."""

    letters: Weights
    digits: Weights

    def of(self, texts: Iterable[str]) -> Weights:
        """Returns the weights for a word whose likeliest texts these are."""
        digits = any(character.isdigit() for text in texts for character in text)
        return self.digits if digits else self.letters


@dataclass(frozen=True)
class View:
    """What the readers say about candidates in one view of a crop.

    Attributes:
        texts: K candidates, each once.
        log_probabilities: (K, readers) float64; NaN where a reader has no opinion about a text,
            which then counts as much as the text that it likes best.
    """

    texts: Sequence[str]
    log_probabilities: NDArray[np.float64]


def decide(
    views: Sequence[View],
    weights: WeightsByKind,
    language: Language | None,
    constraint: CompiledConstraint | None = None,
) -> list[tuple[str, float]]:
    """Returns the likeliest texts with their probabilities, likeliest first.

    Empty if no view has a candidate that is allowed. The others take part of the probability.

    Args:
        views: of one crop.
        weights: of the readers and the language.
        language: None if it does not count.
        constraint: on the text, and what is preferred; None for none.
    """
    own = weights.of(_favourites(views))
    best: dict[str, float] = {}
    for view in views:
        for text, score in zip(view.texts, _readers_scores(view, own), strict=True):
            if text:
                best[text] = max(score, best.get(text, score))
    if not best:
        return []
    texts = list(best)
    scores = np.array([best[text] for text in texts])
    if language is not None:
        scores += own.language * language.log_probabilities(texts)
        scores += own.length * np.array([len(text) for text in texts])
    allowed = np.ones(len(texts), bool)
    if constraint is not None:
        allowed = np.array([constraint.allows(text) for text in texts])
        scores += np.array([constraint.preference(text) for text in texts])
        scores[~allowed] += _DISTRUST
    odds = np.exp(scores - scores.max())
    ranked = zip(texts, (odds / odds.sum()).tolist(), allowed.tolist(), strict=True)
    kept = [(text, likelihood) for text, likelihood, fits in ranked if fits]
    return sorted(kept, key=lambda entry: -entry[1])


def _favourites(views: Sequence[View]) -> list[str]:
    """Returns each reader's likeliest text in the first view."""
    view = views[0]
    if not view.texts:
        return []
    scores = np.where(np.isnan(view.log_probabilities), -np.inf, view.log_probabilities)
    return [view.texts[index] for index in scores.argmax(axis=0)]


def confidence_in(
    text: str, probability: float, views: Sequence[View], weights: WeightsByKind
) -> float:
    """Returns how likely a chosen text is right.

    Args:
        text: the likeliest by `decide`.
        probability: its probability by `decide`.
        views: of the crop; the one in which the first reader likes the text best counts.
        weights: as for `decide`.
    """
    seen = [
        float(view.log_probabilities[list(view.texts).index(text), 0])
        for view in views
        if text in view.texts
    ]
    score = max((each for each in seen if not math.isnan(each)), default=-math.inf)
    calibration = weights.of(_favourites(views)).calibration
    return calibration.confidence(probability, score / (len(text) + 1))


def alternatives(ranked: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Returns those after the first that are worth mentioning."""
    return tuple(entry for entry in ranked[1 : 1 + _MOST_ALTERNATIVES] if entry[1] > _UNLIKELY)


def _readers_scores(view: View, weights: Weights) -> list[float]:
    total = np.zeros(len(view.texts))
    for factor, scores in zip(weights.readers, view.log_probabilities.T, strict=True):
        known = ~np.isnan(scores)
        if known.any():
            total += factor * np.maximum(np.where(known, scores, scores[known].max()), LEAST)
    return total.tolist()


def union(*texts: Mapping[str, object] | Sequence[str]) -> list[str]:
    """Returns all texts, each once, in the order of their first appearance."""
    return list(dict.fromkeys(text for own in texts for text in own))


def without_accents(text: str) -> str:
    """Returns a text with the base letters of its accented ones."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(character for character in plain if not unicodedata.combining(character))


def sayable(text: str, characters: AbstractSet[str]) -> str | None:
    """Returns a text as a reader of few characters would read it, or None if it cannot.

    Args:
        text: that may have accented letters.
        characters: that the reader has.
    """
    plain = "".join(each if each in characters else without_accents(each) for each in text)
    return plain if plain and set(plain) <= characters else None

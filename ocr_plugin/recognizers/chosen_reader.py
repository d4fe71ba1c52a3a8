"""Guidance for a recognizer that knows of none: a choice among its text and its alternatives."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ocr_plugin.language.choice import language_for
from ocr_plugin.protocols import RGB, Reading, Recognizer, Unit, WordReading
from ocr_plugin.recognizers.calibration import AS_IT_IS
from ocr_plugin.recognizers.decision import View, Weights, WeightsByKind, alternatives, decide
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.recognizers.line_words import line_of, without_text, words_of
from ocr_plugin.recognizers.word_decider import HOPELESS
from ocr_plugin.schema import Component

# Between those of the built-in readers: of a stranger's confidences no more is known.
_WEIGHTS = WeightsByKind(
    letters=Weights(readers=(0.7,), language=0.2, length=0.6, calibration=AS_IT_IS),
    digits=Weights(readers=(0.7,), language=0.1, length=0.2, calibration=AS_IT_IS),
)
_LEAST = 1e-6
# Of a line as a whole: words whose alternatives are tried together, and combinations of them.
_MOST_WORDS, _MOST_COMBINED = 6, 256


class ChosenReader:
    """Reads as another recognizer does, and chooses among its candidates for each word.

    A constraint on lines as a whole chooses among the combinations of its words' candidates.

    Args:
        reader: gives texts and alternatives.
        guidance: by which is chosen.

    Raises:
        ConfigurationError: no text can be allowed, or there is no such language.
    """

    def __init__(self, reader: Recognizer, guidance: Guidance) -> None:
        self._reader = reader
        self._language = language_for(guidance.language or "none")
        self._constraint = guidance.constraint.compiled() if guidance.constraint else None

    @property
    def component(self) -> Component:
        """The other recognizer's."""
        return self._reader.component

    @property
    def unit(self) -> Unit:
        """The other recognizer's."""
        return self._reader.unit

    def guided(self, guidance: Guidance) -> "ChosenReader":
        """Returns the same with other guidance."""
        return ChosenReader(self._reader, guidance)

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in order; see `protocols.Recognizer`."""
        return [self._chosen(reading) for reading in self._reader.recognize(crops)]

    def _chosen(self, reading: Reading) -> Reading:
        words = words_of(reading)
        if not words:
            return reading
        if self._constraint is None or not self._constraint.of_lines:
            return line_of([self._of_word(word) for word in words])
        if self._stands(" ".join(word.text for word in words)):
            return line_of([replace(word, alternatives=()) for word in words])
        return self._of_line(words)

    def _stands(self, text: str) -> bool:
        """Returns whether a text is allowed, and nothing is known that others are likelier."""
        constraint = self._constraint
        if self._language is not None or (constraint is not None and constraint.prefers):
            return False
        return self._allows(text)

    def _allows(self, text: str) -> bool:
        return self._constraint is None or self._constraint.allows(text)

    def _of_word(self, word: WordReading) -> WordReading:
        if self._stands(word.text):
            allowed = (entry for entry in word.alternatives if self._allows(entry[0]))
            return replace(word, alternatives=tuple(allowed))
        ranked = self._decided(_candidates(word))
        if not ranked:
            return without_text(word)
        (text, confidence), others = ranked[0], alternatives(ranked)
        characters = word.characters if text == word.text else ()
        return replace(
            word, text=text, confidence=confidence, characters=characters, alternatives=others
        )

    def _of_line(self, words: Sequence[WordReading]) -> Reading:
        combined = {
            " ".join(text for text, _ in each): math.prod(likelihood for _, likelihood in each)
            for each in _combined(words)
        }
        ranked = self._decided(combined)
        if not ranked:
            whole = WordReading(*next(iter(combined.items())))
            return Reading("", 0.0, withheld=(without_text(whole),))
        text, confidence = ranked[0]
        chosen = tuple(
            replace(
                word,
                text=part,
                confidence=confidence,
                characters=word.characters if part == word.text else (),
                alternatives=(),
            )
            for word, part in zip(words, text.split(" "), strict=True)
        )
        return Reading(text, confidence, chosen)

    def _decided(self, candidates: dict[str, float]) -> list[tuple[str, float]]:
        scores = np.log(np.maximum(list(candidates.values()), _LEAST))
        view = View(list(candidates), scores[:, None])
        ranked = decide([view], _WEIGHTS, self._language, self._constraint)
        # What the reader itself is unsure of is not sure for want of other candidates.
        known = min(sum(candidates.values()), 1.0)
        hopeless = not ranked or (self._constraint is not None and ranked[0][1] < HOPELESS)
        return [] if hopeless else [(text, likelihood * known) for text, likelihood in ranked]


def _candidates(word: WordReading) -> dict[str, float]:
    others = {text: likelihood for text, likelihood in word.alternatives if not _spaced(text)}
    return others | {word.text: word.confidence}


def _spaced(text: str) -> bool:
    return not text or any(character.isspace() for character in text)


def _combined(words: Sequence[WordReading]) -> list[tuple[tuple[str, float], ...]]:
    """Returns combinations of the candidates of a line's words, that of the words' own first."""
    own = [
        sorted(_candidates(word).items(), key=lambda entry: entry[0] != word.text) for word in words
    ]
    if len(own) > _MOST_WORDS:
        own = [each[:1] for each in own]
    most = max(1, int(_MOST_COMBINED ** (1 / len(own))))
    return list(product(*(each[:most] for each in own)))

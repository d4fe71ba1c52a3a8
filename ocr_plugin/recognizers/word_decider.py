"""Reads doubtful words by all the evidence: several views, candidates, language; see `decision`."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ocr_plugin.constraints.automaton import CompiledConstraint
from ocr_plugin.language.mixture import Language
from ocr_plugin.protocols import RGB, CharacterReading, Reading, WordReading
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.decision import View, WeightsByKind, alternatives, confidence_in, decide
from ocr_plugin.recognizers.foreign_characters import has_in_order
from ocr_plugin.recognizers.line_words import crop_of, line_of, without_text
from ocr_plugin.recognizers.views import turned, with_margin

# A word less likely than this after the first look is looked at again with a margin.
_UNSURE = 0.9

HOPELESS = 0.01
"""Where the likeliest of the allowed texts is less likely than this, none is read."""

ScoreViews = Callable[[Sequence[RGB], Sequence[CtcEvidence | None]], list[View]]
"""Takes views and, where known, their CTC evidence; returns each view's candidates with scores."""

KeptCharacters = Callable[[Sequence[WordReading]], Sequence[str]]
"""Takes the words of a line; returns for each the characters that its text must have, in order."""

LineWords = tuple[Sequence[WordReading], Sequence[CtcEvidence | None]]
"""The words of a line as read so far, and for each what a line reader saw of it, if known."""


@dataclass
class DoubtfulWord:
    """A word that is to be read by all the evidence.

    Attributes:
        crop: (h, w, 3) uint8 RGB.
        reading: as read so far; gives the span, and the characters if its text is chosen.
        ctc: what a line reader saw of it in its line.
        alone: whether the crop is a whole region, which may be turned, not a part of a line.
        kept: characters that its text must have, in this order, if any candidate has them.
    """

    crop: RGB
    reading: WordReading
    ctc: CtcEvidence | None = None
    alone: bool = False
    kept: str = ""
    views: list[View] = field(default_factory=list)


class WordDecider:
    """Decides what doubtful words are.

    Args:
        score: asks the readers.
        weights: of the readers and the language.
        language: None if it does not count.
        constraint: on each word; None for none.
        views: whether words are also looked at turned, and unsure ones again with a margin.
        kept: tells which characters of lines are not up for decision; None for none.
    """

    def __init__(
        self,
        score: ScoreViews,
        weights: WeightsByKind,
        language: Language | None,
        constraint: CompiledConstraint | None = None,
        views: bool = True,
        kept: KeptCharacters | None = None,
    ) -> None:
        self._score, self._weights, self._language = score, weights, language
        self._constraint, self._more_views, self._kept = constraint, views, kept

    def __call__(self, words: Sequence[DoubtfulWord]) -> list[WordReading]:
        """Returns a reading of each word, its text empty if no reader sees what is allowed."""
        first = [
            (word, view, ctc)
            for word in words
            for view, ctc in [(word.crop, word.ctc), *((each, None) for each in self._turned(word))]
        ]
        self._look(first)
        ranked = [self._ranked(word) for word in words]
        unsure = [
            index
            for index, found in enumerate(ranked)
            if self._more_views and (not found or found[0][1] < _UNSURE)
        ]
        self._look([(words[index], with_margin(words[index].crop), None) for index in unsure])
        for index in unsure:
            ranked[index] = self._ranked(words[index])
        return [self._reading(word, found) for word, found in zip(words, ranked, strict=True)]

    def decide_lines(
        self,
        crops: Sequence[RGB],
        lines: Sequence[LineWords],
        doubtful: Callable[[WordReading], bool],
    ) -> list[Reading]:
        """Returns the readings of lines, their doubtful words decided, all together.

        Args:
            crops: (h, w, 3) uint8 RGB, one a line.
            lines: of each crop, the words as read so far, and the evidence for each, if known.
            doubtful: whether a word is to be decided.
        """
        wanted = [
            (row, place, word)
            for row, (crop, line) in enumerate(zip(crops, lines, strict=True))
            for place, word in self._doubtful(crop, line, doubtful)
        ]
        read = [list(words) for words, _ in lines]
        decided = self([word for _, _, word in wanted])
        for (row, place, _), word in zip(wanted, decided, strict=True):
            read[row][place] = word
        return [
            line_of(self._joined(words, first) or words)
            for words, (first, _) in zip(read, lines, strict=True)
        ]

    def _joined(
        self, words: Sequence[WordReading], first: Sequence[WordReading]
    ) -> list[WordReading] | None:
        """Returns a line's words as one if they are allowed together and not one by one.

        So it is where a space was read within a number. None if they are not.
        """
        text = "".join(word.text for word in first)
        if self._constraint is None or len(first) < 2 or all(word.text for word in words):
            return None
        if not text or not self._constraint.allows(text):
            return None
        characters = tuple(each for word in first for each in word.characters)
        confidence = min(word.confidence for word in first)
        return [WordReading(text, confidence, (first[0].span[0], first[-1].span[1]), characters)]

    def _doubtful(
        self, crop: RGB, line: LineWords, doubtful: Callable[[WordReading], bool]
    ) -> Iterator[tuple[int, DoubtfulWord]]:
        """Yields the words of a line that are to be decided, with their places."""
        words, evidence = line
        kept = self._kept(words) if self._kept is not None else [""] * len(words)
        for place, (word, ctc, own) in enumerate(zip(words, evidence, kept, strict=True)):
            if doubtful(word):
                crop_of_word = crop_of(crop, words, place)
                yield place, DoubtfulWord(crop_of_word, word, ctc, len(words) == 1, own)

    def _turned(self, word: DoubtfulWord) -> Iterable[RGB]:
        return turned(word.crop) if word.alone and self._more_views else ()

    def _ranked(self, word: DoubtfulWord) -> list[tuple[str, float]]:
        with_kept = [_with(view, word.kept) for view in word.views] if word.kept else []
        views = with_kept if any(view.texts for view in with_kept) else word.views
        return decide(views, self._weights, self._language, self._constraint)

    def reconsidered(self, words: Sequence[WordReading], sure: float) -> list[WordReading]:
        """Returns the words of a page, chosen again by a language that has seen what is sure there.

        Args:
            words: of one page.
            sure: words of this confidence, and those without alternatives, stay as they are.
        """
        open_words = [index for index, word in enumerate(words) if _is_open(word, sure)]
        known = [word.text for word in words if word.confidence >= sure]
        if self._language is None or not open_words or not known:
            return list(words)
        texts = list(dict.fromkeys(text for index in open_words for text in _texts(words[index])))
        gained = self._language.adapted(known).log_probabilities(texts)
        gained -= self._language.log_probabilities(texts)
        gains = dict(zip(texts, gained.tolist(), strict=True))
        chosen = list(words)
        for index in open_words:
            chosen[index] = self._chosen_again(words[index], gains)
        return chosen

    def _chosen_again(self, word: WordReading, gains: Mapping[str, float]) -> WordReading:
        weight = self._weights.of([word.text]).language
        shares = [(word.text, word.confidence), *word.alternatives]
        odds = [share * math.exp(weight * gains[text]) for text, share in shares]
        scale = sum(share for _, share in shares) / sum(odds)
        scored = ((text, each * scale) for (text, _), each in zip(shares, odds, strict=True))
        (text, confidence), *others = sorted(scored, key=lambda entry: -entry[1])
        characters = word.characters if text == word.text else _unplaced(text, confidence)
        return replace(
            word,
            text=text,
            confidence=confidence,
            characters=characters,
            alternatives=tuple(others),
        )

    def _look(self, wanted: Sequence[tuple[DoubtfulWord, RGB, CtcEvidence | None]]) -> None:
        """Adds views to words."""
        crops, evidence = [crop for _, crop, _ in wanted], [ctc for _, _, ctc in wanted]
        for (word, _, _), view in zip(wanted, self._score(crops, evidence), strict=True):
            word.views.append(view)

    def _reading(self, word: DoubtfulWord, ranked: Sequence[tuple[str, float]]) -> WordReading:
        old = word.reading
        if self._constraint is not None and (not ranked or ranked[0][1] < HOPELESS):
            return without_text(old)
        if not ranked:
            return replace(old, text="", confidence=0.0, characters=(), alternatives=())
        text, probability = ranked[0]
        confidence = confidence_in(text, probability, word.views, self._weights)
        # The others keep their odds against the chosen one, but share no more than is left.
        scale = min(confidence / probability, (1 - confidence) / max(1 - probability, 1e-9))
        others = tuple((other, share * scale) for other, share in alternatives(ranked))
        characters = old.characters if text == old.text else _unplaced(text, confidence)
        return replace(
            old, text=text, confidence=confidence, characters=characters, alternatives=others
        )


def _with(view: View, kept: str) -> View:
    """Returns a view of those candidates alone that have all of some characters."""
    places = [place for place, text in enumerate(view.texts) if has_in_order(text, kept)]
    return View([view.texts[place] for place in places], view.log_probabilities[places])


def _is_open(word: WordReading, sure: float) -> bool:
    return word.confidence < sure and bool(word.text) and bool(word.alternatives)


def _texts(word: WordReading) -> list[str]:
    return [word.text, *(text for text, _ in word.alternatives)]


def _unplaced(text: str, confidence: float) -> tuple[CharacterReading, ...]:
    """Returns characters of which no more is known than of the word as a whole."""
    return tuple(CharacterReading(character, confidence) for character in text)

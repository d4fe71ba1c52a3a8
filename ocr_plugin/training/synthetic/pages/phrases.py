"""Texts of pages: running text, labels, headings and figures."""

import random
from collections.abc import Sequence

from ocr_plugin.training.synthetic.texts import TextSampler, TextShares

_NONE = dict.fromkeys(TextShares.model_fields, 0.0)
_PLAIN = TextShares(**{**_NONE, "word": 1.0})
_FIGURES = TextShares(
    **{**_NONE, "number": 4.0, "price": 3.0, "date": 2.0, "telephone": 1.0, "code": 2.0}
)
_PRICES = TextShares(**{**_NONE, "price": 1.0})
_CODES = TextShares(**{**_NONE, "code": 3.0, "number": 2.0, "letters": 0.5, "numbered": 1.0})
_SHORT_WORDS = [
    "a",
    "an",
    "and",
    "as",
    "at",
    "by",
    "for",
    "in",
    "is",
    "it",
    "of",
    "on",
    "or",
    "the",
    "to",
    "with",
]


class Phrases:
    """Draws texts of several words; holds no random state."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Takes the words to draw from; none for made-up ones."""
        self._mixed = TextSampler(vocabulary)
        self._plain = TextSampler(vocabulary, _PLAIN)
        self._figures = TextSampler(vocabulary, _FIGURES)
        self._prices = TextSampler(vocabulary, _PRICES)
        self._codes = TextSampler(vocabulary, _CODES)

    def word(self, rng: random.Random) -> str:
        """Returns a word in small letters."""
        return self._plain.sample(rng).lower()

    def anything(self, rng: random.Random) -> str:
        """Returns a text of any kind, without a space."""
        return self._mixed.sample(rng)

    def figure(self, rng: random.Random) -> str:
        """Returns a number, price, date, telephone number or code."""
        return self._figures.sample(rng)

    def price(self, rng: random.Random) -> str:
        """Returns a price or a percentage."""
        return self._prices.sample(rng)

    def code(self, rng: random.Random) -> str:
        """Returns a part number, a plate or the like."""
        return self._codes.sample(rng)

    def prose(self, rng: random.Random, count: int) -> list[str]:
        """Returns sentences of `count` words in all."""
        words, beginning = [], True
        for _ in range(count):
            word = rng.choice(_SHORT_WORDS) if rng.random() < 0.3 else self.word(rng)
            if rng.random() < 0.06:
                word = self.anything(rng)
            if beginning or rng.random() < 0.06:
                word = word[:1].upper() + word[1:]
            beginning = rng.random() < 0.08
            words.append(word + (rng.choice("...?!:") if beginning else _comma(rng)))
        return words

    def phrase(self, rng: random.Random, count: int) -> list[str]:
        """Returns `count` words in the same capitals, now and then a figure among them."""
        case = rng.choice((str.upper, str.upper, _capitalised, _capitalised, str.lower))
        words = []
        for _ in range(count):
            chance = rng.random()
            if chance < 0.2:
                words.append(self.anything(rng))
            elif chance < 0.35:
                words.append(case(rng.choice(_SHORT_WORDS)))
            else:
                words.append(case(self.word(rng)))
        return words

    def label(self, rng: random.Random) -> list[str]:
        """Returns one to three words as they stand before a field of a form."""
        words = [self.word(rng) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
        case = rng.choice((_capitalised, _capitalised, str.upper))
        words = [case(word) for word in words]
        if rng.random() < 0.6:
            words[-1] += ":"
        return words

    def value(self, rng: random.Random) -> list[str]:
        """Returns what is filled into a field of a form or a table."""
        if rng.random() < 0.45:
            return [self.figure(rng)]
        case = rng.choice((_capitalised, str.lower, str.upper))
        return [case(self.word(rng)) for _ in range(rng.choice((1, 1, 2, 3)))]


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:]


def _comma(rng: random.Random) -> str:
    return "," if rng.random() < 0.06 else ""

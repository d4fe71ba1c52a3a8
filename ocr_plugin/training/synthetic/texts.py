"""Texts of synthetic words: the mix found on signs, labels and forms."""

import random
import string
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import Field

from ocr_plugin.datasets.labels import LONGEST
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import Options
from ocr_plugin.recognizers.charset import CHARACTERS

_ONSETS = (*"bcdfghjklmnprstvwyz", "br", "ch", "cr", "dr", "fl", "gr", "pl", "sh", "st", "th", "tr")
_VOWELS = (*"aeiouaeioaeio", "ai", "ea", "ee", "ie", "oo", "ou")
_CODAS = ("", "", "", "n", "r", "s", "t", "l", "m", "ck", "nd", "ng", "st", "x")
_OPENING = "(\"'[#@*&"
_CLOSING = ".,.,:;!?)\"'%*-"
_PRICE_SIGNS = ("$", "$", "", "", "S$", "RM")


class TextShares(Options):
    """How often each kind of text is drawn; only the ratios count."""

    word: float = Field(default=62, ge=0, description="A word of the vocabulary.")
    punctuated: float = Field(default=8, ge=0, description="A word with punctuation.")
    compound: float = Field(
        default=3, ge=0, description="Two words and a hyphen, slash or the like."
    )
    numbered: float = Field(default=3, ge=0, description="A word and a number.")
    number: float = Field(default=7, ge=0, description="Digits, plain or grouped.")
    price: float = Field(default=3, ge=0, description="A price or a percentage.")
    date: float = Field(default=2, ge=0, description="A date or a time.")
    telephone: float = Field(default=1.5, ge=0, description="A telephone number.")
    code: float = Field(default=3, ge=0, description="Plates, part numbers, hexadecimals.")
    address: float = Field(default=1, ge=0, description="A piece of a web or mail address.")
    short: float = Field(default=3, ge=0, description="One or two characters.")
    letters: float = Field(default=5, ge=0, description="Letters and digits at random.")
    anything: float = Field(default=2, ge=0, description="Any characters at random.")


class TextSampler:
    """Draws texts; holds no random state."""

    def __init__(
        self,
        vocabulary: Sequence[str],
        shares: TextShares | None = None,
        characters: str = CHARACTERS,
    ) -> None:
        """Takes the words to draw from.

        Args:
            vocabulary: words of these characters; none for made-up ones.
            shares: of the kinds of text.
            characters: that texts are made of.

        Raises:
            ConfigurationError: no kind of text is wanted.
        """
        self._characters = characters
        self._vocabulary = vocabulary
        weights = (shares or TextShares()).model_dump()
        self._kinds: list[Callable[[random.Random], str]] = [
            getattr(self, f"_{name}") for name in weights
        ]
        self._weights = list(weights.values())
        if not any(self._weights):
            raise ConfigurationError("synthetic words: the shares of all kinds of text are 0")

    def sample(self, rng: random.Random) -> str:
        """Returns a text of 1 to 25 of the characters, without white space."""
        (kind,) = rng.choices(self._kinds, self._weights)
        text = "".join(filter(self._characters.__contains__, kind(rng)))
        # A charset without digits leaves nothing of a number; then anything else will do.
        return text[:LONGEST] or self._anything(rng)

    def _plain(self, rng: random.Random) -> str:
        if not self._vocabulary:
            syllables = (
                rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
                for _ in range(rng.choice((1, 2, 2, 3)))
            )
            return "".join(syllables)
        # Lists begin with the common words; the root prefers them a little.
        index = int(len(self._vocabulary) * rng.random() ** 1.5)
        return self._vocabulary[index]

    def _word(self, rng: random.Random) -> str:
        word = self._plain(rng)
        choice = rng.random()
        if choice < 0.45:
            return word.upper()
        if choice < 0.72:
            return word[:1].upper() + word[1:].lower()
        if choice < 0.96:
            return word.lower()
        return "".join(rng.choice((letter.lower(), letter.upper())) for letter in word)

    def _punctuated(self, rng: random.Random) -> str:
        word = self._word(rng)[: LONGEST - 3]
        choice = rng.random()
        if choice < 0.25:
            return word + rng.choice(("'s", "'S", "'t", "n't", "'"))
        if choice < 0.75:
            return word + rng.choice(_CLOSING)
        if choice < 0.85:
            return rng.choice(_OPENING) + word
        return rng.choice(("({})", '"{}"', "'{}'", "[{}]", "<{}>", "*{}*", "-{}-")).format(word)

    def _compound(self, rng: random.Random) -> str:
        first, second = self._word(rng)[:11], self._word(rng)[:11]
        return first + rng.choice(("-", "-", "-", "/", "&", "+", ".", "_", ":")) + second

    def _numbered(self, rng: random.Random) -> str:
        word, number = self._word(rng)[:18], _digits(rng, rng.randint(1, 4))
        return rng.choice((word + number, number + word))

    def _number(self, rng: random.Random) -> str:
        digits = _digits(rng, rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 8)))
        if len(digits) > 3 and rng.random() < 0.3:
            return f"{int(digits):,}"
        if rng.random() < 0.15:
            return digits + rng.choice(("th", "st", "nd", "rd", "TH", "km", "m", "kg", "ml", "A"))
        return digits

    def _price(self, rng: random.Random) -> str:
        if rng.random() < 0.25:
            return f"{rng.choice(('-', '+', '', ''))}{rng.randint(1, 100)}%"
        sign = rng.choice(_PRICE_SIGNS)
        return f"{sign}{_digits(rng, rng.randint(1, 4))}{rng.choice('..,')}{_digits(rng, 2)}"

    def _date(self, rng: random.Random) -> str:
        day, month, year = rng.randint(1, 31), rng.randint(1, 12), rng.randint(1950, 2030)
        if rng.random() < 0.35:
            clock = f"{rng.randint(0, 23)}{rng.choice(':.')}{rng.randint(0, 59):02}"
            return clock + rng.choice(("", "", "am", "pm", "AM", "PM", "h"))
        between = rng.choice("/-.")
        return rng.choice(
            (
                f"{day:02}{between}{month:02}{between}{year}",
                f"{month}{between}{day}{between}{year % 100:02}",
                f"{year}{between}{month:02}{between}{day:02}",
                str(year),
            )
        )

    def _telephone(self, rng: random.Random) -> str:
        between = rng.choice(("-", "-", ".", ""))
        groups = rng.choice(((3, 3, 4), (3, 4), (4, 4), (2, 4, 4), (1, 3, 3, 4), (5, 6)))
        number = between.join(_digits(rng, count) for count in groups)
        return rng.choice(("", "", "+", "0")) + number

    def _code(self, rng: random.Random) -> str:
        choice = rng.random()
        if choice < 0.3:
            return "".join(rng.choice("0123456789ABCDEF") for _ in range(rng.randint(4, 12)))
        first = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(1, 3)))
        second = _digits(rng, rng.randint(1, 6))
        last = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.choice((0, 0, 1, 3))))
        return first + rng.choice(("", "", "-", "/", "#")) + second + last

    def _address(self, rng: random.Random) -> str:
        name, ending = self._plain(rng).lower()[:12], rng.choice(("com", "org", "net", "co.uk"))
        return rng.choice((f"www.{name}.{ending}", f"{name}.{ending}", f"@{name}", f"#{name}"))

    def _short(self, rng: random.Random) -> str:
        # Alone, a full stop and a comma in their boxes could be anything; they are not drawn.
        pool = string.ascii_uppercase * 2 + string.ascii_lowercase + string.digits * 2 + "&$%#@!?+"
        return "".join(rng.choice(pool) for _ in range(rng.randint(1, 2)))

    def _letters(self, rng: random.Random) -> str:
        pool = rng.choice(
            (string.ascii_uppercase, string.ascii_lowercase, CHARACTERS[:36], CHARACTERS[:62])
        )
        return "".join(rng.choice(pool) for _ in range(rng.randint(2, 12)))

    def _anything(self, rng: random.Random) -> str:
        return "".join(rng.choice(self._characters) for _ in range(rng.randint(1, 12)))


def read_vocabulary(paths: Sequence[Path], characters: str = CHARACTERS) -> tuple[list[str], int]:
    """Returns the words of some lists, and how many lines were unusable.

    Args:
        paths: text files with a word a line; lines that begin with # are comments. No paths give no
            words.
        characters: that words may have.

    Raises:
        ConfigurationError: a file that cannot be read, or no usable word in any.
    """
    words: dict[str, None] = {}
    dropped = 0
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: cannot be read: {error}") from error
        for line in map(str.strip, lines):
            if not line or line.startswith("#"):
                continue
            if len(line) <= LONGEST and not set(line) - set(characters):
                words[line] = None
            else:
                dropped += 1
    if paths and not words:
        raise ConfigurationError(f"no usable word in {', '.join(map(str, paths))}")
    return list(words), dropped


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))

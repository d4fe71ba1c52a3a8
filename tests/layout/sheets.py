"""Sheets: synthetic pages whose pieces are placed in their true reading order.

A sheet knows no picture: it holds the pieces that a detector and a recognizer would give, with
unexact boxes. `sheet_kinds` lays them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ocr_plugin.layout.page import arrange
from ocr_plugin.layout.pieces import Piece, piece_of, polygon_of
from ocr_plugin.protocols import Points
from ocr_plugin.schema import Word

# Of a character, as a share of the font's size.
ADVANCE = 0.52

SENTENCES = {
    "en": "the river ran slowly past old mills and no one on its banks knew where it would end "
    "but every spring some boats came up from the sea with salt and letters",
    "de": "der alte Fluss zog langsam an den Mühlen vorbei und niemand am Ufer wusste wohin er "
    "ging aber jeden Frühling kamen kleine Boote vom Meer mit Salz und neuen Briefen",
    "fr": "la rivière passait lentement devant les vieux moulins et personne sur les bords ne "
    "savait où elle allait mais au printemps des bateaux venaient avec du sel et des lettres",
    "el": "το ποτάμι περνούσε αργά από τους παλιούς μύλους και κανείς στις όχθες δεν ήξερε πού "
    "πήγαινε αλλά κάθε άνοιξη μερικές βάρκες έρχονταν με αλάτι και γράμματα",
    "hr": "rijeka je polako tekla pored starih mlinova i nitko na obali nije znao kamo ide ali "
    "svakog su je proljeća pratili brodovi s mora koji su nosili sol i nova pisma",
}


@dataclass(frozen=True)
class Variation:
    """How a sheet of some kind differs from others of that kind.

    Attributes:
        size: of the body's font, in pixels; a line's box is as high.
        leading: from one base line to the next, in sizes.
        gutter: between columns of prose, in sizes.
        language: a key of `SENTENCES`.
        jitter: standard deviation of a box's edges, in sizes.
        tilt: of the page, in degrees clockwise.
        broken: share of the gaps between words at which a line comes in two pieces.
        seed: of all that is random.
    """

    size: float
    leading: float
    gutter: float
    language: str
    jitter: float
    tilt: float
    broken: float
    seed: int


VARIATIONS = (
    Variation(20, 1.4, 2.0, "en", 0.0, 0.0, 0.0, 1),
    Variation(34, 1.25, 1.2, "de", 0.03, 0.6, 0.08, 2),
    Variation(14, 1.5, 3.0, "fr", 0.05, -1.5, 0.0, 3),
    Variation(27, 1.3, 1.6, "el", 0.04, 3.0, 0.05, 4),
    Variation(42, 1.6, 2.4, "hr", 0.06, -0.8, 0.0, 5),
)


@dataclass
class Sheet:
    """Pieces of a page, in reading order, which is that in which they were added."""

    variation: Variation
    pieces: list[Piece] = field(default_factory=list)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.variation.seed)

    @property
    def size(self) -> float:
        """The body's font, in pixels."""
        return self.variation.size

    @property
    def pitch(self) -> float:
        """From one line of the body to the next, in pixels."""
        return self.variation.size * self.variation.leading

    def prose(self, count: int, capital: bool = True) -> list[str]:
        """Returns words of running text: sentences of six to twelve words."""
        source = SENTENCES[self.variation.language].split()
        start, words = int(self.rng.integers(len(source))), []
        left = 0 if capital else 5
        for k in range(count):
            word = source[(start + k) % len(source)]
            if not left:
                left = int(self.rng.integers(6, 13))
                word = word.capitalize()
            left -= 1
            words.append(word if left else f"{word}.")
        return words

    def wrapped(self, words: Sequence[str], width: float, size: float | None = None) -> list[str]:
        """Returns the words as lines no wider than `width` pixels."""
        most = width / (ADVANCE * (size or self.size))
        lines = [words[0]]
        for word in words[1:]:
            if len(lines[-1]) + 1 + len(word) <= most:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    def paragraph(
        self, x: float, y: float, lines: Sequence[str], size: float | None = None
    ) -> float:
        """Adds lines below each other; returns the y of the line after them."""
        size = size or self.size
        for line in lines:
            self.add(x, y, line, size)
            y += size * self.variation.leading
        return y

    def column(self, x: float, y: float, width: float, count: int) -> float:
        """Adds a column of `count` lines of running text; returns the y of the line after it."""
        return self.paragraph(x, y, self.wrapped(self.prose(12 * count), width)[:count])

    def add(self, x: float, y: float, text: str, size: float | None = None) -> float:
        """Adds a line, in one piece or more; returns its right end.

        Args:
            x: its left end, in pixels before the page is tilted.
            y: its top.
            text: words with single spaces.
            size: of the font; the body's if none is given.
        """
        size = size or self.size
        start = 0
        words = text.split(" ")
        runs = [[words[0]]]
        for word in words[1:]:
            if self.rng.random() < self.variation.broken:
                runs.append([])
            runs[-1].append(word)
        for run in runs:
            self.pieces.append(self._piece(x + ADVANCE * size * start, y, run, size))
            start += len(" ".join(run)) + 1
        return self.end(x, text, size)

    def end(self, x: float, text: str, size: float | None = None) -> float:
        """Returns the right end of a line that starts at x."""
        return x + ADVANCE * (size or self.size) * len(text)

    def right(self, x: float, y: float, text: str, size: float | None = None) -> None:
        """Adds a line that ends at x."""
        self.add(x - (self.end(0, text, size)), y, text, size)

    def centred(self, x: float, y: float, text: str, size: float | None = None) -> None:
        """Adds a line whose middle is at x."""
        self.add(x - self.end(0, text, size) / 2, y, text, size)

    def turned(self, x: float, y: float, text: str, up: bool) -> None:
        """Adds a line of the body's size that runs up or down, its box's top-left at x and y."""
        length = self.end(0, text)
        corners = np.array([(0, 0), (length, 0), (length, self.size), (0, self.size)])
        turn = np.array([(0, -1), (1, 0)]) if up else np.array([(0, 1), (-1, 0)])
        shift = (x, y + length) if up else (x + self.size, y)
        outline = self._tilted(corners @ turn + shift)
        word = Word(text=text.replace(" ", "_"), polygon=polygon_of(outline), confidence=0.9)
        self.pieces.append(piece_of([word], outline))

    def _piece(self, x: float, y: float, words: Sequence[str], size: float) -> Piece:
        left, top, right, bottom = self.variation.jitter * size * self.rng.normal(size=4)
        found, at = [], x
        for word in words:
            width = ADVANCE * size * len(word)
            outline = self._tilted(_box(at, y + top, at + width, y + size + bottom))
            found.append(Word(text=word, polygon=polygon_of(outline), confidence=0.9))
            at += width + ADVANCE * size
        end = at - ADVANCE * size
        box = _box(x + left, y + top, end + right, y + size + bottom)
        return piece_of(found, self._tilted(box))

    def _tilted(self, points: Points) -> Points:
        angle = np.radians(self.variation.tilt)
        rotation = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
        tilted: Points = (points @ rotation).astype(np.float32)
        return tilted

    def found(self) -> list[int]:
        """Returns the numbers of the words in the order in which `arrange` puts them.

        The pieces are shuffled first; the true order is 0, 1, 2 and so on.
        """
        words = [word for piece in self.pieces for word in piece.words]
        numbers = {word.polygon: number for number, word in enumerate(words)}
        assert len(numbers) == len(words)
        pieces = [self.pieces[k] for k in self.rng.permutation(len(self.pieces))]
        blocks = arrange(pieces)
        return [
            numbers[word.polygon] for block in blocks for line in block.lines for word in line.words
        ]

    def text(self, order: Sequence[int]) -> str:
        """Returns the words of the page in some order, for the eye."""
        words = [word.text for piece in self.pieces for word in piece.words]
        return " ".join(words[number] for number in order)


def _box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def kendall_tau(order: Sequence[int]) -> float:
    """Returns Kendall's rank correlation of a permutation with 0, 1, 2 and so on, from -1 to 1.

    Kendall, A New Measure of Rank Correlation, 1938: https://doi.org/10.1093/biomet/30.1-2.81
    """
    ranks = np.array(order)
    ordered = sum(int((ranks[k + 1 :] > rank).sum()) for k, rank in enumerate(ranks))
    pairs = len(ranks) * (len(ranks) - 1) / 2
    return 2 * ordered / pairs - 1

"""Character n-grams of several parts, as tries of quantised probabilities.

Probabilities are interpolated from the shortest context to the longest::

    p(c | h) = mass(h c) + left(h) p(c | h without its first character)

where ``left(h)`` is what the masses of the characters after ``h`` leave of one. Only masses are
stored: what pruning or rounding takes from them, shorter contexts get. (On interpolation: Chen &
Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", 1998. On tries without
pointers: Germann et al., "Tightly Packed Tries", 2009. On rounding: Whittaker & Raj,
"Quantization-based Language Model Compression", 2001.)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

UNKNOWN, START, END = 0, 1, 2
FIRST_CHARACTER = 3
MOST_CHARACTERS = 256 - FIRST_CHARACTER
MOST_LEVELS = 7  # a byte a character of a window, in a signed number
STEP = 0.14  # nats between two stored values
NO_MASS = 255

# Of a character that a part does not know, of what known ones leave.
UNSEEN = 1e-3
_ONE = 1 << 30  # sums of masses are unsigned 32-bit and may run over: their differences stay right
MOST = np.float32(0.9999)  # of what the masses after a context may be together
_BLOCK = 8192

_EXACT = np.exp(-STEP * np.arange(256))
_EXACT[NO_MASS] = 0
_VALUES = _EXACT.astype(np.float32)
_SUMMANDS = (_EXACT * _ONE).astype(np.uint32)


class Level:
    """All n-grams of one length, in order of their characters' numbers.

    Attributes:
        characters: (N,) uint8, the last character's number of each.
        children: (N,) uint8, how many n-grams of the next level begin with each.
        masses: (N,) uint8, -log of the mass in steps of ``STEP`` nats; ``NO_MASS`` for none.
        firsts: (N + 1,) int32, of the next level's n-grams, the first that begins with each.
        sums: (N + 1,) uint32, of the masses of all before each.
    """

    def __init__(self, characters: Bytes, children: Bytes, masses: Bytes) -> None:
        self.characters, self.children, self.masses = characters, children, masses
        self.firsts = _firsts(children)
        self.sums = np.zeros(len(masses) + 1, np.uint32)
        # Blocks, as numpy makes eight bytes of every index; "wrap" spares it a copy of the values.
        for first in range(0, len(masses), _BLOCK):
            block = masses[first : first + _BLOCK]
            _SUMMANDS.take(block, out=self.sums[first + 1 :][: len(block)], mode="wrap")
        np.cumsum(self.sums, out=self.sums)


class NgramTable:
    """Tries of n-grams, one for each part, searched for all parts and characters at once."""

    def __init__(self, alphabet: str, roots: Bytes, levels: Sequence[Level]) -> None:
        """Puts levels together.

        Args:
            alphabet: its characters have the numbers from ``FIRST_CHARACTER`` on.
            roots: (P,) uint8, how many one-character n-grams each part has.
            levels: from one character on.

        Raises:
            ValueError: the sizes of the levels contradict each other, or there is too much.
        """
        if not 0 < len(levels) <= MOST_LEVELS:
            raise ValueError(f"{len(levels)} levels of n-grams; 1 to {MOST_LEVELS} are possible")
        if len(alphabet) > MOST_CHARACTERS:
            raise ValueError(f"{len(alphabet)} characters; at most {MOST_CHARACTERS} are possible")
        self.alphabet, self.roots, self.levels = alphabet, roots, tuple(levels)
        self.numbers = {c: i for i, c in enumerate(alphabet, FIRST_CHARACTER)}
        self._firsts = [_firsts(roots), *(level.firsts for level in levels)]
        children = roots
        for level in levels:
            sizes = {len(level.characters), len(level.children), len(level.masses)}
            if sizes != {int(children.sum(dtype=np.int64))}:
                raise ValueError("levels of n-grams do not fit each other")
            children = level.children
        if children.any():
            raise ValueError("the last level of n-grams has children")

    def codes(self, word: str) -> list[int]:
        """Returns the numbers of a word's characters, with the start and the end."""
        numbers = self.numbers
        return [START, *(numbers.get(character, UNKNOWN) for character in word), END]

    def log_probabilities(
        self, words: Sequence[str], parts: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Returns how likely words are in some parts: (P, N) float64, natural logarithms.

        Args:
            words: N, of characters as the alphabet has them.
            parts: (P,) numbers of parts.
        """
        if not words:
            return np.zeros((len(parts), 0))
        coded = [self.codes(word) for word in words]
        lengths = np.array([len(each) for each in coded])
        starts = np.cumsum(lengths) - lengths
        codes = np.fromiter((c for each in coded for c in each), np.int64, int(lengths.sum()))
        likely = self._likelihoods(codes, starts, parts)
        return np.add.reduceat(np.log(likely.astype(np.float64)), starts, axis=1)

    def _likelihoods(
        self, codes: NDArray[np.int64], starts: NDArray[np.int64], parts: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Returns how likely each character is after those before it: (P, T) float32.

        Args:
            codes: (T,) numbers of characters, word after word.
            starts: (N,) where the words start; their likelihoods are 1.
            parts: (P,) numbers of parts.
        """
        # Readings of one word are much alike: each window of characters is looked up once.
        windows = codes.copy()
        for back in range(1, len(self.levels)):
            windows[back:] |= codes[:-back] << 8 * back
        within = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
        shown = 8 * np.minimum(within + 1, len(self.levels))
        windows &= (1 << shown) - 1
        _, places, inverse = np.unique(windows, return_index=True, return_inverse=True)
        count = len(places)
        before = np.where(within[places] > 0, inverse[places - 1], count)
        wanted = np.tile(codes[places].astype(np.uint8), len(parts))
        likely = np.full(len(wanted), UNSEEN, np.float32)
        contexts = np.repeat(parts.astype(np.int32), count)
        for order, level in enumerate(self.levels):
            if not len(level.characters):
                break  # pruned away, and all that is longer with it
            at = np.flatnonzero(contexts >= 0)
            context = contexts[at]
            first, last = self._firsts[order][context], self._firsts[order][context + 1]
            sums = level.sums
            left = 1 - (sums[last] - sums[first]) * np.float32(1 / _ONE)
            found = _found(level.characters, wanted[at], first, last)
            mass = np.where(found >= 0, _VALUES[level.masses[found]], 0)
            likely[at] = mass + np.maximum(left, 1 - MOST) * likely[at]
            # The n-gram that ends here is the context of the next character of the same word.
            ended = np.full((len(parts), count + 1), -1, np.int32)
            ended[:, :count].flat[at] = found
            contexts = ended[:, before].ravel()
        spread = likely.reshape(len(parts), count)[:, inverse]
        spread[:, starts] = 1
        return spread


def _firsts(children: Bytes) -> NDArray[np.int32]:
    """Returns how many children there are before those of each, and in all: (N + 1,)."""
    firsts = np.zeros(len(children) + 1, np.int32)
    if children.any():  # none of the last level, which is a long one
        firsts[1:] = children
        np.cumsum(firsts, out=firsts)
    return firsts


def _found(
    characters: Bytes, wanted: Bytes, first: NDArray[np.int32], last: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Returns where characters are in stretches of sorted ones, -1 for those that are not there.

    Args:
        characters: (N,) of a level.
        wanted: (M,) characters to find.
        first: (M,) where the stretch of each begins.
        last: (M,) where it ends.
    """
    found = first.copy()
    open_ = np.flatnonzero(last - first > 1)
    low, high, searched = first[open_], last[open_] - 1, wanted[open_]
    while len(open_):
        middle = (low + high) >> 1
        before = characters[middle] < searched
        low = np.where(before, middle + 1, low)
        high = np.where(before, high, middle)
        found[open_] = low
        still = np.flatnonzero(low < high)
        open_, low, high, searched = open_[still], low[still], high[still], searched[still]
    there = (first < last) & (characters[np.minimum(found, len(characters) - 1)] == wanted)
    return np.where(there, found, -1)

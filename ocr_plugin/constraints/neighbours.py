"""Words within two edits of a text: insertions, deletions, substitutions.

All words of fitting length are compared at once, column by column of Levenshtein's table. An index
of deletions answers sooner but takes hundreds of megabytes for 100,000 words.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_EDITS = 2

_BITS_SET = (
    np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8))
    .reshape(-1, 16)
    .sum(axis=1, dtype=np.uint8)
)


class _OfOneLength(NamedTuple):
    """Words of one length: L code points each, N words."""

    indices: NDArray[np.int32]
    """N: which words they are."""
    letters: NDArray[np.uint32]
    """L x N code points."""
    signatures: NDArray[np.uint32]
    """N: a bit for each code point, modulo 32, that occurs."""


class Neighbours:
    """Finds the words near to a text.

    Args:
        words: in any order; an answer names them by their places in it.
    """

    def __init__(self, words: Sequence[str]) -> None:
        by_length: dict[int, list[int]] = {}
        for index, word in enumerate(words):
            by_length.setdefault(len(word), []).append(index)
        self._groups = {
            length: _group(indices, [words[index] for index in indices], length)
            for length, indices in by_length.items()
        }

    def of(self, text: str) -> list[tuple[int, int]]:
        """Returns place and number of edits of every word at most `MOST_EDITS` edits away."""
        letters = _code_points(text)
        signature = np.bitwise_or.reduce(_bits(letters), initial=np.uint32(0))
        found = []
        for length in range(len(text) - MOST_EDITS, len(text) + MOST_EDITS + 1):
            group = self._groups.get(length)
            if group is None:
                continue
            # Each edit brings at most one letter that the other word lacks.
            likely = np.flatnonzero(
                (_count(group.signatures & ~signature) <= MOST_EDITS)
                & (_count(~group.signatures & signature) <= MOST_EDITS)
            )
            edits = _edits(letters, group.letters[:, likely])
            near = np.flatnonzero(edits <= MOST_EDITS)
            indices = group.indices[likely[near]]
            found += list(zip(indices.tolist(), edits[near].tolist(), strict=True))
        return found


def _group(indices: list[int], words: list[str], length: int) -> _OfOneLength:
    letters = _code_points("".join(words)).reshape(len(words), length).T
    signatures = np.bitwise_or.reduce(_bits(letters), axis=0, initial=np.uint32(0))
    return _OfOneLength(
        np.array(indices, dtype=np.int32), np.ascontiguousarray(letters), signatures
    )


def _code_points(text: str) -> NDArray[np.uint32]:
    # Lone surrogates are no text, but a string may hold them.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _bits(letters: NDArray[np.uint32]) -> NDArray[np.uint32]:
    bits: NDArray[np.uint32] = np.left_shift(np.uint32(1), letters % np.uint32(32))
    return bits


def _count(bits: NDArray[np.uint32]) -> NDArray[np.uint8]:
    # numpy.bitwise_count came with version 2.
    count: NDArray[np.uint8] = _BITS_SET[bits & 0xFFFF] + _BITS_SET[bits >> 16]
    return count


def _edits(text: NDArray[np.uint32], words: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Returns the edits between the text, M, and each word, L x N; beyond the most some greater."""
    length, count = words.shape
    far = np.full(count, MOST_EDITS + 1, dtype=np.uint8)
    # row[j]: edits from the text so far to the first j letters of every word. What is far from the
    # diagonal is far anyhow.
    row = [np.full(count, j, dtype=np.uint8) if j <= MOST_EDITS else far for j in range(length + 1)]
    for i, letter in enumerate(text, start=1):
        above, row = row, [far] * (length + 1)
        if i <= MOST_EDITS:
            row[0] = np.full(count, i, dtype=np.uint8)
        for j in range(max(1, i - MOST_EDITS), min(length, i + MOST_EDITS) + 1):
            gap = np.minimum(above[j], row[j - 1]) + np.uint8(1)
            row[j] = np.minimum(gap, above[j - 1] + (words[j - 1] != letter))
    return row[length]

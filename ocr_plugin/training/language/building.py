"""A language file from word lists."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.files import packed
from ocr_plugin.language.ngrams import MOST_CHARACTERS
from ocr_plugin.training.language.counting import count_ngrams
from ocr_plugin.training.language.number_shapes import number_shapes
from ocr_plugin.training.language.packing import pack
from ocr_plugin.training.language.word_lists import Frequencies

Floats = NDArray[np.float64]

# By frequency alone a text's few commonest words would be all there is; signs have rarer ones.
TEMPER = 0.6
LONGEST_NGRAM = 6
_NUMBERS, _CODES, _OTHER = 0.14, 0.06, 0.06  # their weights; languages have the rest
# The weights of languages fall with their rank. More languages make more misreadings likely: those
# after the first few count little, until a page has been seen to be of one of them.
_COMMON, _RARE = 7, 0.1
_LEAST, _MOST = 1e-8, 1e-3  # nats a token: thresholds of pruning
_ROUNDS = 8


def build_language(
    parts: Mapping[str, Frequencies], size_limit: float, about: Mapping[str, Any]
) -> bytes:
    """Returns a language file's bytes: the same for the same words.

    Args:
        parts: words and frequencies of each language, the likeliest first.
        size_limit: bytes that the file may have.
        about: metadata to keep in the file: sources, licence.

    Raises:
        ConfigurationError: no part, too many letters, or a limit that is too small.
    """
    if not parts:
        raise ConfigurationError("a language file needs at least one language or word list")
    shapes = number_shapes()
    alphabet = "".join(
        sorted({c for words in (*parts.values(), shapes) for word in words for c in word})
    )
    if len(alphabet) > MOST_CHARACTERS:
        raise ConfigurationError(f"{len(alphabet)} different letters; at most {MOST_CHARACTERS}")
    weighted = [_tempered(words, TEMPER) for words in parts.values()] + [_tempered(shapes, 1)]
    shares = _shares(len(parts)) * (1 - _NUMBERS - _CODES - _OTHER)
    weights = [*shares, _NUMBERS, _CODES, _OTHER]
    counted = [
        count_ngrams(list(words), counts, alphabet, LONGEST_NGRAM)
        for words, counts in zip((*parts.values(), shapes), weighted, strict=True)
    ]
    # A part's n-grams gain in its tokens alone, which are as frequent as it has weight.
    worths = [w / counts.sum() for w, counts in zip(weights, weighted, strict=False)]
    header = {
        **about,
        "languages": list(parts),
        "weights": [round(float(weight), 6) for weight in weights],
        "built_with": {
            "temper": TEMPER,
            "longest_ngram": LONGEST_NGRAM,
            "size_limit": size_limit,
            "words": {name: len(words) for name, words in parts.items()},
        },
    }

    def at(threshold: float) -> bytes:
        table = pack(counted, [threshold / worth for worth in worths], alphabet)
        return packed({**header, "threshold": float(f"{threshold:.3g}")}, table)

    return _largest_within(size_limit, at)


def _largest_within(limit: float, at: Callable[[float], bytes]) -> bytes:
    """Returns the file of the lowest threshold whose size is within a limit."""
    if len(whole := at(_LEAST)) <= limit:
        return whole
    low, high, found = np.log(_LEAST), np.log(_MOST), None
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if len(data := at(float(np.exp(middle)))) <= limit:
            found, high = data, middle
        else:
            low = middle
    if found is None:
        raise ConfigurationError(f"these words do not fit into {limit / 1e6:g} MB")
    return found


def _tempered(words: Frequencies, power: float) -> Floats:
    """Returns the words' weights, the least 1."""
    found = np.array(list(words.values()))
    return np.asarray((found / found.min()) ** power)


def _shares(languages: int) -> Floats:
    """Returns the weights of languages among themselves, the likeliest first; their sum is 1."""
    falling = 1 / np.arange(1.0, languages + 1)
    falling[_COMMON:] *= _RARE
    return np.asarray(falling / falling.sum())

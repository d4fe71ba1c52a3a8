"""Where a line has spaces: by the network, the gaps in the ink, and what words are likely.

PP-OCR sees too few spaces, above all in small print, between numbers and between single letters.
Each place between two characters has log-odds of a space, by the network's own probability and by
the width of the gap in the ink beside the line's usual one. Where that leaves doubt, the language
has a say: of all ways to part the line, the one is taken whose log-odds and words are likeliest
together (a Viterbi search; Viterbi 1967, https://doi.org/10.1109/TIT.1967.1054010).

The weights are fitted on drawn lines of many typefaces, sizes and spacings, and on lines of street
photos from ICDAR-2015's training part; see docs/language.md.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.language.mixture import Language
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.ctc import Emission, best_path
from ocr_plugin.regions.word_gaps import gaps_between

Floats = NDArray[np.float64]

# Of the network's log-odds, of a gap, and of the line's median gap, both in line heights.
_NETWORK, _GAP, _USUAL_GAP = 0.58, 8.0, -4.8
# To the language, two words are less likely than one, so the rest must ask for more spaces.
_BIAS, _BIAS_WITHOUT_LANGUAGE = -0.46, -0.93
# Of the log-probabilities of the words.
_LANGUAGE = 0.19
# Beyond these log-odds there is no doubt.
_CLEAR = 3.0
# Gaps of which the narrowest is more than this share of the widest are all of one kind.
_ALIKE = 0.5
_LEAST_GAP = 0.1
# Words of more characters are not considered, unless there is no doubt within.
_LONGEST = 40
_LEAST = 1e-5


@dataclass(frozen=True)
class Alphabet:
    """The classes of a CTC network that reads lines.

    Attributes:
        characters: of all classes.
        spaces: classes of white space; the last is the space.
        prior: factor for the probability of a space.
    """

    characters: Sequence[str]
    spaces: Sequence[int]
    prior: float


def path_with_spaces(
    steps: NDArray[np.float32],
    filled: float,
    crop: RGB,
    alphabet: Alphabet,
    language: Language | None,
) -> list[Emission]:
    """Returns the characters of a line on the best path, and the likeliest spaces.

    Args:
        steps: (T, C) float32 class probabilities.
        filled: share of the T steps that the crop covers; the rest is padding.
        crop: (h, w, 3) uint8 RGB.
        alphabet: the C classes.
        language: None if it does not count.
    """
    path = [each for each in best_path(steps) if each.id not in alphabet.spaces]
    if len(path) < 2:
        return path
    space = steps[:, alphabet.spaces].sum(axis=1)
    highest = [space[one.first : other.last].max() for one, other in pairwise(path)]
    middles = [min((each.first + each.last) / 2 / (len(steps) * filled), 1.0) for each in path]
    found, odds = place_spaces(
        [alphabet.characters[each.id] for each in path],
        _log_odds(np.array(highest), alphabet.prior),
        gaps_between(crop, middles),
        language,
    )
    spaced = path[:1]
    for here, own, (one, other) in zip(found, odds, pairwise(path), strict=True):
        if here:
            spaced.append(_space(space, one.last, other.first, float(own), alphabet.spaces[-1]))
        spaced.append(other)
    return spaced


def _space(space: NDArray[np.float32], first: int, last: int, odds: float, own: int) -> Emission:
    """Returns a space between two columns: where the network sees it most, if there is room."""
    confidence = max(0.5, 1 / (1 + math.exp(-odds)))
    if first >= last:
        return Emission(own, confidence, first, first)
    place = first + int(space[first:last].argmax())
    return Emission(own, confidence, place, place + 1)


def _log_odds(probabilities: NDArray[np.float32], prior: float) -> Floats:
    known = np.minimum(probabilities.astype(np.float64), 1 - _LEAST)
    odds: Floats = np.log(known + _LEAST) - np.log(1 - known) + math.log(prior)
    return odds


def place_spaces(
    characters: Sequence[str], network: Floats, gaps: Floats, language: Language | None
) -> tuple[NDArray[np.bool_], Floats]:
    """Returns behind which characters of a line there is a space, and the odds.

    Args:
        characters: of the line, N, without spaces.
        network: log-odds of a space behind each but the last, (N - 1,), by the network.
        gaps: widths of the gaps in the ink there, (N - 1,), in line heights.
        language: None if it does not count.

    Returns:
        (N - 1,) bool; and (N - 1,) log-odds by network and ink.
    """
    if len(characters) < 2:
        return np.zeros(0, np.bool_), np.zeros(0)
    wide = np.array([unicodedata.east_asian_width(each) in "WF" for each in characters])
    # Gaps between ideographs are no sign of a space, nor is there a language for them.
    unknown = wide[1:] | wide[:-1]
    usual = float(np.median(gaps[~unknown])) if not unknown.all() else 0.0
    bias = _BIAS_WITHOUT_LANGUAGE if language is None else _BIAS
    odds = _NETWORK * network + _GAP * gaps + _USUAL_GAP * usual + bias
    odds = np.where(unknown, network, odds)
    if language is None:
        return odds > 0, odds
    is_open = (np.abs(odds) < _CLEAR) & ~unknown
    if not is_open.any():
        return odds > 0, odds
    text = "".join(characters)
    if len(text) != len(characters):  # a class of several characters; none in PP-OCR's own
        return odds > 0, odds
    found = _likeliest(text, odds, is_open, language)
    if not found.all() and found.any() and not unknown.any() and _are_alike(gaps):
        found = _all_or_none(text, odds, language)
    return found, odds


def _likeliest(
    text: str, odds: Floats, is_open: NDArray[np.bool_], language: Language
) -> NDArray[np.bool_]:
    """Returns the likeliest spaces, given where there is doubt."""
    certain = {index + 1 for index in np.flatnonzero(~is_open & (odds > 0)).tolist()}
    inner = np.flatnonzero(is_open | (odds > 0)) + 1
    places = [0, *inner.tolist(), len(text)]
    words = _words(places, certain)
    likely = language.log_probabilities([text[first:last] for first, last in words])
    best: dict[int, tuple[float, int]] = {0: (0.0, 0)}
    for (first, last), likelihood in sorted(
        zip(words, likely.tolist(), strict=True), key=lambda entry: entry[0][1]
    ):
        gained = odds[last - 1] if last < len(text) else 0.0
        score = best[first][0] + _LANGUAGE * likelihood + float(gained)
        if last not in best or score > best[last][0]:
            best[last] = score, first
    found = np.zeros(len(text) - 1, np.bool_)
    place = best[len(text)][1]
    while place:
        found[place - 1] = True
        place = best[place][1]
    return found


def _words(places: Sequence[int], certain: set[int]) -> list[tuple[int, int]]:
    """Returns the words that could be: from any place to a later one."""
    words = []
    for index, first in enumerate(places[:-1]):
        for last in places[index + 1 :]:
            words.append((first, last))
            if last in certain or last - first > _LONGEST:
                break
    return words


def _are_alike(gaps: Floats) -> bool:
    """Whether a line's gaps are all of one kind, as in wide lettering and in single letters."""
    widest = float(gaps.max())
    return len(gaps) > 1 and widest > _LEAST_GAP and float(gaps.min()) > _ALIKE * widest


def _all_or_none(text: str, odds: Floats, language: Language) -> NDArray[np.bool_]:
    apart, together = language.log_probabilities([" ".join(text), text]).tolist()
    found = float(odds.sum()) + _LANGUAGE * (apart - together) > 0
    return np.full(len(odds), found, np.bool_)

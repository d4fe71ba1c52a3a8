"""Part numbers, plates, serial numbers: capitals, digits and separators in any order.

Letters are uniform among letters and digits among digits, so that a digit is preferred to a letter
by the number of their alternatives at most.
"""

import math
from functools import lru_cache
from itertools import pairwise

_UPPER, _LOWER, _DIGIT, _SEPARATOR, _FOREIGN = "ulds?"
_LENGTHS = (0.06, 0.12, 0.14, 0.14, 0.12, 0.10, 0.08)
_LONGER = 0.8
_SEPARATORS = {
    "-": 0.34, ".": 0.18, "/": 0.16, ":": 0.10, "_": 0.08, "+": 0.03, "=": 0.02, "#": 0.03,
    "*": 0.02, ",": 0.01, "(": 0.01, ")": 0.005, "&": 0.005,
}  # fmt: skip
_SEPARATE = 0.1  # of a code's characters
_STAY = 0.68  # a letter follows a letter, a digit a digit
# Kinds of code: share, letters.
_CAPITALS, _SMALL, _ANY_CASE = 0.86, 0.07, 0.07
_LOG_FOREIGN = math.log(1e-7)


def code_log_probability(token: str) -> float:
    """Returns the natural logarithm of how likely a token is, as a code."""
    classes = "".join(map(_class_of, token))
    present = set(classes)
    shared = _LOG_FOREIGN * classes.count(_FOREIGN) + math.log(_length(len(token)))
    for character in token:
        if character in _SEPARATORS:
            shared += math.log(_SEPARATE * _SEPARATORS[character])
    kinds = _ANY_CASE * _drawn(classes, 52)
    if _LOWER not in present:
        kinds += _CAPITALS * _drawn(classes, 26)
    if _UPPER not in present:
        kinds += _SMALL * _drawn(classes, 26)
    return shared + math.log(max(kinds, 1e-300))


def _class_of(character: str) -> str:
    if "0" <= character <= "9":
        return _DIGIT
    if "A" <= character <= "Z":
        return _UPPER
    if "a" <= character <= "z":
        return _LOWER
    return _SEPARATOR if character in _SEPARATORS else _FOREIGN


def _length(length: int) -> float:
    if length <= len(_LENGTHS):
        return _LENGTHS[length - 1]
    return _LENGTHS[-1] * _LONGER ** (length - len(_LENGTHS))


@lru_cache(4096)  # readings of words share few orders of classes
def _drawn(classes: str, letters: int) -> float:
    """Returns how likely letters and digits are: half in stretches, half each by itself."""
    kinds = classes.replace(_LOWER, _UPPER)
    plain = kinds.replace(_SEPARATOR, "").replace(_FOREIGN, "")
    if not plain:
        return 1e-2  # separators alone are hardly a code
    capitals, digits = plain.count(_UPPER), plain.count(_DIGIT)
    kept = len(plain) * math.log(1 - _SEPARATE)
    uniform = -math.log(letters + 10) * len(plain)
    switches = sum(a != b for a, b in pairwise(plain))
    stretches = math.log(0.5) + switches * math.log(1 - _STAY)
    stretches += (len(plain) - 1 - switches) * math.log(_STAY)
    stretches -= capitals * math.log(letters) + digits * math.log(10)
    return 0.5 * math.exp(kept + uniform) + 0.5 * math.exp(kept + stretches)

"""Words of no language: every letter costs about the same, whatever stands beside it."""

import math
import re

_MORE = 0.83  # another letter follows
_PLAIN = math.log(0.93 / 26)
_ACCENTED = math.log(0.06 / 100)
_OTHER_SCRIPT = math.log(1 / 5000)
_INITIALS = re.compile(r"(?:[A-Z]\.)+[A-Z]?")
_INITIALS_SHARE = math.log(0.1)  # of the words of no language
_INITIAL = math.log(0.5 / 26)
_LAST_LATIN = "\u024f"


def letters_log_probability(word: str) -> float:
    """Returns the natural logarithm of how likely a run of letters is, without its case.

    Args:
        word: in small letters; apostrophes count as letters.
    """
    total = (len(word) - 1) * math.log(_MORE) + math.log(1 - _MORE)
    for character in word:
        if "a" <= character <= "z":
            total += _PLAIN
        elif character <= _LAST_LATIN or "\u1e00" <= character <= "\u1eff":
            total += _ACCENTED
        else:
            total += _OTHER_SCRIPT
    return total


def initials_log_probability(token: str) -> float:
    """Returns the natural logarithm of how likely a token is as initials: U.S.A., J.R."""
    if not _INITIALS.fullmatch(token):
        return -math.inf
    return _INITIALS_SHARE + _INITIAL * (len(token) + 1 >> 1)

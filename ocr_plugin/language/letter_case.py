"""How likely the letter case of a printed token is, whatever its letters."""

import math
import re
from functools import lru_cache
from itertools import pairwise

# Shares on signs, labels, forms and receipts as well as in prose: capitals are common there.
_LOWER, _UPPER, _FIRST, _EACH, _CAMEL, _MIXED = 0.39, 0.32, 0.19, 0.06, 0.02, 0.02
_SWITCH = 0.2  # in mixed case: the next letter has the other case
_FIRST_MIXED = 0.5

_FIRST_UPPER = re.compile("ul*")
_CAMEL_WORD = re.compile("u?l+(?:ul+)+")


def case_log_probability(words: list[str]) -> float:
    """Returns the natural logarithm of how likely the letter case of a token's words is.

    Letters without case count as nothing.

    Args:
        words: runs of letters as printed, in their order.
    """
    return _of_patterns(tuple(filter(None, map(_pattern, words))))


@lru_cache(4096)  # many words, few patterns
def _of_patterns(patterns: tuple[str, ...]) -> float:
    whole = "".join(patterns)
    if not whole:
        return 0.0
    likely = _MIXED * _mixed(whole)
    if "u" not in whole:
        likely += _LOWER
    if "l" not in whole:
        likely += _UPPER
    if _FIRST_UPPER.fullmatch(whole):
        likely += _FIRST
    if all(map(_FIRST_UPPER.fullmatch, patterns)):
        likely += _EACH
    if len(patterns) == 1 and _CAMEL_WORD.fullmatch(whole):
        likely += _CAMEL / (len(whole) - 1)  # the second capital may stand anywhere
    return math.log(likely)


def _pattern(word: str) -> str:
    """Returns u for every capital, l for every small letter."""
    if word.islower():
        return "l" * len(word)
    return "".join("u" if c.isupper() else "l" for c in word if c.isupper() or c.islower())


def _mixed(pattern: str) -> float:
    switches = sum(a != b for a, b in pairwise(pattern))
    kept = len(pattern) - 1 - switches
    return _FIRST_MIXED * _SWITCH**switches * (1 - _SWITCH) ** kept

"""How likely it is that words, digits and signs follow each other in a token as they do.

A token is a chain of words (runs of letters, with apostrophes inside), digits and signs; what a
word is costs nothing here. Brackets, quotes and stops lead and trail; hyphens, slashes, the dots
and at signs of addresses stand between words.
"""

import math
import re
from typing import NamedTuple

RUNS = re.compile(r"(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)|(?P<digits>[0-9]+)|(?P<sign>.)", re.DOTALL)

_START, _WORD, _DIGITS, _SIGN, _END = "start", "word", "digits", "sign", "end"
_FOLLOWS = {
    (_START, _WORD): 0.89, (_START, _DIGITS): 0.01, (_START, _SIGN): 0.10, (_WORD, _END): 0.82,
    (_WORD, _SIGN): 0.17, (_WORD, _DIGITS): 0.01, (_DIGITS, _END): 0.60, (_DIGITS, _SIGN): 0.25,
    (_DIGITS, _WORD): 0.15, (_SIGN, _END): 0.55, (_SIGN, _WORD): 0.30, (_SIGN, _DIGITS): 0.02,
    (_SIGN, _SIGN): 0.13,
}  # fmt: skip
_LEADING = {
    "(": 0.22, '"': 0.18, "'": 0.08, "-": 0.10, "#": 0.06, "@": 0.04, "&": 0.05, "*": 0.05,
    "$": 0.02, "/": 0.02, "+": 0.02, ".": 0.03, ":": 0.02, "[": 0.02, "<": 0.01, "=": 0.01,
    "_": 0.01, "•": 0.01, "«": 0.01, "¿": 0.01, "¡": 0.01, "\u2014": 0.005, "\u2013": 0.005,
    "~": 0.005,
}  # fmt: skip
_INNER = {
    "-": 0.36, ".": 0.20, "/": 0.12, "'": 0.08, "&": 0.05, "@": 0.03, ",": 0.03, ":": 0.03,
    "_": 0.03, "(": 0.02, "+": 0.01, "=": 0.005, "*": 0.005, "·": 0.003, "\u2014": 0.003,
    "\u2013": 0.003,
}  # fmt: skip
_TRAILING = {
    ".": 0.30, ",": 0.27, ":": 0.17, "!": 0.06, "?": 0.03, ";": 0.02, '"': 0.04, "'": 0.02,
    "-": 0.02, "*": 0.01, "%": 0.003, "/": 0.006, "»": 0.003, "®": 0.003, "™": 0.003,
    "…": 0.003, "+": 0.003, "=": 0.003, ")": 0.012, "]": 0.001, ">": 0.001,
}  # fmt: skip
_ALONE = {
    "-": 0.20, "&": 0.15, ":": 0.07, "*": 0.06, "/": 0.06, ".": 0.06, ")": 0.03, "(": 0.03,
    "=": 0.05, "+": 0.05, "•": 0.05, "$": 0.03, "%": 0.03, "@": 0.02, "#": 0.03, ",": 0.03,
    '"': 0.02, "'": 0.02, "|": 0.02, "€": 0.01, "!": 0.01, "?": 0.01, "_": 0.02, "<": 0.01,
    ">": 0.02, "\u2014": 0.01, "\u2013": 0.02, "~": 0.01, ";": 0.01, "©": 0.005, "®": 0.005,
    "→": 0.005, "…": 0.005, "·": 0.005,
}  # fmt: skip
# What closes an opening one that the token holds.
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<", '"': '"', "'": "'", "»": "«"}
_CLOSED = 0.4
_ASCII_SIGN, _OTHER_SIGN = 1e-3, 1e-5
_MORE_DIGITS = 0.6

_LOG = {pair: math.log(share) for pair, share in _FOLLOWS.items()}
_LOG_NEXT_DIGIT = math.log(0.1 * _MORE_DIGITS)
_LOG_LAST_DIGIT = math.log(1 / _MORE_DIGITS - 1)


class Run(NamedTuple):
    """A piece of a token: its kind, "word", "digits" or "sign", and its text."""

    kind: str
    text: str


def runs_of(token: str) -> list[Run]:
    """Returns the words, digits and single signs of a token, in their order."""
    return [Run(match.lastgroup or _SIGN, match[0]) for match in RUNS.finditer(token)]


def frame_log_probability(runs: list[Run]) -> float:
    """Returns the natural logarithm of how likely a token's signs, digits and order of runs are."""
    if len(runs) == 1 and runs[0].kind == _WORD:
        return _LOG[_START, _WORD] + _LOG[_WORD, _END]
    filled = [i for i, run in enumerate(runs) if run.kind != _SIGN]
    first, last = (filled[0], filled[-1]) if filled else (0, len(runs))
    total, before, seen = 0.0, _START, ""
    for i, (kind, text) in enumerate(runs):
        total += _LOG.get((before, kind), 0.0)  # a word after a word does not occur
        if kind == _DIGITS:
            total += len(text) * _LOG_NEXT_DIGIT + _LOG_LAST_DIGIT
        elif kind == _SIGN:
            within = _INNER if filled else _ALONE
            table = _LEADING if i < first else _TRAILING if i > last else within
            total += math.log(_sign(text, table, seen))
            seen += text
        before = kind
    return total + _LOG.get((before, _END), 0.0)


def _sign(sign: str, table: dict[str, float], seen: str) -> float:
    """Returns how likely a sign is at its place, after other signs."""
    if table is not _LEADING and (opening := _CLOSING.get(sign)) and opening in seen:
        return _CLOSED
    return table.get(sign, _ASCII_SIGN if sign.isascii() else _OTHER_SIGN)

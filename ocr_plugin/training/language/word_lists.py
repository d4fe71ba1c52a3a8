"""Words and how frequent they are: of wordfreq, of a list, of a plain text."""

import re
from collections import Counter
from pathlib import Path

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.frame import runs_of
from ocr_plugin.language.token import folded

Frequencies = dict[str, float]

MOST_WORDS = 80_000  # of a language: rarer ones are mostly names and errors of spelling
LONGEST = 24
_WORD = re.compile("[^\\W\\d_]+(?:'[^\\W\\d_]+)*")
# Latin letters with their accents; words in other scripts belong to other lists.
_LATIN = re.compile("[a-z\u00df-\u00f6\u00f8-\u024f\u1e00-\u1eff']+")


def wordfreq_words(language: str, most: int = MOST_WORDS) -> Frequencies:
    """Returns a language's most frequent words by wordfreq, which must be installed.

    Raises:
        ConfigurationError: wordfreq is missing, or does not know the language.
    """
    try:
        from wordfreq import available_languages, get_frequency_dict
    except ImportError as error:
        raise ConfigurationError("word lists need pip install 'ocr-plugin[train]'") from error
    size = "large" if language in available_languages("large") else "small"
    if language not in available_languages(size):
        known = ", ".join(sorted(available_languages("small")))
        raise ConfigurationError(f"wordfreq has no language {language!r}: it has {known}")
    found = get_frequency_dict(language, size)
    usable = {word: found[word] for word in found if _usable(word)}
    ordered = sorted(usable, key=lambda word: (-usable[word], word))[:most]
    return {word: usable[word] for word in ordered}


def listed_words(path: Path) -> Frequencies:
    """Returns the words of a list: a word, a tab and a count in each line; 1 without a count.

    Raises:
        ConfigurationError: a file that cannot be read, or a line that is none of these.
    """
    counts: Counter[str] = Counter()
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        word, _, count = line.partition("\t")
        try:
            weight = float(count or 1)
        except ValueError:
            weight = -1.0
        if not 0 < weight < float("inf"):
            raise ConfigurationError(f"{path}, line {number}: not a word, a tab and a count")
        if _usable(word := folded(word.strip())):
            counts[word] += weight  # type: ignore[assignment]  # a Counter of fractions
    return _found(counts, path)


def text_words(path: Path) -> Frequencies:
    """Returns the words of a plain text and how often each stands there.

    Raises:
        ConfigurationError: a file that cannot be read, or has no words.
    """
    runs = (run for token in _text(path).split() for run in runs_of(token) if run.kind == "word")
    return _found(Counter(word for run in runs if _usable(word := folded(run.text))), path)


def _found(counts: Counter[str], path: Path) -> Frequencies:
    if not counts:
        raise ConfigurationError(f"{path}: no words of Latin letters")
    return {word: float(counts[word]) for word in sorted(counts)}


def _usable(word: str) -> bool:
    return len(word) <= LONGEST and bool(_WORD.fullmatch(word) and _LATIN.fullmatch(word))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as UTF-8 text: {error}") from error

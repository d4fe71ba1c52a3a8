"""The languages of a file: wordfreq's word lists, and words of its owner."""

from collections.abc import Sequence
from typing import Any

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.mixture import BESIDES
from ocr_plugin.training.language.word_lists import Frequencies, wordfreq_words

# Of a language that its owner adds words to: how frequent these are together.
_OWN_SHARE = 0.3

_WORDFREQ = {
    "name": "wordfreq",
    "url": "https://github.com/rspeer/wordfreq",
    "licence": "CC BY-SA 4.0",
    "author": "Robyn Speer",
    "from": "Google Books Ngrams, the Leeds Internet Corpus, Wikipedia, ParaCrawl,"
    " OPUS OpenSubtitles 2018, SUBTLEX (Marc Brysbaert et al.), Twitter",
}


def parts_of(
    languages: Sequence[str], own: Sequence[tuple[str, Frequencies]]
) -> tuple[dict[str, Frequencies], dict[str, Any]]:
    """Returns the words of each part, the likeliest part first, and where they are from.

    Args:
        languages: codes of wordfreq's, the likeliest first.
        own: names and words; a name that is no language's becomes a part, before the languages.

    Raises:
        ConfigurationError: a name that other parts have, or what `wordfreq_words` raises.
    """
    for name, _ in own:
        if name in BESIDES:
            raise ConfigurationError(f"a part cannot be called {name}: every file has one")
    parts: dict[str, Frequencies] = {}
    for name, words in own:
        if name not in languages:
            parts[name] = _sum(parts.get(name, {}), words)
    for code in languages:
        parts[code] = wordfreq_words(code)
        for name, words in own:
            if name == code:
                parts[code] = _sum(_scaled(parts[code], 1 - _OWN_SHARE), _scaled(words, _OWN_SHARE))
    sources = [{"name": f"the owner's words: {name}"} for name in sorted({name for name, _ in own})]
    about: dict[str, Any] = {"sources": sources}
    if languages:
        sources.append({**_WORDFREQ, "version": _wordfreq_version()})
        about["licence"] = _WORDFREQ["licence"]
    return parts, about


def _wordfreq_version() -> str:
    from importlib.metadata import version

    return version("wordfreq")


def _scaled(words: Frequencies, total: float) -> Frequencies:
    factor = total / sum(words.values())
    return {word: value * factor for word, value in words.items()}


def _sum(one: Frequencies, other: Frequencies) -> Frequencies:
    added = dict(one)
    for word, value in other.items():
        added[word] = added.get(word, 0.0) + value
    return added

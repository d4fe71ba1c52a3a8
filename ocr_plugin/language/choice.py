"""A language model by what a user asks for."""

from functools import cache, lru_cache
from pathlib import Path

from ocr_plugin.language.files import load_language
from ocr_plugin.language.mixture import Language

_SUFFIX = ".language"
_KEPT = 32  # of what was asked for: a process may be asked by many


def language_for(asked: str) -> Language | None:
    """Returns the language model that was asked for; the file that ships is loaded once.

    Args:
        asked: "auto" for all languages, "none" for no model, names such as "de,fr", or the path of
            a file of one's own, whose name ends in .language.

    Raises:
        ConfigurationError: an unknown language, and the message names those that there are; or a
            file that cannot be read.
        ModelError: a file that is no language file.
    """
    if asked == "none":
        return None
    return _language(asked)


@lru_cache(_KEPT)
def _language(asked: str) -> Language:
    if asked.endswith(_SUFFIX):
        return load_language(Path(asked))
    if asked == "auto":
        return _shipped()
    return _shipped().restricted([name.strip() for name in asked.split(",")])


@cache
def _shipped() -> Language:
    return load_language()

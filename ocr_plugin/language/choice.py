"""A language model by what a user asks for."""

from functools import lru_cache

from ocr_plugin.language.files import load_language
from ocr_plugin.language.mixture import Language


def language_for(asked: str) -> Language | None:
    """Returns the language model that was asked for; each is loaded once.

    Args:
        asked: "auto" for all languages, "none" for no model, or names such as "de,fr".

    Raises:
        ConfigurationError: an unknown language; the message names those that there are.
    """
    if asked == "none":
        return None
    return _language(asked)


@lru_cache(maxsize=64)  # servers are asked for any combination
def _language(asked: str) -> Language:
    language = load_language()
    if asked == "auto":
        return language
    return language.restricted([name.strip() for name in asked.split(",")])

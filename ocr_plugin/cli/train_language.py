"""``ocr-plugin train language``: how likely printed tokens are, from word lists and texts."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from ocr_plugin.cli.console import results_only
from ocr_plugin.errors import ConfigurationError

_LANGUAGES = "en,de,fr,es,it,pt,nl,pl,sv,da,cs,tr,ro,hu,fi"
_SIZE = 2.5  # MB: loaded within 50 ms

Words = Mapping[str, float]


def language(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
    languages: Annotated[
        str,
        typer.Option(
            metavar="CODES", help="Of wordfreq's word lists, the likeliest first; may be empty."
        ),
    ] = _LANGUAGES,
    words: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="A list of words, each with a tab and a count, as a part of its own"
            " or for one of the languages; may be repeated.",
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="A plain text, likewise; may be repeated."),
    ] = None,
    size_limit: Annotated[
        float, typer.Option(metavar="MB", min=0.001, max=60, help="What the file may have at most.")
    ] = _SIZE,
) -> None:
    """Build a language file: how likely words are, to choose between readings.

    Word lists come with wordfreq, of the extra train (their licence, CC BY-SA 4.0, is the file's as
    well); parts of your own are the likeliest.
    """
    with results_only() as stream:
        from ocr_plugin.training.language.building import build_language
        from ocr_plugin.training.language.parts import parts_of
        from ocr_plugin.training.language.word_lists import listed_words, text_words

        own = [*_own(words, "--words", listed_words), *_own(text, "--text", text_words)]
        chosen = [code for code in map(str.strip, languages.split(",")) if code]
        parts, about = parts_of(chosen, own)
        data = build_language(parts, round(size_limit * 1e6), about)
        try:
            out.write_bytes(data)
        except OSError as error:
            raise ConfigurationError(f"{out}: cannot be written: {error}") from error
        print(f"{out}: {len(data) / 1e6:.2f} MB, {', '.join(parts)}", file=stream)


def _own(
    given: list[str] | None, option: str, read: Callable[[Path], dict[str, float]]
) -> list[tuple[str, dict[str, float]]]:
    """Returns the names and words of options NAME=FILE."""
    found = []
    for each in given or ():
        name, equals, path = each.partition("=")
        if not (name and equals and path):
            raise ConfigurationError(f"{option} takes NAME=FILE, not {each!r}")
        found.append((name, read(Path(path))))
    return found

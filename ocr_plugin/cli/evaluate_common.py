"""Shared by the commands of ``ocr-plugin eval``: options, files, sets, failures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocr_plugin.cli.console import say
from ocr_plugin.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    from ocr_plugin.datasets.page_sets import PageSet
    from ocr_plugin.schema import PageError

Report = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the scores as JSON.")
]
Pages = Annotated[
    list[Path],
    typer.Option(metavar="PATH", help="A set of labelled pages; may be repeated."),
]
DetectorName = Annotated[
    str, typer.Option("--detector", metavar="NAME", help="Detector that finds text.")
]


def page_sets(data: Sequence[Path]) -> "dict[str, PageSet]":
    """Returns the sets by their names; opens all before any page."""
    from ocr_plugin.datasets.page_sets import PageSet

    sets: dict[str, PageSet] = {}
    for path in data:
        pages = PageSet(path)
        if pages.name in sets:
            raise ConfigurationError(f"two sets are called {pages.name}")
        sets[pages.name] = pages
    return sets


def check_place(*files: Path | None) -> None:
    """Checks before the work begins that its results can be written."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise ConfigurationError(f"{file}: no such folder to write it to")


def write(file: Path, text: str) -> None:
    """Writes a result.

    Raises:
        ConfigurationError: that cannot be done.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from error


def report_failures(failures: "Iterable[PageError]") -> ExitCode:
    """Reports the pages that failed; returns the exit code of the first."""
    from ocr_plugin import errors

    exit_code = ExitCode.OK
    for failure in failures:
        say(f"error: {failure.name}: {failure.message.removeprefix(f'{failure.name}: ')}")
        kind = getattr(errors, failure.kind, errors.OcrError)
        exit_code = exit_code or kind.exit_code
    return exit_code


def counted(name: str, scores: Mapping[str, Any]) -> dict[str, str]:
    """Returns the first columns of a set's row: how much of it was measured."""
    return {
        "set": name,
        "pages": str(scores["pages"]),
        "failed": str(len(scores["failed"])),
        "words": str(scores["words"]),
    }

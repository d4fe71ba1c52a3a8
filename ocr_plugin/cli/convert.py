"""``ocr-plugin convert``: pages that were read before, in another format."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from ocr_plugin.cli.console import results_only, say
from ocr_plugin.errors import ConfigurationError, ExitCode, OcrError
from ocr_plugin.schema import Page

if TYPE_CHECKING:
    from ocr_plugin.formats.file_names import FileNames
    from ocr_plugin.formats.writer import DocumentWriter

FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="text, json, markdown, tsv (tesseract's), hocr, alto, page (PAGE XML) or, for read"
        " alone, pdf (searchable).",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write one file per document there instead of printing."),
]
_STREAMED = ("text", "json")


def document_writer(
    name: str,
    stream: TextIO,
    folder: Path | None,
    sources: int,
    dpi: float,
    names: "FileNames | None" = None,
) -> "DocumentWriter | None":
    """Returns the writer of a document format; None for formats printed page by page.

    Raises:
        ConfigurationError: no such format, or several documents and no folder for them.
    """
    if name in _STREAMED and folder is None:
        return None
    from ocr_plugin.formats.writer import DocumentWriter

    writer = DocumentWriter(name, stream, folder, dpi, names, wrote=_say_written)
    if folder is None and sources > 1:
        raise ConfigurationError(
            f"{sources} sources make several documents: name a folder with --out"
        )
    return writer


def convert(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Pages as printed by read --json or returned by the server; - is standard input.",
        ),
    ],
    format_name: FormatName = None,
    out: Out = None,
) -> None:
    """Convert pages that were read before to another format."""
    from ocr_plugin.formats.writer import DocumentWriter

    if files.count("-") > 1:
        raise ConfigurationError("standard input can be read only once")
    failed = unwritten = False
    with results_only() as stream:
        writer = DocumentWriter(format_name or "text", stream, out, wrote=_say_written)
        for page in _pages(files):
            if isinstance(page, Page):
                unwritten |= not written(partial(writer.add, page))
            else:
                say(f"error: {page}")
                failed = True
        unwritten |= not written(writer.finish)
    if failed or unwritten:
        raise typer.Exit(ExitCode.INPUT if failed else ExitCode.UNEXPECTED)


def written(step: Callable[[], None]) -> bool:
    """Runs a step that may write a document; says why one could not be, and returns whether.

    Raises:
        ConfigurationError: no document can be written like this.
    """
    try:
        step()
    except ConfigurationError:
        raise
    except OcrError as error:
        say(f"error: {error}")
        return False
    return True


def _say_written(path: Path) -> None:
    say(f"wrote {path}")


def _pages(files: list[str]) -> Iterator[Page | str]:
    """Yields every page of some files of JSON lines, or what is wrong with it."""
    for name in files:
        try:
            with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        yield from _pages_of(line, f"{name}, line {number}")
        except OSError as error:
            yield f"{name}: {error.strerror}"


def _pages_of(line: bytes, place: str) -> Iterator[Page | str]:
    """Yields the page that a line holds, or those of a server's answer."""
    try:
        content = from_json(line.decode())
    except UnicodeDecodeError as error:
        yield f"{place}: not UTF-8: {error.reason}"
        return
    except ValueError as error:
        yield f"{place}: not a page: Invalid JSON: {error}"
        return
    if not isinstance(content, dict) or not isinstance(content.get("pages"), list):
        yield _page(content, place)
        return
    for number, page in enumerate(content["pages"], start=1):
        yield _page(page, f"{place}, page {number}")
    for failure in content.get("errors") or ():
        told = failure.get("message") if isinstance(failure, dict) else failure
        yield f"{place}: not read: {told}"


def _page(content: object, place: str) -> Page | str:
    try:
        return Page.model_validate_json(to_json(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return f"{place}: not a page: {where + ': ' if where else ''}{first['msg']}"

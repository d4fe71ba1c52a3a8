"""The command line: thin over the engine, the registry, the catalogue and the doctor.

Results go to standard output and nothing else does. Whatever is slow to import is imported inside
the command that needs it, so that ``--help`` and ``--version`` answer at once.
"""

import io
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocr_plugin.cli_batch import batch
from ocr_plugin.cli_convert import FormatName, Out, convert, document_writer
from ocr_plugin.cli_eval import evaluation
from ocr_plugin.cli_models import models
from ocr_plugin.cli_recognizer import (
    Device,
    Model,
    Offline,
    Precision,
    RecognizerName,
    chosen,
    detector_options,
    go_offline,
)
from ocr_plugin.cli_serve import serve
from ocr_plugin.cli_train import training
from ocr_plugin.errors import ConfigurationError, ExitCode, OcrError, PluginError
from ocr_plugin.options import DEFAULT_DETECTOR, EngineOptions, ImageOptions
from ocr_plugin.page_printer import PagePrinter
from ocr_plugin.schema import json_schema
from ocr_plugin.streams import give_up_stdout, print_table, results_only, say

if TYPE_CHECKING:
    from ocr_plugin.images import PageImage, Source
    from ocr_plugin.prefetch import Failure

# Click's; it comes from Typer's own copy or from click itself, depending on Typer's release.
_UsageError: Any = typer.BadParameter.__base__

_EXIT_CODES = """Exit codes: 0 all was read, and a page without text counts as read; 1 an unexpected
error, or nobody takes the output any more; 2 wrong usage; 3 an unreadable image; 4 a missing or
broken plugin; 5 a missing or unusable model; 130 interrupted. Reading goes on after an image that
fails; the first failure decides the exit code."""

_DEBUG = "OCR_PLUGIN_DEBUG"
_DEFAULTS = EngineOptions()

app = typer.Typer(add_completion=False, rich_markup_mode=None, epilog=_EXIT_CODES)
app.add_typer(batch, name="batch")
app.add_typer(evaluation, name="eval")
app.add_typer(models, name="models")
app.add_typer(training, name="train")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code, an `errors.ExitCode`.

    Args:
        arguments: without the program's name; by default those of the process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        command = typer.main.get_command(app)
        with command.make_context("ocr-plugin", list(arguments)) as context:
            command.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except _UsageError as error:
        return _fail(f"{error.format_message()} (see ocr-plugin --help)", ExitCode.USAGE)
    except OcrError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:
        give_up_stdout()
        return ExitCode.UNEXPECTED
    except KeyboardInterrupt:
        return _fail("interrupted", ExitCode.INTERRUPTED)
    except Exception as error:  # a defect, here or in a plugin; the line says how to see more
        advice = f"ocr-plugin --debug ... or {_DEBUG}=1 shows where"
        return _fail(f"{type(error).__name__}: {error} ({advice})", ExitCode.UNEXPECTED)
    return ExitCode.OK


def _fail(message: str, exit_code: ExitCode) -> ExitCode:
    if os.environ.get(_DEBUG):
        traceback.print_exc()
    say(f"error: {message}")
    return exit_code


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"ocr-plugin {version('ocr-plugin')}")
        raise typer.Exit


@app.callback()
def common(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help=f"Show where errors come from; also by {_DEBUG}=1.")
    ] = False,
) -> None:
    """Find, rectify and read text in photos and scans."""
    if debug:
        os.environ[_DEBUG] = "1"
        logging.basicConfig()
        logging.getLogger("ocr_plugin").setLevel(logging.DEBUG)


@app.command(epilog=_EXIT_CODES)
def read(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE", help="Pictures, TIFFs and PDFs; - is standard input."),
    ],
    as_text: Annotated[bool, typer.Option("--text", help="Print the text; the default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a page.")] = False,
    format_name: FormatName = None,
    out: Out = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also draw what was read into a PNG a page, in DIR."),
    ] = None,
    detector: Annotated[
        str, typer.Option(metavar="NAME", help="Who finds text.")
    ] = DEFAULT_DETECTOR,
    recognizer: RecognizerName = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
    min_confidence: Annotated[
        float, typer.Option(metavar="0..1", help="Leave out words below this.")
    ] = _DEFAULTS.min_confidence,
    pdf_dpi: Annotated[
        float, typer.Option(metavar="DPI", help="Resolution at which PDFs are rendered.")
    ] = _DEFAULTS.images.pdf_dpi,
    offline: Offline = False,
) -> None:
    """Read the text of pictures and documents."""
    if as_text + as_json + (format_name is not None) > 1:
        raise ConfigurationError("--text, --json and --format exclude each other")
    written = format_name or ("json" if as_json else "text")
    if images.count("-") > 1:
        raise ConfigurationError("standard input can be read only once")
    options = EngineOptions.parse(
        {
            "min_confidence": min_confidence,
            "images": ImageOptions.parse({"pdf_dpi": pdf_dpi}),
        }
    )
    name, recognizer_options = chosen(recognizer, model, device, precision)
    if offline:
        go_offline()
    with results_only() as stream:
        documents = document_writer(written, stream, out, len(images), pdf_dpi)
        from ocr_plugin.engine import Engine

        engine = Engine(
            detector,
            name,
            detector_options=detector_options(detector, device, precision),
            recognizer_options=recognizer_options,
            options=options,
        )
        stdin = sys.stdin.buffer.read() if "-" in images else b""
        printer = PagePrinter(
            stream, as_json=written == "json", overlays=overlay, documents=documents
        )
        shown = overlay is not None or (documents is not None and documents.pictured)
        pictures = _pictures(_sources(images, stdin), options.images) if shown else ()
        results = engine.read_many(_sources(images, stdin))
        printer.show_all(results, pictures, len(images))
    raise typer.Exit(printer.exit_code)


app.command(epilog=_EXIT_CODES)(convert)
app.command(epilog=_EXIT_CODES)(serve)


class _Stdin(io.BytesIO):
    """What came in on standard input, as a file that knows its name."""

    name = "<stdin>"


def _sources(images: Sequence[str], stdin: bytes) -> "list[Source]":
    return [_Stdin(stdin) if image == "-" else image for image in images]


def _pictures(sources: "list[Source]", options: ImageOptions) -> "Iterator[PageImage | Failure]":
    """Returns the pages once more, one for each result, to draw on."""
    from ocr_plugin.prefetch import decoded_pages

    return decoded_pages(sources, options, threads=1)


@app.command(epilog=_EXIT_CODES)
def plugins() -> None:
    """List the installed detectors and recognizers, and whether each can be imported."""
    from ocr_plugin import registry

    rows, broken = [], False
    with results_only() as stream:
        for group in (registry.DETECTORS, registry.RECOGNIZERS):
            for entry in registry.entries(group):
                state = "ok"
                try:
                    registry.load(group, entry.name)
                except PluginError as error:
                    state, broken = str(error), True
                rows.append(
                    {
                        "kind": group.rpartition(".")[2].removesuffix("s"),
                        "name": entry.name,
                        "distribution": entry.dist.name if entry.dist else "-",
                        "version": entry.dist.version if entry.dist else "-",
                        "state": state,
                    }
                )
        print_table(rows, stream)
    raise typer.Exit(ExitCode.PLUGIN if broken else ExitCode.OK)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a page."""
    print(json.dumps(json_schema(), indent=2, sort_keys=True))


@app.command()
def doctor() -> None:
    """Show what is installed here, and exit with 1 where something is wrong with it."""
    from ocr_plugin.doctor import examine

    problems = []
    with results_only() as stream:
        for title, findings in examine():
            print(f"{title}:", file=stream)
            for finding in findings:
                mark = "!!" if finding.problem else "  "
                print(f"{mark} {finding.subject}: {finding.state}", file=stream, flush=True)
                problems += [finding.problem] if finding.problem else []
    for problem in problems:
        say(f"PROBLEM: {problem}")
    raise typer.Exit(ExitCode.UNEXPECTED if problems else ExitCode.OK)

"""The command line: thin over the engine, the registry, the catalogue and the doctor.

Results go to standard output and nothing else does. Slow imports are made inside the command
that needs them, so that ``--help`` and ``--version`` answer at once.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer

from ocr_plugin.cli.batch import batch
from ocr_plugin.cli.console import give_up_stdout, log_in_full, say
from ocr_plugin.cli.convert import convert
from ocr_plugin.cli.doctor import doctor
from ocr_plugin.cli.evaluate import evaluation
from ocr_plugin.cli.models import models
from ocr_plugin.cli.plugins import plugins, schema
from ocr_plugin.cli.read import read
from ocr_plugin.cli.serve import serve
from ocr_plugin.cli.train import training
from ocr_plugin.errors import ExitCode, OcrError
from ocr_plugin.runtime.extras import missing_in

# Click's; it comes from Typer's own copy or from click itself, depending on Typer's release.
_UsageError: Any = typer.BadParameter.__base__

_EXIT_CODES = """Exit codes: 0 all was read, and a page without text counts as read; 1 an unexpected
error, or standard output was closed; 2 wrong usage; 3 an unreadable image; 4 a missing or
broken plugin; 5 a missing or unusable model; 130 interrupted. Reading goes on after an image that
fails; the first failure decides the exit code."""

_DEBUG = "OCR_PLUGIN_DEBUG"

app = typer.Typer(add_completion=False, rich_markup_mode=None, epilog=_EXIT_CODES)
for command in (read, convert, serve, plugins):
    app.command(epilog=_EXIT_CODES)(command)
for command in (schema, doctor):
    app.command()(command)
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
        if missing := missing_in(error):
            return _fail(f"this needs {missing}", ExitCode.USAGE)
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
        log_in_full()

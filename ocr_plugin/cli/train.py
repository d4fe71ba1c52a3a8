"""``ocr-plugin train``: CLIP4STR on your own words, the word detector on your own pages."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ocr_plugin.cli.console import results_only, say
from ocr_plugin.cli.signals import stop_requests
from ocr_plugin.cli.train_language import language
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.options import DEFAULT_DETECTOR, DEFAULT_SPLITTER, MODEL_RECOGNIZER
from ocr_plugin.runtime.extras import needed_for

if TYPE_CHECKING:
    from PIL.Image import Image

    from ocr_plugin.clip4str import Clip4Str

training = typer.Typer(rich_markup_mode=None)

_SHOWN = 5
_ALL = 10**9


@training.callback()
def common() -> None:
    """Train the recognizer or the word detector, and look at what they are trained on."""


@training.command()
def run(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of a bundled recipe.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The run's folder: checkpoint, weights, log.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the recipe's relative paths."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the folder's checkpoint.")
    ] = False,
    stop_after: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="Stop after them, with a checkpoint.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Overrides the recipe's.")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="float32 or bfloat16; overrides the recipe's."),
    ] = None,
    loaders: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that load batches.")
    ] = None,
) -> None:
    """Train by a recipe; with --resume, continue an interrupted run.

    Ctrl-C and SIGTERM stop it after the current step, with a checkpoint.
    """
    with results_only() as stream, needed_for("training", "train"):
        from ocr_plugin.cli.train_progress import Progress
        from ocr_plugin.training.recipes import found_recipe
        from ocr_plugin.training.run import WEIGHTS
        from ocr_plugin.training.tasks import load_recipe, opened

        changes = {"data": data, "device": device, "precision": precision, "loaders": loaders}
        options = load_recipe(found_recipe(recipe)).on_machine(
            {name: value for name, value in changes.items() if value is not None}
        )
        if (out / "checkpoint.pt").exists() and not resume:
            raise ConfigurationError(f"{out} already has a run: use --resume or another folder")
        if resume and not (out / "checkpoint.pt").exists():
            raise ConfigurationError(f"{out} has no run to resume")
        task = opened(options)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{out}: cannot create the folder: {error}") from error
        trainer = task.trainer(out)
        for line in trainer.describe() if trainer.is_main else ():
            say(line)
        validation, undecodable = task.validation() if trainer.is_main else ([], [])
        _say_passed_over({record.name: record.reason for record in undecodable})
        with (
            Progress(trainer.step, trainer.steps) as progress,
            stop_requests("stopping after this step, with a checkpoint") as stopped,
        ):
            ended = trainer.run(
                validation,
                progress.show,
                None if stop_after is None else 60 * stop_after,
                lambda: bool(stopped),
            )
        if trainer.is_main:
            _say_passed_over(trainer.passed_over)
            state = "trained" if ended else f"stopped after step {trainer.step} of {trainer.steps}"
            print(f"{state}: {out / WEIGHTS}", file=stream)
        if stopped and not ended:
            raise typer.Exit(ExitCode.INTERRUPTED)


@training.command()
def export(
    weights: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="A run's model.safetensors.")],
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="WEIGHTS", help="Other weights to average with; may be repeated."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="RECIPE", help="Calibrate confidences on its held-back words."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the recipe's relative paths."),
    ] = None,
) -> None:
    """Export weights: a recognizer's in half precision, a word detector's as ONNX.

    With --also, the mean of several recognizers' weights is written; with --recipe, confidences are
    calibrated.
    """
    with results_only() as stream, needed_for("training", "train"):
        from ocr_plugin.training.detection.initial_weights import is_word_detector

        if is_word_detector(weights):
            if also or recipe is not None:
                raise ConfigurationError("--also and --recipe are for recognizers")
            _export_detector(weights, out)
        else:
            _export_recognizer([weights, *(also or ())], out, recipe, data, stream)
        print(f"{out}: {out.stat().st_size / 1e6:.1f} MB", file=stream)


def _export_detector(weights: Path, out: Path) -> None:
    from ocr_plugin.training.detection.initial_weights import trained_network
    from ocr_plugin.training.detection.onnx_export import export_detector

    export_detector(trained_network(weights), out)


def _export_recognizer(
    weights: list[Path], out: Path, recipe: str | None, data: Path | None, stream: TextIO
) -> None:
    import torch
    from safetensors import SafetensorError

    from ocr_plugin.recognizers.clip4str.checkpoint import load_network, save_model
    from ocr_plugin.training.averaging import averaged

    model = averaged([load_network(path) for path in weights])
    if recipe is not None:
        model.config = replace(model.config, confidence_power=_power(model, recipe, data))
        print(f"confidence power: {model.config.confidence_power}", file=stream)
    try:
        save_model(model, out, torch.float16)
    except (OSError, SafetensorError) as error:
        raise ConfigurationError(f"{out}: cannot be written: {error}") from error


@training.command()
def preview(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Of a word detector: a file, or a bundled name.")
    ],
    out: Annotated[Path, typer.Argument(metavar="FILE.png", help="The file to write.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the recipe's relative paths."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="Number of pieces.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the pieces.")] = 0,
) -> None:
    """Draw a sheet of a word detector's training pieces with their targets.

    Green: cores of words. Red: gaps that weigh more. Dark: ignored.
    """
    with results_only() as stream, needed_for("training", "train"):
        from ocr_plugin.training.detection.options import DetectorTrainingOptions
        from ocr_plugin.training.detection.preview import target_sheet
        from ocr_plugin.training.recipes import found_recipe
        from ocr_plugin.training.tasks import load_recipe

        options = load_recipe(found_recipe(recipe))
        if not isinstance(options, DetectorTrainingOptions):
            raise ConfigurationError(f"{recipe} trains a recognizer: see train synth")
        if data is not None:
            options = options.on_machine({"data": data})
        sheet, undecodable = target_sheet(options, count, seed)
        _save_sheet(sheet, out)
        _say_passed_over({record.name: record.reason for record in undecodable})
        print(f"{out}: {count} pieces", file=stream)


@training.command()
def label(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Labelled pages, or a folder of pictures.")
    ],
    out: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The file to write.")],
    sure: Annotated[
        float, typer.Option(min=0, max=1, help="Least confidence of both readers.")
    ] = 0.9,
    detector: Annotated[
        str, typer.Option(metavar="NAME", help="Detector that finds text.")
    ] = DEFAULT_DETECTOR,
) -> None:
    """Label words on which PP-OCR and CLIP4STR agree, to train a word detector on.

    Existing labels are kept. Words on which the readers disagree are marked to be ignored.
    """
    with results_only() as stream, needed_for("training", "train"):
        from ocr_plugin import plugins
        from ocr_plugin.training.detection.agreement import Agreement, pages_in, write_labels

        readers = (
            plugins.make_recognizer(DEFAULT_SPLITTER),
            plugins.make_recognizer(MODEL_RECOGNIZER),
        )
        agreement = Agreement(plugins.make_detector(detector), readers, sure)
        labelled, undecodable = agreement.label_all(pages_in(data))
        write_labels(labelled, out)
        _say_passed_over({record.name: record.reason for record in undecodable})
        words = [word for page in labelled for word in page.words]
        counted = sum(not word.ignore for word in words)
        print(
            f"{out}: {len(labelled)} pages, {counted} words, {len(words) - counted} to ignore",
            file=stream,
        )


@training.command()
def synth(
    preview: Annotated[Path, typer.Option(metavar="FILE.png", help="The file to write.")],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Number of words.")] = 96,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the words.")] = 0,
    size: Annotated[str, typer.Option(metavar="HxW", help="Pixels of each word.")] = "48x128",
    fonts: Annotated[
        list[Path] | None,
        typer.Option(metavar="PLACE", help="A folder or file of fonts; else the system's."),
    ] = None,
    vocabulary: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Words, one per line; else made-up ones."),
    ] = None,
    backgrounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos to write on; else none.")
    ] = None,
    characters: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Characters to use, as in [network].")
    ] = None,
) -> None:
    """Draw a sheet of the synthetic words that training would see."""
    with results_only() as stream, needed_for("training", "train"):
        from ocr_plugin.recognizers.charset import CHARACTERS
        from ocr_plugin.training.synthetic.preview import contact_sheet
        from ocr_plugin.training.synthetic.words import SyntheticOptions, SyntheticWords

        words = SyntheticWords(
            SyntheticOptions(
                fonts=tuple(fonts or ()),
                vocabularies=tuple(vocabulary or ()),
                backgrounds=backgrounds,
            ),
            characters or CHARACTERS,
        )
        skipped = words.skipped_fonts()
        sheet, passed_over = contact_sheet(words, count, _pixels(size), seed)
        _save_sheet(sheet, preview)
        for font in skipped[:_SHOWN]:
            say(f"not drawn with: {font.path}: {font.reason}")
        _say_passed_over(passed_over)
        used = len(words.fonts) - len(skipped)
        print(f"{preview}: {count} words in {used} fonts, {len(skipped)} not usable", file=stream)


training.command()(language)


def _save_sheet(sheet: "Image", path: Path) -> None:
    try:
        sheet.save(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be written: {error}") from error


def _pixels(size: str) -> tuple[int, int]:
    height, _, width = size.partition("x")
    if not (height.isdecimal() and width.isdecimal() and min(int(height), int(width)) >= 8):
        raise ConfigurationError(f"--size must be HEIGHTxWIDTH, at least 8x8, not {size!r}")
    return int(height), int(width)


def _power(model: "Clip4Str", recipe: str, data: Path | None) -> float:
    """Returns the power that calibrates a network on the words that a recipe's sets hold back."""
    import torch

    from ocr_plugin.clip4str import Clip4StrRecognizer, save_model
    from ocr_plugin.training.recipes import found_recipe
    from ocr_plugin.training.recognition.calibration import confidence_power
    from ocr_plugin.training.recognition.options import TrainingOptions
    from ocr_plugin.training.tasks import training_sets

    options = TrainingOptions.from_toml(found_recipe(recipe))
    if data is not None:
        options = options.on_machine({"data": data})
    kept = [held.held_back(_ALL) for held in training_sets(options)]
    _say_passed_over({record.name: record.reason for _, bad in kept for record in bad})
    words = [word for some, _ in kept for word in some]
    with TemporaryDirectory() as folder:  # readers take weights from files alone
        save_model(model, Path(folder, "model.safetensors"), torch.float16)
        reader = Clip4StrRecognizer(model=Path(folder, "model.safetensors"))
        power = confidence_power(reader, words, model.config.characters)
    return model.config.confidence_power * power


def _say_passed_over(records: dict[str, str]) -> None:
    """Names some records that do not decode, and says how many there are."""
    for name, reason in list(records.items())[:_SHOWN]:
        say(f"warning: {name}: {reason}")
    if len(records) > _SHOWN:
        say(f"warning: {len(records)} pictures in all could not be used")

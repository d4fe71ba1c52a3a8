"""``ocr-plugin train``: CLIP4STR on one's own words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.streams import results_only, say

if TYPE_CHECKING:
    from ocr_plugin.training.datasets import TrainingSet
    from ocr_plugin.training.options import TrainingOptions
    from ocr_plugin.training.validation import ValidationSet

training = typer.Typer(rich_markup_mode=None)

_RECIPES = Path(__file__).parent / "training" / "recipes"


@training.callback()
def common() -> None:
    """Train the recognizer, and look at what it is trained on."""


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
        typer.Option(metavar="DIR", help="Where the recipe's relative paths count from."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")
    ] = False,
    stop_after: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="Stop then, with a checkpoint.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Instead of the recipe's.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="TYPE", help="float32 or bfloat16, not the recipe's.")
    ] = None,
    loaders: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that make batches.")
    ] = None,
) -> None:
    """Train by a recipe; with --resume, go on where an interrupted run stood."""
    with results_only() as stream:
        from ocr_plugin.training.options import TrainingOptions
        from ocr_plugin.training.progress import Progress
        from ocr_plugin.training.trainer import WEIGHTS, Trainer

        changes = {"data": data, "device": device, "precision": precision, "loaders": loaders}
        options = TrainingOptions.from_toml(_found(recipe)).on_machine(
            {name: value for name, value in changes.items() if value is not None}
        )
        if (out / "checkpoint.pt").exists() and not resume:
            raise ConfigurationError(f"{out} has a run already: --resume, or another folder")
        if resume and not (out / "checkpoint.pt").exists():
            raise ConfigurationError(f"{out} has no run to resume")
        out.mkdir(parents=True, exist_ok=True)
        sets = _opened(options)
        trainer = Trainer(options, out, sets)
        with Progress(trainer.step, trainer.steps) as progress:
            ended = trainer.run(
                _validation(options, sets),
                progress.show,
                None if stop_after is None else 60 * stop_after,
            )
        for words in sets:
            say(words.describe())
        state = "trained" if ended else f"stopped after step {trainer.step} of {trainer.steps}"
        print(f"{state}: {out / WEIGHTS}", file=stream)


def _found(recipe: str) -> Path:
    """Returns a recipe's file: a path, or one that comes with the package."""
    bundled = _RECIPES / f"{recipe}.toml"
    if not Path(recipe).exists() and bundled.is_file():
        return bundled
    return Path(recipe)


def _opened(options: "TrainingOptions") -> "list[TrainingSet]":
    from ocr_plugin.training.datasets import TrainingSet

    config = options.config
    below = options.data.below(options.machine.data)
    sets = [TrainingSet(entry, config.characters, config.max_label_length) for entry in below.sets]
    for words in sets:
        say(words.describe())
    return sets


def _validation(options: "TrainingOptions", sets: "list[TrainingSet]") -> "list[ValidationSet]":
    from ocr_plugin.training.validation import validation_set, validation_words

    most, size = options.machine.validation_words, options.config.image_size
    own = [validation_words(words.name, words.held_back(most), size) for words in sets]
    below = options.data.below(options.machine.data)
    others = [validation_set(path, most, size) for path in below.validation]
    return [words for words in [*own, *others] if words.labels]

"""Checkpoints of a run: everything needed to resume it exactly."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ocr_plugin.errors import CheckpointError, ConfigurationError, first_line
from ocr_plugin.training.recipes import RecipeOptions

_FILE = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """The state after a step.

    Attributes:
        step: how many are done.
        model: weights by name.
        average: their moving average, or None where the recipe keeps none.
        optimiser: AdamW's state.
    """

    step: int
    model: dict[str, Tensor]
    average: dict[str, Tensor] | None
    optimiser: dict[str, Any]


def save(folder: Path, checkpoint: Checkpoint, options: RecipeOptions) -> None:
    """Writes a checkpoint; a crash at any moment leaves the one before it or this one.

    Raises:
        ConfigurationError: it cannot be written, as on a full disk; the one before it stays.
    """
    written = folder / f".{_FILE}.writing"
    try:
        with written.open("wb") as file:
            torch.save({**vars(checkpoint), "options": options.model_dump_json()}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(folder / _FILE)
    except (OSError, RuntimeError) as error:  # PyTorch's own error hides the system's
        written.unlink(missing_ok=True)
        reason = _system_error(error) or error
        raise ConfigurationError(f"{folder / _FILE}: cannot be written: {reason}") from error


def load(folder: Path, options: RecipeOptions) -> Checkpoint | None:
    """Returns the run's last checkpoint on the CPU, or None where there is none.

    Raises:
        CheckpointError: the file is damaged.
        ConfigurationError: it belongs to another recipe; one line that names the difference. What
            a recipe says of the machine may differ.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        stored = _with_defaults(json.loads(content.pop("options")), type(options))
        checkpoint = Checkpoint(**content)
    except Exception as error:  # a damaged file may fail in any way; the cause is chained
        raise CheckpointError(f"{path}: damaged checkpoint: {first_line(error)}") from error
    different = [
        name
        for name, value in json.loads(options.model_dump_json()).items()
        if name != "machine" and stored.get(name) != value
    ]
    if different:
        raise ConfigurationError(
            f"{path} belongs to a run of another recipe: {', '.join(different)} differ"
        )
    return checkpoint


def _with_defaults(values: dict[str, Any], kind: type[RecipeOptions]) -> dict[str, Any]:
    """Returns a recipe as it was stored, with the options that have come since then."""
    try:
        options = kind.parse(values)
    except ConfigurationError:
        return values
    filled: dict[str, Any] = json.loads(options.model_dump_json())
    return filled


def _system_error(error: BaseException | None) -> str | None:
    """Returns what the system said, if it is among an error and those that led to it."""
    while error is not None:
        if isinstance(error, OSError):
            return error.strerror
        error = error.__context__
    return None

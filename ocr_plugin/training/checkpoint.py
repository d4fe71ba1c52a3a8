"""A run on disk: everything needed to go on exactly where it stood."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.training.options import TrainingOptions

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


def save(folder: Path, checkpoint: Checkpoint, options: TrainingOptions) -> None:
    """Writes a checkpoint; a crash at any moment leaves the one before it or this one."""
    written = folder / f".{_FILE}.writing"
    torch.save({**vars(checkpoint), "options": options.model_dump_json()}, written)
    written.replace(folder / _FILE)


def load(folder: Path, options: TrainingOptions) -> Checkpoint | None:
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
        stored = json.loads(content.pop("options"))
        checkpoint = Checkpoint(**content)
    except Exception as error:  # a damaged file may fail in any way; the cause is chained
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(f"{path}: damaged checkpoint: {reason}") from error
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

"""Trainings of a network and words so small that they run in seconds."""

import csv
import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageFont

from ocr_plugin.training.recognition.options import TrainingOptions
from ocr_plugin.training.recognition.trainer import Trainer
from ocr_plugin.training.recognition.training_sets import TrainingSet

NETWORK = {
    "embed_dim": 32,
    "image_size": [32, 32],
    "patch_size": [16, 4],
    "stem_width": 8,
    "vision_layers": 1,
    "vision_width": 64,
    "text_layers": 1,
    "text_width": 64,
    "caption_tokens": "characters",
    "vocab_size": 97,
    "text_positions": 27,
    "context_length": 27,
    "decoder_heads": 2,
    "ctc": True,
}
LABELS = ["one", "Two", "3", "four", "FIVE", "six", "7s", "eight"]


def training_data(folder: Path) -> Path:
    """Writes a font and a set of words into a folder, and returns it."""
    default = ImageFont.load_default(size=20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    (folder / "plain.ttf").write_bytes(default.font_bytes)
    words = folder / "words"
    words.mkdir()
    lines = []
    for index, label in enumerate(LABELS):
        Image.effect_noise((40, 20), 20 + 20 * index).convert("RGB").save(words / f"{index}.png")
        lines.append(json.dumps({"image": f"{index}.png", "text": label}))
    (words / "labels.jsonl").write_text("\n".join(lines))
    return folder


def recipe(root: Path, **changes: Any) -> TrainingOptions:
    values: dict[str, Any] = {
        "network": NETWORK,
        "freeze": {"text_blocks": 0, "stem_until": 0.2},
        "objective": {"permutations": 4, "ctc_weight": 1.0, "ctc_alone_until": 0.2},
        "optimiser": {"batch_size": 8, "samples": 80, "learning_rate": 0.05, "average": 0.9},
        "data": {
            "sets": [{"path": "words", "case": "unknown"}],
            "synthetic": {"fonts": ["plain.ttf"]},
        },
        "machine": {"data": root, "loaders": 0},
    }
    for table, entries in changes.items():
        values[table] = {**values[table], **entries}
    return TrainingOptions.parse(values)


def sets_of(options: TrainingOptions) -> list[TrainingSet]:
    return [TrainingSet(entry) for entry in options.data.below(options.machine.data).sets]


def trainer_of(options: TrainingOptions, folder: Path) -> Trainer:
    folder.mkdir(exist_ok=True)
    return Trainer(options, folder, sets_of(options))


def quiet(step: int, steps: int, values: dict[str, float]) -> None:
    """Reports nothing."""


class Killed(Exception):
    """What stops a run in the middle here."""


def killed_at(last: int) -> Any:
    def report(step: int, steps: int, values: dict[str, float]) -> None:
        if step == last:
            raise Killed

    return report


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def losses(folder: Path) -> list[tuple[str, str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return [(row["step"], row["name"], row["value"]) for row in csv.DictReader(file)]

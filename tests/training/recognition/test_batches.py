"""Which words a step of a training is given."""

from pathlib import Path

import pytest
import torch

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.charset import CHARACTERS
from ocr_plugin.training.loading import load_batches
from ocr_plugin.training.recognition.batches import WordBatches
from ocr_plugin.training.recognition.options import TrainingOptions
from tests.trainings import quiet, recipe, sets_of, trainer_of, training_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return training_data(tmp_path)


def source_of(options: TrainingOptions) -> WordBatches:
    data = options.data.below(options.machine.data)
    return WordBatches(data, sets_of(options), (32, 32), CHARACTERS, 8, 20, options.seed)


def test_loader_processes_bring_the_same_batches(data: Path) -> None:
    source = source_of(recipe(data))
    here = list(load_batches(source, range(2, 6), 0))
    there = list(load_batches(source, range(2, 6), 2))
    for one, other in zip(here, there, strict=True):
        first, second = (source.finish(raw, torch.device("cpu")) for raw in (one, other))
        assert first.labels == second.labels
        assert torch.equal(first.images, second.images)
        assert first.caseless.tolist() == second.caseless.tolist()
        assert len(first.labels) == 8 and first.caseless.any() and not first.caseless.all()


def test_broken_pictures_are_named_in_any_worker(data: Path) -> None:
    (data / "words" / "2.png").write_bytes(b"no picture")
    for loaders in (0, 1):
        folder = data / f"run{loaders}"
        options = recipe(data, machine={"loaders": loaders}, data={"synthetic": None})
        trainer = trainer_of(options, folder)
        trainer.run([], quiet)
        ((name, reason),) = trainer.passed_over.items()
        assert name == f"{data / 'words' / 'labels.jsonl'}:3" and reason


def test_the_mix_changes_over_the_run(data: Path) -> None:
    options = recipe(
        data,
        data={
            "sets": [{"path": "words", "weight": 1e-6, "final_weight": 1.0}],
            "synthetic_weight": 1.0,
            "synthetic_final_weight": 1e-6,
        },
    )
    source = source_of(options)
    real = [sum(len(crops.labels) for crops in source[number].crops) for number in range(20)]
    assert real[0] == 0 and real[19] >= 7 and 2 <= real[10] <= 6


def test_what_goes_wrong_in_a_loader_is_one_line(data: Path) -> None:
    (data / "plain.ttf").write_bytes(b"no font")
    source = source_of(recipe(data))
    with pytest.raises(ConfigurationError, match="fonts") as caught:
        list(load_batches(source, range(1), 1))
    assert "\n" not in str(caught.value)

"""The training loop on a network and words so small that it runs in seconds."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ocr_plugin.cli.train_progress import Progress
from ocr_plugin.clip4str import load_network
from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.training.recognition.validation import ValidationSet, accuracies
from ocr_plugin.training.run import WEIGHTS
from tests.trainings import (
    Killed,
    killed_at,
    losses,
    quiet,
    recipe,
    same,
    sets_of,
    trainer_of,
    training_data,
    weights_of,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return training_data(tmp_path)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_ends_with_weights_that_load(precision: str, data: Path) -> None:
    trainer = trainer_of(recipe(data, machine={"precision": precision}), data / "run")
    assert trainer.run([], quiet)
    assert trainer.step == trainer.steps == 10
    model = load_network(data / "run" / WEIGHTS)
    assert same(trainer.average.state_dict(), model.state_dict())
    assert not same(trainer.model.state_dict(), model.state_dict())


def test_the_average_moves_by_its_decay(data: Path) -> None:
    trainer = trainer_of(recipe(data), data / "run")
    with torch.no_grad():
        for kept, own in zip(trainer.average.parameters(), trainer.model.parameters(), strict=True):
            kept.zero_()
            own.fill_(1.0)
    for step, share in ((1, 1 - 2 / 11), (10_000, 0.1)):  # fast at first
        before = next(trainer.average.parameters()).mean().item()
        trainer.step = step
        trainer._move_average(0.9)
        for kept in trainer.average.parameters():
            expected = before + share * (1 - before)
            assert torch.allclose(kept, torch.full_like(kept, expected), atol=1e-6)


def test_an_interrupted_run_goes_on_to_the_same_weights(data: Path) -> None:
    options = recipe(data, optimiser={"samples": 240})  # 30 steps; the losses of step 20 are logged
    whole = trainer_of(options, data / "whole")
    whole.run([], quiet)

    first = trainer_of(options, data / "parts")
    assert not first.run([], quiet, stop_after=0)  # a step, and a checkpoint
    second = trainer_of(options, data / "parts")
    assert second.step == 1
    with pytest.raises(Killed):  # 23 more steps, and all of them lost
        second.run([], killed_at(24))
    third = trainer_of(options, data / "parts")
    assert third.step == 1
    assert third.run([], quiet)

    assert same(weights_of(whole), weights_of(third))
    assert same(whole.average.state_dict(), third.average.state_dict())
    assert losses(data / "whole") == losses(data / "parts") != []


def test_without_a_terminal_lines_tell_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(0, 100) as progress:
        for step in (20, 40):
            progress.show(step, 100, {"loss/ctc": 1.5})
        progress.show(45, 100, {})
        progress.show(50, 100, {"accuracy/cross/signs": 0.5})
    assert capsys.readouterr().err.splitlines() == [
        "step 20 of 100, 0.0 min  ctc 1.500",
        "step 50 of 100, 0.0 min  ctc 1.500  cross/signs 50.0",
    ]


def test_another_recipe_is_not_resumed(data: Path) -> None:
    trainer_of(recipe(data), data / "run").run([], quiet, stop_after=0)
    with pytest.raises(ConfigurationError, match="another recipe: optimiser differ"):
        trainer_of(recipe(data, optimiser={"learning_rate": 0.06}), data / "run")
    # A run of a version that had fewer options goes on.
    path = data / "run" / "checkpoint.pt"
    content = torch.load(path, weights_only=True)
    stored = json.loads(content["options"])
    del stored["start"]["file"], stored["data"]["sets"][0]["labels"]
    torch.save({**content, "options": json.dumps(stored)}, path)
    assert trainer_of(recipe(data), data / "run").step == 1
    # What it says of the machine may differ.
    trainer_of(recipe(data, machine={"checkpoint_minutes": 3}), data / "run")
    (data / "run" / "checkpoint.pt").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt: damaged"):
        trainer_of(recipe(data), data / "run")


def test_it_learns(data: Path) -> None:
    """Eight pictures by heart: every branch reads them in the end."""
    options = recipe(
        data,
        optimiser={
            "batch_size": 16,
            "samples": 16 * 200,
            "learning_rate": 0.064,
            "decoder_factor": 1.0,
            "epsilon": 1e-8,
            "weight_decay": 0.0,
            "average": 0.0,
        },
        objective={"ctc_alone_until": 0.0, "permutations": 2},
        network={"stem_width": 0, "dropout": 0.0},
        data={"synthetic": None, "sets": [{"path": "words", "augment": False}]},
    )
    trainer = trainer_of(options, data / "run")
    trainer.run([], quiet)
    words = sets_of(options)[0].sample(64, (32, 32), random.Random(0))
    found = accuracies(
        trainer.average,
        ValidationSet("words", words.images, words.labels),
        torch.device("cpu"),
        ["ctc", "visual", "cross"],
    )
    assert min(found.values()) > 0.9, found


def test_accumulated_parts_make_the_same_step(data: Path) -> None:
    changes: dict[str, Any] = {
        "freeze": {"stem_until": 0.0},
        "objective": {"ctc_alone_until": 0.0},
        "network": {"dropout": 0.0},
    }
    first = trainer_of(recipe(data, **changes), data / "whole")
    second = trainer_of(recipe(data, **changes, optimiser={"accumulate": 4}), data / "parts")
    for trainer in (first, second):
        trainer.run([], quiet, stop_after=0)
    found = {name: parameter.grad for name, parameter in second.model.named_parameters()}
    for name, parameter in first.model.named_parameters():
        one, other = parameter.grad, found[name]
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert torch.allclose(one, other, rtol=1e-3, atol=1e-5), name
    with pytest.raises(ConfigurationError, match="does not divide"):
        trainer_of(recipe(data, optimiser={"accumulate": 3}), data / "other")


def test_what_is_frozen_rests_and_what_waits_rests_too(data: Path) -> None:
    trainer = trainer_of(recipe(data), data / "run")
    before = weights_of(trainer)
    trainer.run([], quiet, stop_after=0)
    after = trainer.model.state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}
    # In the first fifth only the CTC head and the tower behind the stem learn.
    assert changed == {"ctc_head", "clip_model"}
    assert torch.equal(
        before["clip_model.token_embedding.weight"], after["clip_model.token_embedding.weight"]
    )


def test_a_frozen_image_tower_freezes_its_stem(data: Path) -> None:
    options = recipe(
        data,
        objective={"ctc_alone_until": 0.0},
        freeze={"image_blocks": 1, "stem_until": 0.0},
        optimiser={"samples": 8},
    )
    trainer = trainer_of(options, data / "run")
    before = weights_of(trainer)
    trainer.run([], quiet)
    after = trainer.model.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert not any(name.startswith("stem.") for name in changed)
    assert "clip_model.visual.proj" in changed and "visual_decoder.head.weight" in changed


def test_two_processes_end_with_the_same_weights(data: Path) -> None:
    script = data / "two.py"
    script.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from ocr_plugin.training.recognition.options import TrainingOptions\n"
        "from ocr_plugin.training.recognition.trainer import Trainer\n"
        "options = TrainingOptions.model_validate_json(Path(sys.argv[1]).read_text())\n"
        "folder = Path(sys.argv[2])\n"
        "trainer = Trainer(options, folder, [])\n"
        "mean = trainer._processes.means(torch.tensor([float(os.environ['RANK'])]))\n"
        "assert mean.tolist() == [0.5]\n"
        "trainer.run([], lambda *_: None)\n"
        "total = sum(float(p.double().sum()) for p in trainer.model.parameters())\n"
        "(folder / os.environ['RANK']).write_text(repr(total))\n"
    )
    options = recipe(data, data={"sets": []}, optimiser={"samples": 40})
    (data / "options.json").write_text(options.model_dump_json())
    folder = data / "run"
    folder.mkdir()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node=2", str(script), str(data / "options.json"), str(folder)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "0").read_text() == (folder / "1").read_text()
    assert (folder / WEIGHTS).exists()


def test_nothing_to_learn_from_is_told(data: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither sets nor synthetic words"):
        trainer_of(recipe(data, data={"sets": [], "synthetic": None}), data / "run")
    with pytest.raises(ConfigurationError, match=r"needs network\.ctc"):
        trainer_of(recipe(data, network={"ctc": False}), data / "run")

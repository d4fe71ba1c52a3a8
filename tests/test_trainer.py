"""The training loop on a network and words so small that it runs in seconds."""

import csv
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

from ocr_plugin.clip4str import load_model
from ocr_plugin.clip4str.charset import CHARACTERS
from ocr_plugin.errors import CheckpointError, ConfigurationError, ExitCode
from ocr_plugin.evaluation.word_accuracy import compared
from ocr_plugin.evaluation.word_sets import WordImage
from ocr_plugin.training.batches import BatchSource, load_batches
from ocr_plugin.training.datasets import TrainingSet
from ocr_plugin.training.options import TrainingOptions
from ocr_plugin.training.progress import Progress
from ocr_plugin.training.trainer import WEIGHTS, Trainer
from ocr_plugin.training.validation import (
    ValidationSet,
    accuracies,
    validation_set,
    validation_words,
)

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


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a font and a set of words."""
    default = ImageFont.load_default(size=20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    (tmp_path / "plain.ttf").write_bytes(default.font_bytes)
    folder = tmp_path / "words"
    folder.mkdir()
    lines = []
    for index, label in enumerate(LABELS):
        Image.effect_noise((40, 20), 20 + 20 * index).convert("RGB").save(folder / f"{index}.png")
        lines.append(json.dumps({"image": f"{index}.png", "text": label}))
    (folder / "labels.jsonl").write_text("\n".join(lines))
    return tmp_path


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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_ends_with_weights_that_load(precision: str, data: Path) -> None:
    trainer = trainer_of(recipe(data, machine={"precision": precision}), data / "run")
    assert trainer.run([], quiet)
    assert trainer.step == trainer.steps == 10
    model = load_model(data / "run" / WEIGHTS)
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


def tiny_recipe(data: Path, loaders: int) -> Path:
    """Returns a recipe in a file, of a run that takes longer than any test."""
    path = data / "recipe.toml"
    path.write_text(
        f"[network]\n{''.join(f'{k} = {json.dumps(v)}' + chr(10) for k, v in NETWORK.items())}"
        "[objective]\nctc_weight = 1.0\nctc_alone_until = 1.0\n"
        "[optimiser]\nbatch_size = 8\nsamples = 80000\n"
        '[data.synthetic]\nfonts = ["plain.ttf"]\n'
        f"[machine]\nloaders = {loaders}\n"
        f"checkpoint_minutes = {60.0 if loaders else 0.002}\n"
    )
    return path


def test_a_killed_process_loses_what_came_after_its_checkpoint_only(data: Path) -> None:
    out = data / "run"
    command = [sys.executable, "-m", "ocr_plugin", "train", "run", str(tiny_recipe(data, 0))]
    command += ["--out", str(out), "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (out / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 2 and "has a run already: --resume" in again.stderr
    resumed = subprocess.run(
        [*command, "--resume", "--stop-after", "0"], capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.startswith("stopped after step ")
    assert int(resumed.stdout.split()[3]) > 1
    load_model(out / WEIGHTS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_leaves_a_checkpoint(data: Path, number: int) -> None:
    out = data / "run"
    command = [sys.executable, "-m", "ocr_plugin", "train", "run", str(tiny_recipe(data, 1))]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    log = out / "log.csv"
    while not (log.exists() and "loss" in log.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, number)  # the loaders too, as a terminal does
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == ExitCode.INTERRUPTED, stderr
    assert "stopping after this step" in stderr and "Traceback" not in stderr
    step = int(stdout.split()[3])
    assert stdout.startswith("stopped after step ") and step >= 20
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == step


def test_a_full_disk_leaves_the_checkpoint_before_it(data: Path) -> None:
    options = recipe(data, optimiser={"samples": 8000})
    trainer = trainer_of(options, data / "run")
    trainer.run([], quiet, stop_after=0)
    before = {path.name: path.read_bytes() for path in (data / "run").iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(ConfigurationError, match=r"checkpoint\.pt: cannot be written: F"):
            trainer.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert before == {path.name: path.read_bytes() for path in (data / "run").iterdir()}
    assert trainer_of(options, data / "run").step == 1
    # And where there is no room for the weights beside it.
    (data / "run" / WEIGHTS).unlink()
    (data / "run" / WEIGHTS).mkdir()
    with pytest.raises(ConfigurationError, match="run: cannot be written: "):
        trainer.save()


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


def test_what_goes_wrong_in_a_loader_is_one_line(data: Path) -> None:
    (data / "plain.ttf").write_bytes(b"no font")
    source = source_of(recipe(data))
    with pytest.raises(ConfigurationError, match="fonts") as caught:
        list(load_batches(source, range(1), 1))
    assert "\n" not in str(caught.value)


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
        "from ocr_plugin.training.options import TrainingOptions\n"
        "from ocr_plugin.training.trainer import Trainer\n"
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


def source_of(options: TrainingOptions) -> BatchSource:
    data = options.data.below(options.machine.data)
    return BatchSource(data, sets_of(options), (32, 32), CHARACTERS, 8, 20, options.seed)


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


def test_broken_pictures_are_named_whoever_drew_them(data: Path) -> None:
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


def test_nothing_to_learn_from_is_told(data: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither sets nor synthetic words"):
        trainer_of(recipe(data, data={"sets": [], "synthetic": None}), data / "run")
    with pytest.raises(ConfigurationError, match=r"needs network\.ctc"):
        trainer_of(recipe(data, network={"ctc": False}), data / "run")


def test_validation_leaves_out_what_the_rule_leaves_nothing_of() -> None:
    pixels = np.zeros((4, 8, 3), np.uint8)
    words = [WordImage("a", pixels, "A-1"), WordImage("b", pixels, "--")]
    found = validation_words("set", words, (32, 32))
    assert (found.labels, found.images.shape) == (["A-1"], (1, 3, 32, 32))
    assert validation_words("none", [], (32, 32)).images.shape == (0, 3, 32, 32)


def test_broken_words_of_a_validation_set_are_named(data: Path) -> None:
    (data / "words" / "2.png").write_bytes(b"no picture")
    words = validation_set(data / "words", 100, (32, 32))
    assert len(words.labels) == len(LABELS) - 1
    assert [record.name for record in words.bad] == [f"{data / 'words' / 'labels.jsonl'}:3"]


def test_another_alphabet_is_validated_by_its_own_characters(data: Path) -> None:
    lines = [{"image": f"{index}.png", "text": text} for index, text in enumerate(["λόγος", "?"])]
    (data / "words" / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    words = validation_set(data / "words", 100, (32, 32), "λόγοςΛ")
    assert words.labels == ["λόγος"]
    assert compared("Λόγος!", "λόγοςΛ") == compared("λόγος", "λόγοςΛ")
    assert compared("λόγο", "λόγοςΛ") != compared("λόγος", "λόγοςΛ")
    assert compared("It's", CHARACTERS) == "its"

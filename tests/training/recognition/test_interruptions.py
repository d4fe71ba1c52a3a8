"""Training runs that are killed, asked to stop, or run out of disk."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from ocr_plugin.clip4str import load_network
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.training.run import WEIGHTS
from tests.trainings import NETWORK, quiet, recipe, trainer_of, training_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return training_data(tmp_path)


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
    assert again.returncode == 2 and "already has a run: use --resume" in again.stderr
    resumed = subprocess.run(
        [*command, "--resume", "--stop-after", "0"], capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.startswith("stopped after step ")
    assert int(resumed.stdout.split()[3]) > 1
    load_network(out / WEIGHTS)


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

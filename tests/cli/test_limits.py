"""Limits that the commands hand on: what they are told is what decodes, reads or serves."""

from pathlib import Path
from typing import Any

import pytest

from ocr_plugin.adapters import server
from ocr_plugin.cli import batch
from ocr_plugin.cli.app import main
from ocr_plugin.errors import ExitCode, OcrError

SMALL = ["--detector", "whole_image", "--recognizer", "ppocr"]


def stopped(told: list[Any]) -> Any:
    """Returns what stands for the rest of a command: it notes its arguments, and ends it."""

    def stop(*arguments: Any, **_: Any) -> Any:
        told.extend(arguments)
        raise OcrError("stopped here")

    return stop


def test_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(server, "make_app", stopped(told))
    assert main(["serve", "--port", "0", *SMALL, "--max-memory", "2.5"]) == ExitCode.UNEXPECTED
    assert told[1].max_memory == 2.5


@pytest.mark.parametrize("where", ["local", "ray"])
def test_batch(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    job = "ocr_plugin.adapters.ray_job.RayJob" if where == "ray" else batch.__name__ + "._job"
    monkeypatch.setattr(job, stopped(told))
    options = ["--out", str(tmp_path / "job"), "--max-memory", "2.5", "--engine", where]
    assert main(["batch", str(tmp_path), *options]) == ExitCode.UNEXPECTED
    assert told[2].max_memory == 2.5


@pytest.mark.parametrize("command", [["read", "a.png"], ["batch", "a", "--out", "b"], ["serve"]])
def test_less_memory_than_a_process_begins_with_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--max-memory", "0.1"]) == ExitCode.USAGE
    assert "--max-memory" in capsys.readouterr().err

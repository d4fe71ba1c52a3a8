"""Limits that the commands hand on: what they are told is what decodes, reads or serves."""

import json
from pathlib import Path
from typing import Any

import pytest

from ocr_plugin.adapters import server
from ocr_plugin.cli import batch
from ocr_plugin.cli.app import main
from ocr_plugin.engine import engine
from ocr_plugin.errors import ExitCode, OcrError
from tests.pictures import FEW_BITS, few_bits
from tests.sources import plain, tiff_of

SMALL = ["--detector", "whole_image", "--recognizer", "ppocr"]


def stopped(told: list[Any]) -> Any:
    """Returns what stands for the rest of a command: it notes its arguments, and ends it.

    The last one noted is that of all arguments by name.
    """

    def stop(*arguments: Any, **named: Any) -> Any:
        told.extend((*arguments, named))
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
    limits = ["--max-pages", "3", "--max-bytes", "5000", "--allow-paths"]
    assert main(["batch", str(tmp_path), *options, *limits]) == ExitCode.UNEXPECTED
    assert told[2].max_memory == 2.5
    what = told[1]
    assert what.engine.images.max_pages == 3 and what.sources.allow_paths is True
    assert what.engine.images.max_bytes == what.sources.max_bytes == 5000
    told.clear()
    assert main(["batch", str(tmp_path), "--out", str(tmp_path / "job"), "--engine", where])
    assert told[1].sources.allow_paths is False


@pytest.mark.parametrize("exact", [True, False])
def test_read_one_by_one(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(engine, "Engine", stopped(told))
    assert main(["read", "a.png", *["--exact"] * exact]) == ExitCode.UNEXPECTED
    options = told[-1]["options"]
    assert ((options.detector_batch, options.recognizer_batch) == (1, 1)) is exact


def test_pages_after_the_limit_are_one_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff_of(*map(plain, ("white", "black", "white"))))
    code = main(["read", str(tmp_path / "a.tif"), *SMALL, "--json", "--max-pages", "1"])
    out, err = capfd.readouterr()
    assert code == ExitCode.INPUT and len(out.splitlines()) == 1
    assert "page 2: pages after the first 1 were not read (max_pages)" in err


def test_warnings_are_in_the_json_of_a_page(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(few_bits())
    assert main(["read", str(tmp_path / "a.png"), *SMALL, "--json"]) == ExitCode.OK
    out, err = capfd.readouterr()
    assert FEW_BITS in json.loads(out)["warnings"]
    assert f"a.png: {FEW_BITS}" in err


@pytest.mark.parametrize("command", [["read", "a.png"], ["batch", "a", "--out", "b"], ["serve"]])
def test_less_memory_than_a_process_begins_with_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--max-memory", "0.1"]) == ExitCode.USAGE
    assert "--max-memory" in capsys.readouterr().err

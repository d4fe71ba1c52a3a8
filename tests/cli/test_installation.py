"""What is installed: plugins, models, the doctor."""

import json
from pathlib import Path

import pytest

from ocr_plugin.errors import ExitCode
from ocr_plugin.recognizers.clip4str.catalogue import catalogue, published
from ocr_plugin.recognizers.ppocr_catalogue import line_models
from tests.cli.commands import Capture, call, run
from tests.distributions import install


def test_an_unknown_plugin_lists_the_known_ones(capfd: Capture, folder: Path) -> None:
    code, out, err = run(capfd, "read", folder / "a.png", "--detector", "dbnot")
    assert (code, out, len(err)) == (ExitCode.PLUGIN, "", 1)
    assert "dbnet, paddle, whole_image, word_line" in err[0]


def test_a_missing_model_is_5(capfd: Capture, folder: Path) -> None:
    name = published()[0].name
    for arguments in (
        ["read", str(folder / "a.png"), "--model", name, "--offline"],
        ["read", str(folder / "a.png"), "--model", "no-such-file.pt"],
        ["models", "download", name, "--offline"],
        ["models", "export", name, "--offline", "--out", str(folder / "onnx")],
    ):
        code, out, err = run(capfd, *arguments)
        assert (code, out, len(err)) == (ExitCode.MODEL, "", 1)


def test_models_are_listed_with_what_is_here(capfd: Capture, tmp_path: Path) -> None:
    first, second = published()[:2]
    here = tmp_path / "cache" / "models" / first.file
    here.parent.mkdir(parents=True)
    here.write_bytes(b"weights")
    sha256 = "3ac27e9ae58ba88e68b4e07bc89f1d3f4a9fab7e5ed25a8d0a4fb8b1d5b7c5a1"
    here.with_name(f"{here.name}.sha256").write_text(f"{sha256}  {here.name}\n")
    code, out, _ = run(capfd, "models")
    header, *rows = [line.split() for line in out.splitlines()]
    assert (code, header) == (0, ["name", "size", "licence", "source", "path", "sha256"])
    named = [entry.name for entry in catalogue()] + [model.name for model in line_models()]
    assert [row[0] for row in rows] == named
    assert rows[0][4:6] == ["this", "package"]
    assert rows[1][-2:] == [str(here), sha256]
    assert rows[2][-3:] == ["not", "downloaded", "-"]
    assert run(capfd, "models", "list")[1] == out
    listed = [json.loads(line) for line in run(capfd, "models", "--json")[1].splitlines()]
    assert listed[1] == {
        "name": first.name,
        "bytes": 7,
        "licence": first.licence,
        "source": first.source.page if first.source else None,
        "path": str(here),
        "sha256": sha256,
        "sha256_known": True,
    }
    assert (listed[2]["path"], listed[2]["bytes"]) == (None, second.parameters * 4)
    assert run(capfd, "models", "download", first.name) == (0, f"{here}\n", [])


def test_plugins_shows_which_are_broken(
    capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capfd, "plugins")
    rows = [line.split() for line in out.splitlines()[1:]]
    assert code == ExitCode.OK
    assert [row[:2] for row in rows] == [
        ["detector", "dbnet"],
        ["detector", "paddle"],
        ["detector", "whole_image"],
        ["detector", "word_line"],
        ["recognizer", "clip4str"],
        ["recognizer", "ppocr"],
        ["recognizer", "second_opinion"],
    ]
    assert {row[-1] for row in rows} == {"ok"}
    install(tmp_path, "torn", version="2.5", plugins={"torn": "torn:T"}, module="import nothing_")
    monkeypatch.syspath_prepend(str(tmp_path))
    code, out, _ = run(capfd, "plugins")
    assert code == ExitCode.PLUGIN
    (row,) = [line for line in out.splitlines() if " torn " in line]
    assert row.split()[:4] == ["detector", "torn", "torn", "2.5"]
    assert "nothing_" in row


def test_doctor_reports_a_mix_of_opencv_and_exits_with_1(tmp_path: Path) -> None:
    install(tmp_path, "opencv-contrib-python", version="4.1.0.99")
    done = call("doctor", site=tmp_path)
    assert done.returncode == ExitCode.UNEXPECTED
    out = done.stdout.decode()
    for wanted in (
        "torch",
        "open_clip",
        "onnxruntime",
        "CPU",
        "PP-OCRv6_det_small.onnx",
        "clip4str",
    ):
        assert wanted in out
    said = done.stderr.decode().splitlines()
    (line,) = [line for line in said if line.startswith("ocr-plugin: PROBLEM: ")]
    assert "OpenCV" in line and "4.1.0.99" in line

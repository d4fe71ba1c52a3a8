"""The command ``batch``: its exit codes, its signals, and what it prints."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet
import pytest
from PIL import Image

from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.shards import shard_path
from ocr_plugin.batch.verification import problems
from ocr_plugin.cli import app, batch, batch_progress
from ocr_plugin.errors import ExitCode
from tests import deadly
from tests.archives import ERRORS, PAGES, archives, picture
from tests.pages.test_pdf_text import LINES, drawn, paragraph

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")

CHOSEN = ("--detector", "whole_image", "--recognizer", "ppocr")


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ocr_plugin", "batch", *map(str, arguments)]


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True)


def test_a_job_takes_the_text_that_pdfs_carry(tmp_path: Path) -> None:
    source, job = tmp_path / "own.pdf", tmp_path / "job"
    source.write_bytes(drawn(paragraph))
    done = call(source, *CHOSEN, "--pdf-text", "auto", "--out", job)
    assert done.returncode == ExitCode.OK, done.stderr
    assert call("export", job, "--format", "text").stdout == "\n".join(LINES) + "\n\f"
    other = call(source, *CHOSEN, "--out", job)
    assert other.returncode == ExitCode.USAGE and "pdf_text" in other.stderr


def noise(folder: Path, count: int) -> Path:
    """Makes pictures that take a while each."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(count):
        pixels = generator.integers(0, 255, (60, 200, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return folder


def at_work(job: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    """Returns a run that has committed its first records."""
    process = subprocess.Popen(
        command(*arguments, *CHOSEN, "--out", job),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    first = shard_path(job, 1)
    while not (first.exists() and recorded(job)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return process


def pages(job: Path) -> int:
    assert list(problems(job)) == []
    return recorded(job)


def recorded(job: Path) -> int:
    with Manifest(job, read_only=True) as manifest:
        return manifest.counts()["pages"]


def test_the_command_runs_stops_and_goes_on(tmp_path: Path) -> None:
    sources, job = archives(tmp_path), tmp_path / "job"
    done = call(*sources, *CHOSEN, "--out", job, "--limit", "5")
    assert done.returncode == 0, done.stderr
    done = call(*sources, *CHOSEN, "--out", job)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, "errors" in done.stderr) == ("", True)
    assert " left" not in done.stderr
    status = json.loads(call("status", job).stdout)
    assert (status["pages"], status["errors"]) == (PAGES, ERRORS)
    verified = call("verify", job)
    assert verified.returncode == 0 and str(PAGES) in verified.stdout
    os.truncate(shard_path(job, 1), 100)
    assert call("verify", job).returncode == 1
    missing = call("status", tmp_path)
    assert missing.returncode == ExitCode.USAGE
    assert missing.stderr.strip().endswith("not a job's folder")


def test_pages_are_exported_with_their_folders(tmp_path: Path) -> None:
    sources, job = archives(tmp_path), tmp_path / "job"
    (Path(sources[0]) / "sub").mkdir()
    (Path(sources[0]) / "sub" / "00.png").write_bytes(picture(8, 8, 8))
    done = call(*sources, *CHOSEN, "--out", job)
    assert done.returncode == 0, done.stderr
    assert len(call("export", job).stdout.splitlines()) == PAGES + 1
    exported = call("export", job, "--format", "hocr", "--out", tmp_path / "hocr")
    assert exported.returncode == 0, exported.stderr
    written = {str(path.relative_to(tmp_path / "hocr")) for path in tmp_path.glob("hocr/**/*.hocr")}
    assert len(written) == PAGES + 1 - 16
    some = {"pictures/00.hocr", "pictures/sub/00.hocr", "a.zip/00.hocr", "b.tar.gz/19.hocr"}
    assert some <= written
    blocked = tmp_path / "partly" / "a.zip" / "00.hocr"
    blocked.mkdir(parents=True)
    partly = call("export", job, "--format", "hocr", "--out", tmp_path / "partly")
    assert partly.returncode == ExitCode.UNEXPECTED
    assert f"{blocked}: cannot be written: Is a directory" in partly.stderr
    rest = {path for path in tmp_path.glob("partly/**/*.hocr") if path.is_file()}
    assert len(rest) == len(written) - 1
    refused = call("export", job, "--format", "hocr")
    assert f"{PAGES + 1 - 16} sources make several documents" in refused.stderr
    assert call("export", job, "--format", "parquet").returncode == ExitCode.USAGE
    exported = call("export", job, "--format", "parquet", "--out", tmp_path / "table")
    assert exported.returncode == 0, exported.stderr
    rows = pyarrow.parquet.read_table(tmp_path / "table" / "pages.parquet").to_pylist()
    assert len(rows) == PAGES + 1
    assert list(rows[0]) == ["source", "member", "page_index", "sha256", "text", "page"]
    assert json.loads(rows[0]["page"])["source"]["sha256"] == rows[0]["sha256"]


def test_a_page_that_ends_the_process_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly.install_deadly(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    (tmp_path / "in").mkdir()
    for number, shade in enumerate([(1, 1, 1), deadly.EXITS, (1, 1, 2)]):
        (tmp_path / "in" / f"{number}.png").write_bytes(picture(*shade))
    job = tmp_path / "job"
    named = ("--detector", "whole_image", "--recognizer", "deadly")
    done = call(tmp_path / "in", *named, "--out", job)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert any(line.endswith("pages, now read one by one; going on") for line in lines)
    assert lines[-1].startswith("ocr-plugin: 2 pages") and "1 errors" in lines[-1]
    assert "files done before" not in lines[-1] and "Traceback" not in done.stderr
    status = json.loads(call("status", job).stdout)
    assert (status["pages"], status["errors"]) == (2, 1)


def test_a_signal_finishes_what_was_begun(tmp_path: Path) -> None:
    process = at_work(tmp_path / "job", noise(tmp_path / "in", 400))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert "stopped; run the same command to resume" in err
    assert 0 < pages(tmp_path / "job") < 400


def test_ctrl_c_reaches_all_processes_and_harms_none(tmp_path: Path) -> None:
    process = at_work(tmp_path / "job", noise(tmp_path / "in", 400))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert "Traceback" not in err and "errors" in err and " 0 errors" in err
    assert 0 < pages(tmp_path / "job") < 400


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    process = at_work(tmp_path / "job", noise(tmp_path / "in", 400))
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert "ended; run the same command to resume" in err and "Traceback" not in err
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert 0 < pages(tmp_path / "job") < 400


def test_too_many_errors_are_one_line_though_pages_are_being_read(tmp_path: Path) -> None:
    folder = noise(tmp_path / "in", 300)
    for number in range(60, 160):
        (folder / f"{number:03}.png").write_bytes(b"no picture %d" % number)
    done = call(folder, *CHOSEN, "--out", tmp_path / "job", "--max-error-rate", "0.1")
    assert done.returncode == ExitCode.UNEXPECTED, done.stderr
    assert "pages failed; see errors.jsonl" in done.stderr.splitlines()[-1]
    assert pages(tmp_path / "job") < 200


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.nightly
def test_a_disk_that_is_full_or_read_only(tmp_path: Path, disk: Path) -> None:
    folder, job = noise(tmp_path / "in", 300), disk / "job"
    (disk / "ballast").write_bytes(bytes(250_000))
    done = call(folder, *CHOSEN, "--out", job)
    assert done.returncode == ExitCode.UNEXPECTED, done.stderr
    last = done.stderr.splitlines()[-1]
    assert str(job) in last and ("No space left" in last or "full" in last)
    (disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
    assert pages(job) < 300
    done = call(folder, *CHOSEN, "--out", job)
    assert done.returncode == 0, done.stderr
    assert pages(job) == 300
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert json.loads(call("status", job).stdout)["pages"] == 300
    assert call("verify", job).returncode == 0
    assert len(call("export", job).stdout.splitlines()) == 300
    done = call(folder, *CHOSEN, "--out", job)
    assert done.returncode == ExitCode.UNEXPECTED
    assert f"{job}: cannot be written: Read-only file system" in done.stderr


def test_that_nothing_was_found_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(picture(1, 1, 1))
    done = call(tmp_path / "in", *CHOSEN, "--out", tmp_path / "job", "--include", "*.xyz")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.splitlines()[-1].startswith("ocr-plugin: error: no file matched")
    for _ in range(2):  # other patterns are no change of a job without records
        done = call(tmp_path / "in", *CHOSEN, "--out", tmp_path / "job")
        assert done.returncode == 0, done.stderr
    (tmp_path / "in" / "a.png").unlink()
    assert call(tmp_path / "in", *CHOSEN, "--out", tmp_path / "job").returncode == 0


def test_a_line_tells_what_was_recorded_and_fits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(seconds=20, duplicates=7, volume=1, total_volume=3)
    assert batch_progress.summary(progress).startswith("7 pages (0.3/s), 0:00:40 left, 0 errors")
    assert "left" not in batch_progress.summary(replace(progress, is_over=True))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "21")
    with batch_progress.show_progress() as tell:
        tell(progress)
    assert capsys.readouterr().err == "\r\x1b[K7 pages (0.3/s), 0:0\r\x1b[K"


def test_help_points_to_the_options_and_ray_takes_none_of_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["batch", "--help"]) == 0
    assert "batch run --help" in " ".join(capsys.readouterr().out.split())
    assert app.main(["batch", "run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"--max-{name}" in shown for name in ("bytes", "ratio", "depth"))
    for option in ("--readers", "--decoders"):
        arguments = ["batch", str(tmp_path), "--out", str(tmp_path / "job"), "--engine", "ray"]
        assert app.main([*arguments, option, "2"]) == ExitCode.USAGE
        assert "do not apply to --engine ray" in capsys.readouterr().err


def test_without_the_extra_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch, "find_spec", lambda name: None if name == "pebble" else name)
    assert app.main(["batch", "status", "nowhere"]) == ExitCode.USAGE
    assert "pebble is missing: pip install 'ocr-plugin[batch]'" in capsys.readouterr().err

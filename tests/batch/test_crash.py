"""Batch jobs that end early: killed, stopped, out of disk; nothing lost, nothing twice."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from ocr_plugin.batch import job_folder as job_folder
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.manifest import FILE_NAME, Manifest
from ocr_plugin.batch.records.recorder import TooManyErrors
from ocr_plugin.batch.records.shards import shard_path
from ocr_plugin.batch.verification import problems
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.protocols import RGB, Reading
from tests.archives import archives, document, errors, picture, records
from tests.jobs import OPTIONS, Shades, assert_whole, engine, run

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


# A run in a process of its own, which says when a group is written.
RUN = """
import sys
from pathlib import Path
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.job import Job
from tests.jobs import OPTIONS, Shades, engine

class Slow(Shades):
    def recognize(self, crops):
        import time
        time.sleep(0.1 * len(crops))
        return super().recognize(crops)

if __name__ == "__main__":
    Job(Path(sys.argv[1]), OPTIONS).run(
        sys.argv[2:],
        RunOptions(decoders=1, readers=1, group=2),
        engine=engine(Slow()),
        tell=lambda progress: print("told", flush=True),
    )
"""


def test_a_limit_and_a_stop_end_early_and_the_rest_follows(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    first = run(tmp_path / "job", sources, limit=12)
    assert first.stopped and 0 < first.pages <= 12
    assert list(problems(tmp_path / "job")) == []
    asked = iter(range(10**9))
    second = run(tmp_path / "job", sources, stop=lambda: next(asked) > 40)
    assert second.stopped and second.pages
    third = run(tmp_path / "job", sources)
    assert not third.stopped
    assert_whole(tmp_path / "job")
    run(tmp_path / "straight", sources)
    assert records(tmp_path / "job") == records(tmp_path / "straight")


@pytest.mark.parametrize("moment", [0, 1])
def test_the_errors_are_whole_though_their_rewriting_was_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(b"no picture " + name.encode())
    sources = [str(tmp_path / f"{name}.png") for name in "abc"]
    run(tmp_path / "job", sources)
    (tmp_path / "b.png").write_bytes(picture(1, 1, 1))
    replace_file, move = Path.replace, Manifest.move_errors

    def ended(self: Any, *rest: Any) -> Any:
        if isinstance(self, Path) and self.name != "errors.new":
            return replace_file(self, *rest)
        raise KeyboardInterrupt

    # Before the manifest knows the new file, and after.
    owner, name = ((Manifest, "move_errors"), (Path, "replace"))[moment]
    monkeypatch.setattr(owner, name, ended)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "job", sources, retry_errors=True)
    monkeypatch.setattr(Path, "replace", replace_file)
    monkeypatch.setattr(Manifest, "move_errors", move)
    run(tmp_path / "job", sources)
    assert [error["source"] for error in errors(tmp_path / "job")] == [sources[0], sources[2]]
    assert_whole(tmp_path / "job", 1, 2)


def test_an_error_that_a_killed_run_left_open_is_ended(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../a.png", b"")
    run(tmp_path / "job", [str(tmp_path / "a.zip")])
    database = sqlite3.connect(tmp_path / "job" / FILE_NAME)
    with database:
        database.execute("UPDATE files SET complete = 0, page_count = 0")
    database.close()
    assert run(tmp_path / "job", [str(tmp_path / "a.zip")]).errors == 0
    assert_whole(tmp_path / "job", 0, 1)


def test_too_many_errors_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(150):
        (tmp_path / "in" / f"{number:03}.png").write_bytes(b"no picture %d" % number)
    with pytest.raises(TooManyErrors, match="100 of 100 pages failed"):
        run(tmp_path / "job", [str(tmp_path / "in")], max_error_rate=0.5)
    assert list(problems(tmp_path / "job")) == []


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    with (
        FileLock(tmp_path / "job" / "lock"),
        pytest.raises(ConfigurationError, match="in use by another run"),
    ):
        run(tmp_path / "job", [str(tmp_path)])


@pytest.mark.parametrize("place", ["/proc/nothing/job", "/dev/null/job"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, place: str) -> None:
    with pytest.raises(OcrError, match=f"{place}: cannot be written: "):
        run(Path(place), [str(tmp_path)])


def test_what_ends_a_run_early_waits_for_its_threads(tmp_path: Path) -> None:
    class Long(Shades):
        is_at_it = False

        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            self.is_at_it = True
            time.sleep(0.3)
            self.is_at_it = False
            return super().recognize(crops)

    for number in range(8):
        (tmp_path / f"{number}.png").write_bytes(picture(1, number, 1))

    def failing(progress: Progress) -> None:
        raise OcrError("no room")

    with pytest.raises(OcrError, match="no room"):
        Job(tmp_path / "job", OPTIONS).run(
            [str(tmp_path)],
            RunOptions(decoders=1, readers=1, group=1),
            engine=engine(recognizer := Long()),
            tell=failing,
        )
    assert not recognizer.is_at_it
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocr-read")]


def test_a_full_disk_is_not_taken_for_a_bad_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.tiff").write_bytes(document((1, 1, 1)))

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OcrError, match="cannot be written: No space left on device"):
        run(tmp_path / "job", [str(tmp_path / "a.tiff")])
    monkeypatch.undo()
    (tmp_path / "job" / "ocr-batch-of-a-killed-run").mkdir()
    assert run(tmp_path / "job", [str(tmp_path / "a.tiff")]).pages == 1
    assert not list((tmp_path / "job").glob("ocr-batch-*"))


def test_only_what_concerns_the_folder_is_told_as_its_own(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="elsewhere"), job_folder.locked(tmp_path / "job"):
        raise OSError(5, "elsewhere")


def test_what_was_not_committed_is_cut_off(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    run(tmp_path / "job", sources, limit=20)
    for number in (0, 1):
        with shard_path(tmp_path / "job", number).open("ab") as file:
            file.write(b"half a record")
    shard_path(tmp_path / "job", 2).write_bytes(b"a shard that was begun")
    run(tmp_path / "job", sources)
    assert_whole(tmp_path / "job")


def test_records_that_are_gone_are_noticed(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    run(tmp_path / "job", sources, limit=20)
    os.truncate(shard_path(tmp_path / "job", 1), 10)
    with pytest.raises(OcrError, match=r"10 bytes, where \d+ were written; see batch verify"):
        run(tmp_path / "job", sources)
    (tmp_path / "job" / FILE_NAME).write_bytes(b"no database" * 1000)
    with pytest.raises(OcrError, match=FILE_NAME):
        run(tmp_path / "job", sources)


def begun(script: Path, job: Path, sources: Sequence[str], **how: Any) -> subprocess.Popen[str]:
    script.write_text(RUN)
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, str(script), str(job), *sources],
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **how,
    )


@pytest.mark.parametrize("most", [4, pytest.param(20, marks=pytest.mark.nightly)])
def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path, most: int) -> None:
    sources = archives(tmp_path)
    run(tmp_path / "straight", sources)
    chance = random.Random(7)
    kills = jobs = 0
    while kills < most:
        job = tmp_path / f"job{jobs}"
        process = begun(tmp_path / "run.py", job, sources)
        assert process.stdout is not None
        # Some die before the first group is written, most somewhere after it.
        groups = chance.choice([0, 1, 1, 2])
        for _ in range(groups):
            process.stdout.readline()
        try:
            process.wait(chance.uniform(0, 0.15 if groups else 2))
            jobs += 1  # it was quicker; the next job begins anew
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        _, err = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), err
        if (job / FILE_NAME).exists():
            assert list(problems(job)) == []
    final = begun(tmp_path / "run.py", tmp_path / f"job{jobs}", sources)
    _, err = final.communicate(timeout=60)
    assert final.returncode == 0, err
    for number in range(jobs + 1):
        assert_whole(tmp_path / f"job{number}")
        assert records(tmp_path / f"job{number}") == records(tmp_path / "straight")
    assert not list(tmp_path.glob("job*/ocr-batch-*"))


def test_a_full_disk_is_told_and_the_job_goes_on_later(tmp_path: Path) -> None:
    sources = archives(tmp_path)

    def small() -> None:
        # A file may not grow past this, as on a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    run(tmp_path / "job", sources, limit=4)  # the manifest exists
    process = begun(tmp_path / "run.py", tmp_path / "job", sources, preexec_fn=small)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    last = err.strip().splitlines()[-1]
    assert "OcrError" in last and str(tmp_path / "job") in last
    run(tmp_path / "job", sources)
    assert_whole(tmp_path / "job")

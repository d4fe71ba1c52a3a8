"""Detectors and recognizers that end the process, or stall: each costs its page alone."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ocr_plugin.batch import watched_process
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.journal import NAME
from ocr_plugin.batch.supervised_job import SupervisedJob
from ocr_plugin.batch.verification import problems
from ocr_plugin.errors import ConfigurationError, OcrError
from tests.archives import errors, picture
from tests.deadly import CRASHES, ENDS_WELL, EXITS, IS_KILLED, OPTIONS, STALLS, install_deadly
from tests.jobs import assert_whole

Shade = tuple[int, int, int]
HOW = {"decoders": 1, "readers": 1, "group": 8}


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_deadly(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")


def folder_of(folder: Path, count: int, odd: dict[int, Shade]) -> list[str]:
    """Makes pages of which some have a shade of their own."""
    folder.mkdir()
    for number in range(count):
        shade = odd.get(number, (1, number // 200, number % 200))
        (folder / f"{number:03}.png").write_bytes(picture(*shade))
    return [str(folder)]


def supervised(job: Path, sources: Sequence[str], **how: object) -> tuple[Progress, list[str]]:
    """Returns what a job did, and what it warned of."""
    warned: list[str] = []
    run = RunOptions.parse(HOW | how)
    done = SupervisedJob(job, OPTIONS, warn=warned.append).run(sources, run)
    return done, warned


def kinds(job: Path) -> list[tuple[str, str, str]]:
    return sorted(
        (error["member"], error["error"]["kind"], error["error"]["message"])
        for error in errors(job)
    )


def test_each_page_that_ends_the_process_is_an_error_and_no_other(tmp_path: Path) -> None:
    odd = {0: EXITS, 40: CRASHES, 41: IS_KILLED, 79: ENDS_WELL}
    done, warned = supervised(tmp_path / "job", folder_of(tmp_path / "in", 80, odd))
    assert kinds(tmp_path / "job") == [
        ("000.png", "ReaderDied", "reading ended the process (exit code 7)"),
        ("040.png", "ReaderDied", "reading ended the process (SIGSEGV)"),
        ("041.png", "ReaderDied",
         "reading ended the process (SIGKILL, perhaps for want of memory)"),
        ("079.png", "ReaderDied", "reading ended the process (exit code 0)"),
    ]  # fmt: skip
    assert_whole(tmp_path / "job", 76, 4)
    # The summary is that of the command, not that of its last process.
    assert (done.pages, done.errors, done.skipped, done.files) == (76, 4, 0, 80)
    # Each page ends the process alone, and at most once before among others.
    assert 5 <= len(warned) <= 8 and "now read one by one; going on" in warned[0]
    assert not (tmp_path / "job" / NAME).exists()


def test_a_page_that_keeps_python_from_running_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_process, "_GRACE_S", 8.0)
    sources = folder_of(tmp_path / "in", 1, {0: STALLS})
    _, warned = supervised(tmp_path / "job", sources, read_seconds=0.5)
    assert len(warned) == 2
    stalled = ("000.png", "TimeLimit", "reading made no progress in 0.5 s")
    assert kinds(tmp_path / "job") == [stalled]
    assert_whole(tmp_path / "job", 0, 1)


def test_a_plugin_that_always_dies_does_not_go_on_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_plugin.batch.supervised_job._MOST_DEATHS", 3)
    odd = {number: (255, 0, number + 1) for number in range(6)}
    sources = folder_of(tmp_path / "in", 6, odd)
    with pytest.raises(OcrError, match=r"\(exit code 2\), as 3 times in a row"):
        supervised(tmp_path / "job", sources)
    # What it has found out stays.
    assert [kind for _, kind, _ in kinds(tmp_path / "job")] == ["ReaderDied"]


def test_what_ends_a_run_is_raised_where_it_was_begun(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing: no such file or folder"):
        supervised(tmp_path / "job", [str(tmp_path / "nothing")])
    sources = folder_of(tmp_path / "in", 30, {})

    def failing(progress: Progress) -> None:
        raise ValueError("the caller's own")

    with pytest.raises(ValueError, match="the caller's own"):
        SupervisedJob(tmp_path / "job", OPTIONS).run(sources, RunOptions.parse(HOW), tell=failing)
    assert list(problems(tmp_path / "job")) == []
    stopped = SupervisedJob(tmp_path / "job", OPTIONS).run(
        sources, RunOptions.parse(HOW), stop=lambda: True
    )
    assert stopped.stopped

"""The journal of pages that were begun, and what follows from it in the next run."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocr_plugin.batch.job import Job
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records import journal
from ocr_plugin.batch.records.journal import NAME, Journal, PageKey, Suspicion, note_death
from ocr_plugin.engine.reader_threads import ReadersStalled
from ocr_plugin.errors import OcrError
from ocr_plugin.protocols import RGB, Reading
from tests.archives import errors, picture
from tests.jobs import OPTIONS, Shades, assert_whole, engine

A, B, C = (PageKey(name * 64, 0) for name in "abc")


def died(folder: Path, page: PageKey, *, alone: bool = False, seen: bool = False) -> None:
    """A run dies while it reads a page."""
    begun = Journal(folder)
    begun.begin(page, alone=alone)
    begun.close()
    if seen:
        assert note_death(folder, "ReaderDied", "it was seen") == 1


def known(folder: Path, page: PageKey, *, forgive: bool = False) -> Suspicion | None:
    """Returns what the next run knows against a page."""
    opened = Journal(folder, forgive=forgive)
    opened.close()
    return opened.suspicion(page)


def test_only_pages_that_were_not_ended_are_suspected(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    for page in (A, B, C):
        first.begin(page)
    first.end(B)
    first.close()
    again = Journal(tmp_path)
    assert [again.suspicion(page) for page in (A, B, C)] == [Suspicion(), None, Suspicion()]
    again.begin(A, alone=True)
    again.end(A)
    again.end_run()
    assert (known(tmp_path, A), known(tmp_path, C)) == (None, Suspicion())
    last = Journal(tmp_path)
    last.forget()
    last.end_run()
    assert not (tmp_path / NAME).exists()


def test_a_page_is_given_up_when_its_death_was_seen_or_came_twice(tmp_path: Path) -> None:
    died(tmp_path, A, seen=True)
    died(tmp_path, A, alone=True, seen=True)
    for _ in range(2):
        died(tmp_path, B, alone=True)
    died(tmp_path, C, alone=True)
    for _ in range(2):
        assert known(tmp_path, A) == Suspicion(2, "ReaderDied", "it was seen")
        unseen = known(tmp_path, B)
        assert unseen is not None and unseen.kind == "ReaderDied" and "twice" in unseen.reason
        assert known(tmp_path, C) == Suspicion(1)
    # A retry gives each another chance, by itself.
    assert known(tmp_path, A, forgive=True) == Suspicion()


def test_torn_lines_and_a_long_journal_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_MOST_BYTES", 1000)
    long = Journal(tmp_path)
    long.begin(A)
    for index in range(100):
        long.begin(PageKey(B.sha256, index))
        long.end(PageKey(B.sha256, index))
    long.close()
    assert (tmp_path / NAME).stat().st_size < 1500
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\0\0\xff\nbegun\nsuspect x\nended " + B.sha256.encode() + b" 1\nbegun abc")
    assert note_death(tmp_path, "ReaderDied", "after all") == 1
    assert known(tmp_path, A) == Suspicion()
    assert note_death(tmp_path / "nowhere", "ReaderDied", "no journal") == 0


class Hanging(Shades):
    """Stalls at pages with a red of 255 until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        if any(crop[0, 0, 0] == 255 for crop in crops):
            self.goes_on.wait(60)
        return super().recognize(crops)


@contextmanager
def hanging() -> Iterator[Hanging]:
    recognizer = Hanging()
    try:
        yield recognizer
    finally:
        recognizer.goes_on.set()


def through(job: Path, source: Path, *, readers: int = 1, retry: bool = False) -> int:
    """Runs a job until it ends, as if each process that stalls were replaced; returns how many."""
    after: Progress | None = None
    told: list[Progress] = []
    for count in range(1, 10):
        with hanging() as recognizer:
            try:
                Job(job, OPTIONS).run(
                    [str(source)],
                    RunOptions(decoders=1, readers=readers, group=4, read_seconds=0.3,
                               retry_errors=retry),
                    engine=engine(recognizer),
                    tell=lambda progress: told.append(progress) if progress.is_written else None,
                    after=after,
                )  # fmt: skip
                return count
            except ReadersStalled:
                after = told[-1] if told else None
    raise AssertionError("it never ends")


@pytest.mark.parametrize(("count", "bad"), [(1, {0}), (20, {0, 11, 12, 19})])
def test_pages_that_stall_are_errors_and_the_rest_is_read(
    tmp_path: Path, count: int, bad: set[int]
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(count):
        shade = (255 if number in bad else 1, number, 2)
        (tmp_path / "in" / f"{number:02}.png").write_bytes(picture(*shade))
    assert through(tmp_path / "job", tmp_path / "in", readers=2) <= 2 * len(bad) + 1
    told = errors(tmp_path / "job")
    assert sorted(error["member"] for error in told) == [f"{n:02}.png" for n in sorted(bad)]
    assert {error["error"]["kind"] for error in told} == {"TimeLimit"}
    assert {error["error"]["message"] for error in told} == {"reading made no progress in 0.3 s"}
    assert_whole(tmp_path / "job", count - len(bad), len(bad))
    assert through(tmp_path / "job", tmp_path / "in", retry=True) <= 2 * len(bad) + 1
    assert_whole(tmp_path / "job", count - len(bad), len(bad))


def test_an_orderly_end_leaves_no_suspicion(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(picture(1, number, 1))

    def interrupted(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Job(tmp_path / "job", OPTIONS).run(
            [str(tmp_path)], RunOptions(readers=1, group=1), engine=engine(), tell=interrupted
        )
    assert not (tmp_path / "job" / NAME).exists()
    Job(tmp_path / "job", OPTIONS).run([str(tmp_path)], engine=engine())
    assert_whole(tmp_path / "job", 4, 0)


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, KeyboardInterrupt])
def test_what_a_plugin_raises_never_ends_a_job(tmp_path: Path, kind: type[BaseException]) -> None:
    class Raising(Shades):
        def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
            if any(crop[0, 0, 0] == 255 for crop in crops):
                raise kind("enough")
            return super().recognize(crops)

    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(picture(255 if number == 2 else 1, number, 1))
    done = Job(tmp_path / "job", OPTIONS).run([str(tmp_path)], engine=engine(Raising()))
    assert (done.pages, done.errors) == (3, 1)
    (error,) = errors(tmp_path / "job")
    assert error["member"] == "2.png" and "enough" in error["error"]["message"]


def test_a_journal_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(OcrError, match=f"{NAME}: cannot be read: Is a directory"):
        Journal(tmp_path)

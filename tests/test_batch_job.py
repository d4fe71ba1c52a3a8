"""Batch jobs: nothing lost, nothing twice, whatever happens in between."""

import io
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from filelock import FileLock
from PIL import Image

from ocr_plugin.batch import decoding, recorder
from ocr_plugin.batch import folder as job_folder
from ocr_plugin.batch.folder import JOB_NAME
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.manifest import FILE_NAME, Manifest
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.recorder import TooManyErrors
from ocr_plugin.batch.records import read_records, shard_path
from ocr_plugin.batch.rows import Group
from ocr_plugin.batch.sources import members
from ocr_plugin.batch.verification import problems
from ocr_plugin.detectors.whole_image import WholeImage
from ocr_plugin.engine import Engine
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.options import EngineOptions, ImageOptions
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component
from tests import hostile
from tests.archives import ERRORS, PAGES, archives, document, errors, picture, records

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


class Shades:
    """Reads a page's shade, and counts its crops."""

    component = Component(name="shades", version="1")
    unit: Unit = "word"

    def __init__(self) -> None:
        self.count = 0

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        self.count += len(crops)
        return [Reading("s" + "-".join(map(str, crop[0, 0])), 0.9) for crop in crops]


def engine(recognizer: Shades | None = None) -> Engine:
    return Engine(WholeImage(), recognizer or Shades())


OPTIONS = JobOptions(engine=EngineOptions(images=ImageOptions(max_pixels=1_000_000)))


def run(
    job: Path, sources: Sequence[str], recognizer: Shades | None = None, **how: Any
) -> Progress:
    stop: Callable[[], bool] = how.pop("stop", lambda: False)
    options = RunOptions.parse({"decoders": 1, "readers": 1, "group": 8} | how)
    return Job(job, OPTIONS).run(sources, options, engine=engine(recognizer), stop=stop)


def assert_whole(job: Path, pages: int = PAGES, failed: int = ERRORS) -> None:
    assert list(problems(job)) == []
    with Manifest(job) as manifest:
        counts = manifest.counts()
    assert (counts["pages"], counts["errors"]) == (pages, failed)
    assert counts["files"] == counts["complete_files"]
    places = Counter((r["source"], r["member"], r["page_index"]) for r in read_records(job))
    assert len(places) == pages and set(places.values()) <= {1}


def test_every_page_of_every_source_is_recorded_once(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    done = run(tmp_path / "job", sources, shades := Shades())
    assert (done.pages, done.errors, done.duplicates) == (PAGES - 10, ERRORS, 10)
    assert shades.count == PAGES - 10 == done.crops
    assert_whole(tmp_path / "job")
    texts = {
        (record["member"], record["page_index"]): record["page"]["blocks"][0]["lines"][0]["words"]
        for record in read_records(tmp_path / "job")
        if record["source"].endswith("a.zip")
    }
    assert texts["07.png", 0][0]["text"] == "s2-7-0"
    assert texts["twin.tiff", 8][0]["text"] == "s4-8-0"
    assert [(error["member"], error["error"]["kind"]) for error in errors(tmp_path / "job")] == [
        ("bad.png", "UnreadableImage"), ("../escaped.png", "BadMember"),
    ]  # fmt: skip


def test_run_again_it_does_what_is_missing(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    run(tmp_path / "job", sources)
    before = records(tmp_path / "job")
    again = run(tmp_path / "job", sources, shades := Shades())
    assert (again.pages, again.errors, shades.count) == (0, 0, 0)
    (tmp_path / "pictures" / "new.png").write_bytes(picture(7, 7, 7))
    more = run(tmp_path / "job", sources, shades)
    assert (more.pages, shades.count) == (1, 1)
    assert set(before) < set(records(tmp_path / "job"))
    assert_whole(tmp_path / "job", PAGES + 1)


def test_the_same_content_is_read_once_though_nothing_is_written_yet(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(picture(1, 1, 1))
    done = run(tmp_path / "job", [str(tmp_path)], shades := Shades(), group=1000)
    assert (shades.count, done.pages, done.duplicates) == (1, 1, 2)
    assert_whole(tmp_path / "job", 3, 0)
    names = {record["page"]["source"]["name"] for record in read_records(tmp_path / "job")}
    assert names == {f"{tmp_path}!/{name}.png" for name in "abc"}


def test_what_is_left_is_told_by_the_bytes(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.png").write_bytes(picture(1, number, 0))
    told: list[Progress] = []
    options = RunOptions(decoders=1, readers=1, group=1)
    job = Job(tmp_path / "job", OPTIONS)
    job.run([str(tmp_path)], options, engine=engine(), tell=lambda now: told.append(replace(now)))
    assert told[-1].volume == told[-1].total_volume
    assert told[-1].seconds_left is None
    middle = Progress(seconds=10, volume=300, skipped_volume=100, total_volume=500)
    assert middle.seconds_left == pytest.approx(10)
    assert replace(middle, is_over=True).seconds_left is None
    assert replace(middle, seconds=2).seconds_left is None


@pytest.mark.slow
def test_a_document_of_ten_thousand_pages_is_read(tmp_path: Path) -> None:
    document = pypdfium2.PdfDocument.new()
    for _ in range(10_000):
        document.new_page(40, 30)
    document.save(tmp_path / "a.pdf")
    (tmp_path / "b.png").write_bytes(picture(1, 1, 1))
    run(tmp_path / "job", [str(tmp_path)], limit=5_000)
    assert run(tmp_path / "job", [str(tmp_path)]).pages <= 5_001
    assert_whole(tmp_path / "job", 10_001, 0)


def test_a_file_with_another_content_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    run(tmp_path / "job", [str(tmp_path / "a.png")])
    (tmp_path / "a.png").write_bytes(picture(2, 2, 2))
    os.utime(tmp_path / "a.png", (1, 1))
    assert run(tmp_path / "job", [str(tmp_path / "a.png")]).pages == 1
    assert list(problems(tmp_path / "job")) == []


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


def test_errors_are_tried_again_when_asked(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(picture(1, 1, 1))
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    sources = [str(tmp_path / "in")]
    assert run(tmp_path / "job", sources).errors == 1
    assert run(tmp_path / "job", sources).errors == 0
    assert run(tmp_path / "job", sources, retry_errors=True).errors == 1
    assert_whole(tmp_path / "job", 1, 1)
    (tmp_path / "in" / "b.png").write_bytes(picture(2, 2, 2))
    mended = run(tmp_path / "job", sources, retry_errors=True)
    assert (mended.pages, mended.errors, errors(tmp_path / "job")) == (1, 0, [])
    assert_whole(tmp_path / "job", 2, 0)


def test_errors_of_sources_that_are_not_named_are_kept(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(b"no picture " + name.encode())
    sources = [str(tmp_path / f"{name}.png") for name in "abc"]
    assert run(tmp_path / "job", sources).errors == 3
    (tmp_path / "b.png").write_bytes(picture(1, 1, 1))
    again = run(tmp_path / "job", sources[1:2], retry_errors=True)
    assert (again.pages, again.errors) == (1, 0)
    assert [error["source"] for error in errors(tmp_path / "job")] == [sources[0], sources[2]]
    assert_whole(tmp_path / "job", 1, 2)
    assert run(tmp_path / "job", sources, retry_errors=True).errors == 2
    assert_whole(tmp_path / "job", 1, 2)


def test_the_error_of_an_archive_that_was_mended_goes(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in (1, 2):
            data = picture(1, number, 1)
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[:1100])
    sources = [str(tmp_path / "a.tar")]
    assert run(tmp_path / "job", sources).pages == 1
    (tmp_path / "a.tar").write_bytes(whole)
    assert run(tmp_path / "job", sources).pages == 1
    assert [error["member"] for error in errors(tmp_path / "job")] == ["*"]
    assert run(tmp_path / "job", sources, retry_errors=True).pages == 0
    assert errors(tmp_path / "job") == []
    assert_whole(tmp_path / "job", 2, 0)


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

    def ended(self: Any, *_: Any) -> Any:
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


def test_what_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(picture(1, 1, 1))
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("c.png", picture(2, 2, 2))
    (tmp_path / "all.txt").write_text("in/a.png\nin/a.png\nz.zip\nin/b.png\n./in/b.png\n")
    names = ("in", "in/", "z.zip", "all.txt", "in/a.png", "in/a.png", "all.txt")
    done = run(tmp_path / "job", [f"{tmp_path}/{name}" for name in names], group=1000)
    assert (done.pages, done.duplicates) == (2, 1)
    assert_whole(tmp_path / "job", 3, 2)
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        for name in ("a.png", "a.png", "a.png#2", "a.png"):
            tar.add(tmp_path / "in" / "a.png", name)
    run(tmp_path / "other", [str(tmp_path / "t.tar")], group=1000)
    assert_whole(tmp_path / "other", 3, 0)  # the name that ends with #2 is no picture's


def test_a_touched_file_is_hashed_once_more_and_then_known(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    source = str(tmp_path / "a.png")
    run(tmp_path / "job", [source])
    os.utime(source, (1, 1))
    assert run(tmp_path / "job", [source]).skipped == 1
    (member,) = members([source], OPTIONS.sources)
    with Manifest(tmp_path / "job") as manifest:
        assert manifest.is_complete(member.source, member.name, member.fingerprint)
    assert_whole(tmp_path / "job", 1, 0)


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


def test_a_tar_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    for number in (1, 2):
        data = picture(1, number, 1)
        with tarfile.open(path, "w") as tar:
            entry = tarfile.TarInfo("a.png")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        assert run(tmp_path / "job", [str(path)]).pages == 1


def test_too_many_errors_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(150):
        (tmp_path / "in" / f"{number:03}.png").write_bytes(b"no picture %d" % number)
    with pytest.raises(TooManyErrors, match="100 of 100 pages failed"):
        run(tmp_path / "job", [str(tmp_path / "in")], max_error_rate=0.5)
    assert list(problems(tmp_path / "job")) == []


def test_other_options_are_refused_unless_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    sources = [str(tmp_path / "a.png")]
    run(tmp_path / "job", sources)
    other = Job(tmp_path / "job", OPTIONS.model_copy(update={"detector": "whole_image"}))
    with pytest.raises(ConfigurationError, match='detector "dbnet" -> "whole_image"'):
        other.run(sources, engine=engine())
    other.run(sources, RunOptions(accept_changes=True), engine=engine())
    other.run(sources, engine=engine())
    (change,) = json.loads((tmp_path / "job" / JOB_NAME).read_text())["history"]
    assert change["changes"] == ['options.detector "dbnet" -> "whole_image"']


def test_other_libraries_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    run(tmp_path / "job", [str(tmp_path / "a.png")])
    told = json.loads((tmp_path / "job" / JOB_NAME).read_text())
    assert {"onnxruntime", "torch", "rapidocr", "pillow"} <= told["versions"].keys()
    monkeypatch.setattr(job_folder, "_versions", lambda: told["versions"] | {"torch": "0"})
    for _ in range(2):
        run(tmp_path / "job", [str(tmp_path / "a.png")])
    after = json.loads((tmp_path / "job" / JOB_NAME).read_text())
    (change,) = after.pop("history")
    assert change["changes"] == [f'torch "{told["versions"]["torch"]}" -> "0"']
    assert after["begun"] == told["begun"]


def test_a_source_that_is_not_there_begins_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    with pytest.raises(ConfigurationError, match="gone: no such file or folder"):
        run(tmp_path / "job", [str(tmp_path / "a.png"), str(tmp_path / "gone")])
    assert not (tmp_path / "job").exists()


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    with (
        FileLock(tmp_path / "job" / "lock"),
        pytest.raises(ConfigurationError, match="another run is at it"),
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


def test_a_manifest_of_another_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    run(tmp_path / "job", [str(tmp_path / "a.png")])
    database = sqlite3.connect(tmp_path / "job" / FILE_NAME)
    database.execute("PRAGMA user_version = 1")
    database.close()
    with pytest.raises(OcrError, match="of another version of this program"):
        run(tmp_path / "job", [str(tmp_path / "a.png")])


def test_looking_at_a_job_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    run(tmp_path / "job", [str(tmp_path / "a.png")])
    before = (tmp_path / "job" / FILE_NAME).read_bytes()
    with Manifest(tmp_path / "job", read_only=True) as manifest:
        assert manifest.counts()["pages"] == 1
        with pytest.raises(OcrError, match="readonly"):
            manifest.commit([Group(9, 0, 0, 0, 0)], [], [])
    assert (tmp_path / "job" / FILE_NAME).read_bytes() == before


def test_a_run_over_files_that_are_done_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_TOLD_EVERY_S", 0)
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(picture(1, number, 1))
    run(tmp_path / "job", [str(tmp_path)])
    told: list[int] = []
    Job(tmp_path / "job", OPTIONS).run(
        [str(tmp_path)], engine=engine(), tell=lambda now: told.append(now.skipped)
    )
    assert told == [1, 2, 3, 4, 5, 5]


def test_hostile_pages_are_errors_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_decoded", hostile.decoded)
    (tmp_path / "in").mkdir()
    red, blue = (255, 0, 0), (0, 0, 255)
    (tmp_path / "in" / "a.png").write_bytes(picture(*red))
    (tmp_path / "in" / "b.tiff").write_bytes(document((1, 1, 1), red, (2, 2, 2), blue, (3, 3, 3)))
    (tmp_path / "in" / "c.png").write_bytes(picture(5, 5, 5))
    (tmp_path / "in" / "d.tiff").write_bytes(document(red, red, red, red, red))
    done = run(tmp_path / "job", [str(tmp_path / "in")], page_seconds=3)
    told = [
        (error["member"], error["page_index"], error["error"]["kind"])
        for error in errors(tmp_path / "job")
    ]
    assert sorted(told) == [
        ("a.png", 0, "DecoderDied"), ("b.tiff", 1, "DecoderDied"), ("b.tiff", 3, "TimeLimit"),
        ("d.tiff", 0, "DecoderDied"), ("d.tiff", 1, "DecoderDied"), ("d.tiff", 2, "DecoderDied"),
    ]  # fmt: skip
    assert "pages after it were not tried" in errors(tmp_path / "job")[-1]["error"]["message"]
    assert done.pages == 4
    assert_whole(tmp_path / "job", 4, 6)


def test_pages_too_large_are_errors(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.new("1", (40_000, 50_000)).save(tmp_path / "in" / "huge.png")  # 2 gigapixels, 250 kB
    (tmp_path / "in" / "b.png").write_bytes(picture(1, 2, 3))
    assert run(tmp_path / "job", [str(tmp_path / "in")]).pages == 1
    (error,) = errors(tmp_path / "job")
    assert "40000 x 50000 pixels are more than the limit" in error["error"]["message"]


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


# A run in a process of its own, which says when a group is written.
RUN = """
import sys
from pathlib import Path
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.job import Job
from tests.test_batch_job import OPTIONS, Shades, engine

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


def begun(script: Path, job: Path, sources: Sequence[str], **how: Any) -> subprocess.Popen[str]:
    script.write_text(RUN)
    root = str(Path(__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, str(script), str(job), *sources],
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **how,
    )


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    run(tmp_path / "straight", sources)
    chance = random.Random(7)
    kills = jobs = 0
    while kills < 20:
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
        process.communicate()
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

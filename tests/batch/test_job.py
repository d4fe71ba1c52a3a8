"""Batch jobs: what a run reads and records, and what the next one does."""

import io
import json
import os
import sqlite3
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from ocr_plugin.batch import job_folder as job_folder
from ocr_plugin.batch.inputs.sources import members
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.job_folder import JOB_NAME
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records import recorder
from ocr_plugin.batch.records.manifest import FILE_NAME, Manifest
from ocr_plugin.batch.records.rows import Group
from ocr_plugin.batch.records.shards import read_records
from ocr_plugin.batch.verification import problems
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.options import EngineOptions
from ocr_plugin.pages import decoder_pool
from tests import hostile
from tests.archives import ERRORS, PAGES, archives, document, errors, picture, records
from tests.jobs import OPTIONS, Shades, assert_whole, engine, run
from tests.pictures import FEW_BITS, few_bits

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


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


@pytest.mark.nightly
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


def test_a_tar_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    for number in (1, 2):
        data = picture(1, number, 1)
        with tarfile.open(path, "w") as tar:
            entry = tarfile.TarInfo("a.png")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        assert run(tmp_path / "job", [str(path)]).pages == 1


def test_other_options_are_refused_unless_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    sources = [str(tmp_path / "a.png")]
    run(tmp_path / "job", sources)
    other = Job(tmp_path / "job", OPTIONS.model_copy(update={"detector": "whole_image"}))
    with pytest.raises(ConfigurationError, match='detector "word_line" -> "whole_image"'):
        other.run(sources, engine=engine())
    other.run(sources, RunOptions(accept_changes=True), engine=engine())
    other.run(sources, engine=engine())
    (change,) = json.loads((tmp_path / "job" / JOB_NAME).read_text())["history"]
    assert change["changes"] == ['options.detector "word_line" -> "whole_image"']


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


def test_a_manifest_of_another_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    run(tmp_path / "job", [str(tmp_path / "a.png")])
    database = sqlite3.connect(tmp_path / "job" / FILE_NAME)
    database.execute("PRAGMA user_version = 1")
    database.close()
    with pytest.raises(OcrError, match="of another version of ocr-plugin"):
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
    monkeypatch.setattr(recorder, "_REPORT_EVERY_S", 0)
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
    monkeypatch.setattr(decoder_pool, "_decoded", hostile.decoded)
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


def test_a_defect_at_a_page_is_its_error_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pool, "_decoded", hostile.decoded)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.tiff").write_bytes(document((1, 1, 1), (0, 255, 0), (2, 2, 2)))
    (tmp_path / "in" / "b.png").write_bytes(picture(5, 5, 5))
    (tmp_path / "in" / "c.png").write_bytes(picture(255, 255, 0))
    assert run(tmp_path / "job", [str(tmp_path / "in")], max_memory=3).pages == 3
    error, limited = errors(tmp_path / "job")
    assert (error["page_index"], error["error"]["kind"]) == (1, "ZeroDivisionError")
    assert error["error"]["message"] == "decoding failed: by zero"
    assert limited["error"]["message"] == "decoding failed: 3000000000 bytes"
    assert_whole(tmp_path / "job", 3, 2)


def test_pages_too_large_are_errors(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.new("1", (40_000, 50_000)).save(tmp_path / "in" / "huge.png")  # 2 gigapixels, 250 kB
    (tmp_path / "in" / "b.png").write_bytes(picture(1, 2, 3))
    assert run(tmp_path / "job", [str(tmp_path / "in")]).pages == 1
    (error,) = errors(tmp_path / "job")
    assert "40000 x 50000 pixels are more than the limit" in error["error"]["message"]


def test_a_job_goes_on_with_other_limits_of_memory(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 2, 3))
    run(tmp_path / "job", [str(tmp_path / "a.png")])
    limits = EngineOptions(images=OPTIONS.engine.images, max_memory=2)
    other = OPTIONS.model_copy(update={"engine": limits})
    done = Job(tmp_path / "job", other).run([str(tmp_path / "a.png")], engine=engine())
    assert done.skipped == 1


def test_the_warnings_of_a_page_are_in_its_record(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(few_bits())
    run(tmp_path / "job", [str(tmp_path / "in")])
    (record,) = read_records(tmp_path / "job")
    assert FEW_BITS in record["page"]["warnings"]

"""Documents in a job that claim, or have, more pages than are read."""

from pathlib import Path

import pytest
from PIL import Image

from ocr_plugin.batch.job import Job
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.records.shards import read_records
from ocr_plugin.options import EngineOptions, ImageOptions
from tests.jobs import assert_whole, engine
from tests.pages.test_pdf import claiming, pdf_from
from tests.sources import encoded, noise, plain, tiff_of

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")

OPTIONS = JobOptions(engine=EngineOptions(images=ImageOptions(max_pages=6, pdf_dpi=72)))


def read(folder: Path, job: Path, options: JobOptions = OPTIONS) -> None:
    how = RunOptions(decoders=1, readers=1, group=8)
    Job(job, options).run([str(folder)], how, engine=engine())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


def test_pages_after_the_limit_are_one_error_of_the_job(folder: Path, tmp_path: Path) -> None:
    (folder / "long.tif").write_bytes(tiff_of(*[plain("red", (30, 20))] * 9))
    sheets = [Image.new("RGB", (30, 20), "white")] * 8
    (folder / "long.pdf").write_bytes(encoded(noise(), "PDF", save_all=True, append_images=sheets))
    read(folder, tmp_path / "job")
    assert_whole(tmp_path / "job", pages=12, failed=2)


def test_a_document_that_claims_a_million_pages_ends(folder: Path, tmp_path: Path) -> None:
    (folder / "claim.pdf").write_bytes(pdf_from(claiming(1_000_000)))
    options = JobOptions(engine=EngineOptions(images=ImageOptions(pdf_dpi=72)))
    read(folder, tmp_path / "job", options)
    assert_whole(tmp_path / "job", pages=1, failed=10)


def test_a_picture_that_only_its_name_tells_is_read(folder: Path, tmp_path: Path) -> None:
    data = encoded(noise(), "TGA")
    (folder / "old.tga").write_bytes(data[: data.rindex(b"TRUEVISION") - 8])
    read(folder, tmp_path / "job")
    (record,) = read_records(tmp_path / "job")
    assert record["page"]["source"]["name"].endswith("old.tga")
    assert_whole(tmp_path / "job", pages=1, failed=0)

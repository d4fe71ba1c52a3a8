"""The examples of docs/batch.md, run as they stand there."""

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from ocr_plugin.batch.records.shards import read_records
from tests.examples import Examples, python, shell
from tests.pictures import draw_lines

BATCH = Examples("batch.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working folder: two pictures, and an archive of two more."""
    (tmp_path / "pictures").mkdir()
    for name in ("one", "two", "three", "four"):
        Image.fromarray(draw_lines([(20, 20, name)], size=(200, 80)).pixels).save(
            tmp_path / "pictures" / f"{name}.png"
        )
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for name in ("three", "four"):
            archive.write(tmp_path / "pictures" / f"{name}.png", f"{name}.png")
            (tmp_path / "pictures" / f"{name}.png").unlink()
    return tmp_path


def test_a_job(folder: Path) -> None:
    first, *rest = BATCH.commands("Archives of any size")
    assert "3 pages" in shell(folder, first).stderr
    for command in rest:
        shown = shell(folder, command)
        if "status" in command:
            assert json.loads(shown.stdout)["pages"] == 4
    assert len(list((folder / "pages").rglob("*.hocr"))) == 4
    (example,) = BATCH.blocks("Archives of any size", "python")
    out = python(folder, example)
    assert out.startswith("0 pages, 0 errors, 4 files done before")
    assert all(name in out for name in ("one", "two", "three", "four"))


@pytest.mark.nightly
def test_a_cluster(folder: Path) -> None:
    pytest.importorskip("ray")
    (command,) = BATCH.commands("On a cluster")
    shell(folder, command)
    assert len(list(read_records(folder / "job"))) == 4
    (example,) = BATCH.blocks("On a cluster", "python")
    out = python(folder, example)
    assert "one.png 0" in out and "two.png 0" in out

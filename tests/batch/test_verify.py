"""Verification: what is lost or changed in a job's folder is noticed."""

import random
import sqlite3
from pathlib import Path

import pytest

from ocr_plugin.batch.records.manifest import FILE_NAME, Manifest
from ocr_plugin.batch.records.shards import read_group, shard_path
from ocr_plugin.batch.verification import problems
from tests.archives import archives, picture
from tests.jobs import run

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    run(folder / "job", archives(folder), shard_bytes=2000)
    return folder / "job"


def test_verify_sees_what_is_wrong(job: Path) -> None:
    shards = sorted(job.glob("pages-*"))
    assert len(shards) > 1
    whole = {path: path.read_bytes() for path in [*shards, job / "errors.jsonl"]}
    for path, data in whole.items():
        for wrong in (data[:-1], data[: len(data) // 2] + b"\0" + data[len(data) // 2 + 1 :]):
            path.write_bytes(wrong)
            assert list(problems(job)), path
        path.write_bytes(data)
    assert list(problems(job)) == []
    foreign = job / "pages-00099.jsonl.zst"
    foreign.write_bytes(whole[shards[0]])
    assert any("not in the manifest" in problem for problem in problems(job))
    foreign.unlink()


def test_a_shard_that_was_just_begun_is_no_problem(job: Path) -> None:
    begun = shard_path(job, len(list(job.glob("pages-*"))) + 1)
    begun.write_bytes(b"half a record")
    assert list(problems(job)) == []
    begun.unlink()


def test_every_bit_counts(job: Path) -> None:
    chance = random.Random(3)
    for path in (shard_path(job, 1), job / "errors.jsonl"):
        whole = path.read_bytes()
        for _ in range(60):
            data = bytearray(whole)
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
            assert list(problems(job)), path
        path.write_bytes(whole)
    assert list(problems(job)) == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM pages WHERE page_index = 8",
        "DELETE FROM pages WHERE page_index = 3",
        "DELETE FROM pages WHERE page_index = -1",
        "DELETE FROM groups WHERE frame = 0",
        "UPDATE pages SET page_index = 20 WHERE page_index = 8",
        "UPDATE files SET page_count = 2 WHERE page_count = 1",
    ],
)
def test_a_manifest_that_lost_something_is_a_problem(job: Path, change: str) -> None:
    path = job / FILE_NAME
    whole = path.read_bytes()
    database = sqlite3.connect(path)
    with database:
        database.execute(change)
    database.close()
    assert list(problems(job))
    path.write_bytes(whole)
    assert list(problems(job)) == []


def test_a_group_of_errors_is_read_by_itself(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(30):
        (tmp_path / "in" / f"{number:02}.png").write_bytes(b"no picture %d" % number)
    (tmp_path / "in" / "a.png").write_bytes(picture(1, 1, 1))
    run(tmp_path / "job", [str(tmp_path / "in")], group=10)
    with Manifest(tmp_path / "job", read_only=True) as manifest:
        groups = [group for group in manifest.groups() if group.shard == 0]
    assert len(groups) > 2
    assert [len(read_group(tmp_path / "job", group)) for group in groups] == [
        group.records for group in groups
    ]
    assert list(problems(tmp_path / "job")) == []

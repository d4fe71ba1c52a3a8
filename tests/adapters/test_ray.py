"""Pages read on a Ray cluster: the same records as on one machine."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ocr_plugin.batch.inputs.sources import members
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.job_folder import JOB_NAME
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.shards import read_records
from ocr_plugin.batch.verification import problems
from ocr_plugin.errors import ConfigurationError, OcrError, UnknownPlugin
from ocr_plugin.options import EngineOptions, ImageOptions
from tests import hostile
from tests.archives import ERRORS, PAGES, archives, document, errors, picture, records
from tests.deadly import EXITS, SLEEPS, install_deadly
from tests.deadly import OPTIONS as DEADLY
from tests.pictures import draw_lines

ray = pytest.importorskip("ray")
from ocr_plugin.adapters.ray_dataset import RayOptions, read_pages  # noqa: E402
from ocr_plugin.adapters.ray_job import RayJob  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")

OPTIONS = JobOptions(
    detector="whole_image",
    recognizer="ppocr",
    engine=EngineOptions(images=ImageOptions(max_pixels=1_000_000)),
)
ACTORS = RayOptions(actors=1, cpus=0.5, files=4)


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    install_deadly(site := tmp_path_factory.mktemp("site"))
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        logging_level="warning",
        log_to_driver=False,
        # Only pages of pure red or blue are concerned.
        runtime_env={
            "worker_process_setup_hook": hostile.install,
            "env_vars": {"PYTHONPATH": f"{Path(__file__).parents[2]}:{site}"},  # where they are
        },
    )
    yield
    ray.shutdown()


def on_ray(job: Path, sources: list[str], **how: Any) -> Progress:
    stop = how.pop("stop", lambda: False)
    return RayJob(job, OPTIONS, ACTORS).run(sources, RunOptions.parse(how), stop=stop)


@pytest.mark.nightly
def test_the_records_are_those_of_a_local_run(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    Path(sources[0], "word.png").write_bytes(_word("word"))
    odd = Path(os.fsdecode(os.fsencode(sources[0]) + b"/\xff.png"))  # no text in any encoding
    odd.write_bytes(_word("odd"))
    Job(tmp_path / "local", OPTIONS).run(sources)
    done = on_ray(tmp_path / "ray", sources)
    assert (done.pages, done.errors, done.duplicates) == (PAGES + 2 - 10, ERRORS, 10)
    assert done.crops and done.volume and 0 < done.recognizer_share < 1
    assert records(tmp_path / "ray") == records(tmp_path / "local")
    assert any("word" in json.dumps(record) for record in read_records(tmp_path / "ray"))
    both = [sorted(map(json.dumps, errors(tmp_path / name))) for name in ("ray", "local")]
    assert both[0] == both[1]
    assert list(problems(tmp_path / "ray")) == []
    # Either goes on where the other stopped, and finds nothing to do.
    assert Job(tmp_path / "ray", OPTIONS).run(sources).pages == 0
    again = on_ray(tmp_path / "local", sources)
    assert (again.pages, again.errors, again.crops) == (0, 0, 0)


@pytest.mark.nightly
def test_stopped_it_goes_on(tmp_path: Path) -> None:
    sources = archives(tmp_path)
    first = on_ray(tmp_path / "job", sources, limit=7)
    assert first.stopped and first.pages + first.errors <= 7
    assert list(problems(tmp_path / "job")) == []
    asked = iter(range(10**9))
    second = on_ray(tmp_path / "job", sources, stop=lambda: next(asked) > 30)
    assert second.stopped
    assert not on_ray(tmp_path / "job", sources).stopped
    assert list(problems(tmp_path / "job")) == []
    with Manifest(tmp_path / "job") as manifest:
        counts = manifest.counts()
    assert (counts["pages"], counts["errors"]) == (PAGES, ERRORS)
    assert counts["files"] == counts["complete_files"]


@pytest.mark.nightly
def test_hostile_pages_are_errors_and_the_rest_is_read(tmp_path: Path) -> None:
    red, blue = (255, 0, 0), (0, 0, 255)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(picture(*red))
    (tmp_path / "in" / "b.tiff").write_bytes(document((1, 1, 1), red, (2, 2, 2), blue))
    (tmp_path / "in" / "c.png").write_bytes(picture(5, 5, 5))
    (tmp_path / "in" / "d.png").write_bytes(picture(255, 255, 0))
    how = ACTORS.model_copy(update={"page_seconds": 3, "max_memory": 3})
    job = RayJob(tmp_path / "job", OPTIONS, how)
    done = job.run([str(tmp_path / "in")])
    assert (done.pages, done.errors) == (3, 4)
    told = [
        (error["member"], error["page_index"], error["error"]["kind"])
        for error in errors(tmp_path / "job")
    ]
    assert sorted(told) == [
        ("a.png", 0, "DecoderDied"), ("b.tiff", 1, "DecoderDied"), ("b.tiff", 3, "TimeLimit"),
        ("d.png", 0, "RuntimeError"),
    ]  # fmt: skip
    reasons = [error["error"]["message"] for error in errors(tmp_path / "job")]
    assert "decoding failed: 3000000000 bytes" in reasons
    assert list(problems(tmp_path / "job")) == []


@pytest.mark.nightly
def test_pages_that_end_or_stall_an_actor_are_errors_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(12):
        shade = {3: EXITS, 8: SLEEPS}.get(number, (1, 1, number))
        (tmp_path / "in" / f"{number:02}.png").write_bytes(picture(*shade))
    how = ACTORS.model_copy(update={"read_seconds": 5})
    done = RayJob(tmp_path / "job", DEADLY, how).run([str(tmp_path / "in")])
    assert (done.pages, done.errors) == (10, 2)
    told = [(error["member"], error["error"]["kind"]) for error in errors(tmp_path / "job")]
    assert sorted(told) == [("03.png", "ReaderDied"), ("08.png", "ReaderDied")]
    assert list(problems(tmp_path / "job")) == []


@pytest.mark.nightly
def test_touched_files_and_retried_errors_are_as_on_one_machine(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(picture(1, 1, 1))
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    sources = [str(tmp_path / "in"), str(tmp_path / "in") + "/"]
    assert on_ray(tmp_path / "job", sources).pages == 1
    os.utime(tmp_path / "in" / "a.png", (1, 1))
    assert on_ray(tmp_path / "job", sources).pages == 0
    member = next(members(sources, OPTIONS.sources))
    with Manifest(tmp_path / "job") as manifest:
        assert manifest.is_complete(member.source, member.name, member.fingerprint)
    (tmp_path / "in" / "b.png").write_bytes(picture(2, 2, 2))
    again = on_ray(tmp_path / "job", sources, retry_errors=True)
    assert (again.pages, again.errors, errors(tmp_path / "job")) == (1, 0, [])
    assert list(problems(tmp_path / "job")) == []


def test_a_dataset_of_bytes_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_word("alpha"))
    (tmp_path / "b.png").write_bytes(b"no picture\0")
    dataset = ray.data.read_binary_files(str(tmp_path), include_paths=True)
    dataset = dataset.add_column("kept", lambda batch: batch["path"].str.len())
    rows = {Path(row["path"]).name: row for row in read_pages(dataset, OPTIONS, ACTORS).iter_rows()}
    assert rows.keys() == {"a.png", "b.png"}
    assert json.loads(rows["a.png"]["page"])["source"]["name"] == str(tmp_path / "a.png")
    assert "alpha" in rows["a.png"]["page"] and rows["a.png"]["error_kind"] == ""
    assert (rows["b.png"]["error_kind"], rows["b.png"]["page"]) == ("UnreadableImage", "")
    assert "\n" not in rows["b.png"]["error_message"]
    assert {row["page_count"] for row in rows.values()} == {1}
    assert rows["a.png"]["kept"] == len(str(tmp_path / "a.png"))


def test_what_cannot_be_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = OPTIONS.model_copy(update={"recognizer": "nobody"})
    with pytest.raises(UnknownPlugin, match="nobody"):
        RayJob(tmp_path / "job", bad, ACTORS).run([str(tmp_path)])
    with pytest.raises(ConfigurationError, match="no such file or folder"):
        on_ray(tmp_path / "job", [str(tmp_path / "nothing")])
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    on_ray(tmp_path / "job", [str(tmp_path)])
    with pytest.raises(ConfigurationError, match="was begun with other options"):
        RayJob(tmp_path / "job", JobOptions(), ACTORS).run([str(tmp_path)])
    assert (tmp_path / "job" / JOB_NAME).exists()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OcrError, match=r"pip install 'ocr-plugin\[ray\]'"):
        on_ray(tmp_path / "other", [str(tmp_path)])


@pytest.mark.nightly
def test_the_command_joins_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_word("alpha"))
    command = [sys.executable, "-m", "ocr_plugin", "batch", str(tmp_path / "a.png")]
    command += ["--out", str(tmp_path / "job"), "--detector", "whole_image"]
    command += ["--recognizer", "ppocr", "--engine", "ray", "--ray-actors", "1"]
    address = ray.get_runtime_context().gcs_address
    done = subprocess.run(
        command, env=os.environ | {"RAY_ADDRESS": address}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "1 pages" in done.stderr
    # On a busy machine Ray itself warns there.
    assert [each for each in done.stdout.splitlines() if "(raylet)" not in each] == []
    assert "alpha" in json.dumps(list(read_records(tmp_path / "job")))


def _word(text: str) -> bytes:
    coded = io.BytesIO()
    pixels = draw_lines([(10, 4, text)], size=(160, 50)).pixels
    Image.fromarray(pixels).save(coded, "PNG")
    return coded.getvalue()

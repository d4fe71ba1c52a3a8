"""Jobs under a constraint: it decides the records."""

import json
from pathlib import Path

import pytest

from ocr_plugin.batch.engines import timed
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.job_folder import JOB_NAME
from ocr_plugin.batch.options import JobOptions
from ocr_plugin.batch.records.shards import read_records
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.detectors.whole_image import WholeImage
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.guidance import Guidance
from tests.archives import picture
from tests.jobs import OPTIONS, Shades, engine

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


def guided_engine(**constraint: object) -> Engine:
    return Engine(WholeImage(), Shades(), constraint=Constraint.parse(constraint))


def test_a_constraint_is_kept_with_the_job(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    (tmp_path / "words.txt").write_text("s1-1-1\n")
    sources = [str(tmp_path / "a.png")]
    options = OPTIONS.model_copy(
        update={"language": "de", "constraint": Constraint(lexicon=tmp_path / "words.txt")}
    )
    done = Job(tmp_path / "job", options).run(sources, engine=engine())
    assert done.pages == 1 and done.crops == 1
    stored = json.loads((tmp_path / "job" / JOB_NAME).read_text())["options"]
    assert JobOptions.parse({name: stored[name] for name in ("language", "constraint")}) == (
        JobOptions(language="de", constraint=options.constraint)
    )
    # Another list under the same name makes other records.
    (tmp_path / "words.txt").write_text("other\n")
    with pytest.raises(ConfigurationError, match="lexicon_sha256"):
        Job(tmp_path / "job", options).run(sources, engine=engine())


def test_a_job_of_before_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    sources = [str(tmp_path / "a.png")]
    Job(tmp_path / "job", OPTIONS).run(sources, engine=engine())
    path = tmp_path / "job" / JOB_NAME
    stored = json.loads(path.read_text())
    for name in ("language", "constraint"):
        assert stored["options"].pop(name) is None
    path.write_text(json.dumps(stored))
    (tmp_path / "b.png").write_bytes(picture(2, 2, 2))
    again = Job(tmp_path / "job", OPTIONS).run([*sources, str(tmp_path / "b.png")], engine=engine())
    assert again.pages == 1


def test_records_hold_what_is_withheld(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    job = Job(tmp_path / "job", OPTIONS)
    job.run([str(tmp_path / "a.png")], engine=guided_engine(characters="0123456789"))
    (record,) = read_records(tmp_path / "job")
    assert record["page"]["blocks"] == []
    (withheld,) = record["page"]["withheld"]
    assert withheld["alternatives"][0]["text"] == "s1-1-1"


def test_guided_readers_are_timed_with_the_others() -> None:
    same, clock = timed(Engine(WholeImage(), Shades(), language="de"))
    assert same.guidance == Guidance("de")
    list(same.read_many([picture(1, 1, 1)]))
    assert clock.crops == 1 and clock.seconds > 0

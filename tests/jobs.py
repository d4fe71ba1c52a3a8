"""Batch jobs over `tests.archives` with a reader that needs no model."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ocr_plugin.batch.job import Job
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.records.manifest import Manifest
from ocr_plugin.batch.records.shards import read_records
from ocr_plugin.batch.verification import problems
from ocr_plugin.detectors.whole_image import WholeImage
from ocr_plugin.engine.engine import Engine
from ocr_plugin.options import EngineOptions, ImageOptions
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component
from tests.archives import ERRORS, PAGES


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
    """Returns one that takes a page for one word."""
    return Engine(WholeImage(), recognizer or Shades())


OPTIONS = JobOptions(engine=EngineOptions(images=ImageOptions(max_pixels=1_000_000)))


def run(
    job: Path, sources: Sequence[str], recognizer: Shades | None = None, **how: Any
) -> Progress:
    """Runs a job with few processes and small groups, unless `how` says otherwise."""
    stop: Callable[[], bool] = how.pop("stop", lambda: False)
    options = RunOptions.parse({"decoders": 1, "readers": 1, "group": 8} | how)
    return Job(job, OPTIONS).run(sources, options, engine=engine(recognizer), stop=stop)


def assert_whole(job: Path, pages: int = PAGES, failed: int = ERRORS) -> None:
    """Holds that nothing is lost or doubled, by default of all of `tests.archives`."""
    assert list(problems(job)) == []
    with Manifest(job) as manifest:
        counts = manifest.counts()
    assert (counts["pages"], counts["errors"]) == (pages, failed)
    assert counts["files"] == counts["complete_files"]
    places = Counter((r["source"], r["member"], r["page_index"]) for r in read_records(job))
    assert len(places) == pages and set(places.values()) <= {1}

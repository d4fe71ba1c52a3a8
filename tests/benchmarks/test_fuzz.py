"""Damaged files of every format give pages or one line, in some hundred inputs."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.fuzz import running
from benchmarks.fuzz.inputs import made
from benchmarks.fuzz.outcomes import FAULTS, judged
from benchmarks.fuzz.report import summary
from benchmarks.fuzz.seeds import TEXT, seeds
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.image_formats import READ
from ocr_plugin.pages.raster import PageImage

pytestmark = pytest.mark.filterwarnings("default")  # Pillow's, of damaged files

# Nothing in them tells that the text is gone: their headers or objects say so, and are sound.
SAY_SO = {115, 204, 222, 262, 283, 288, 320}
COUNT = 420


def test_there_is_a_sound_seed_of_every_format() -> None:
    assert set(seeds()) == {*READ, "TGA", "ICO", "HEIF", "MPO", "PDF", "ZIP", "TAR"}
    for seed in (seed for of_format in seeds().values() for seed in of_format):
        if seed.kind == "picture":
            for page in open_pages(seed.data, ImageOptions(), name=f"a{seed.suffix}"):
                assert isinstance(page, PageImage), seed
                dark = (page.pixels < 128).mean()
                assert 0.01 < dark < 0.2, (seed.format, seed.variant, TEXT)


def test_an_input_is_made_again_from_its_number() -> None:
    for number in range(60):
        assert made(number) == made(number)
    assert len({made(number).data for number in range(200)}) > 190
    assert {made(number).seed.format for number in range(len(seeds()))} == set(seeds())


def test_damaged_files_are_pages_or_errors_of_one_line() -> None:
    outcomes = [judged(made(number)) for number in range(COUNT)]
    faults = [each for each in outcomes if each.is_fault and each.number not in SAY_SO]
    assert not faults
    kinds = Counter(each.kind for each in outcomes)
    assert kinds["page"] > 100 and kinds["error"] > 100 and kinds["partly"] > 5


def test_faults_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(0)

    def failing(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr("benchmarks.fuzz.outcomes.open_pages", failing)
    fault = judged(one)
    assert (fault.kind, fault.is_fault) == ("exception", True)
    assert fault.told.startswith("ZeroDivisionError") and fault.kind in FAULTS


def test_a_run_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    running.run(running.BATCH, 1, state)
    whole = state.read_text()
    state.write_text(whole + '{"first": 200, "cou')  # cut off
    running.run(running.BATCH, 1, state)
    assert state.read_text().startswith(whole)
    found = summary(running.lines(state), 1000)
    assert found["judged"] == running.BATCH == sum(found["outcomes"].values())
    assert sum(found["commits"].values()) == running.BATCH

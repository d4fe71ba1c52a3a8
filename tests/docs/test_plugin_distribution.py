"""The plugin of docs/plugins.md, installed as a distribution of its own and run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from ocr_plugin.schema import Page
from tests.pictures import draw_lines

GUIDE = Path(__file__).parents[2] / "docs" / "plugins.md"
MOST_LINES = 25


def first_block(language: str) -> str:
    """Returns the first code block of a language in the guide."""
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE.read_text("utf-8"), re.S | re.M)
    assert found, f"{GUIDE.name} has no {language} block"
    return found[1]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a process that has the plugin installed beside everything else."""
    project, target = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("installed")
    (project / "ink_detector.py").write_text(first_block("python"), encoding="utf-8")
    (project / "pyproject.toml").write_text(first_block("toml"), encoding="utf-8")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*install, "--no-build-isolation", "--target", str(target), str(project)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    path = os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_detector_is_short() -> None:
    assert len(first_block("python").splitlines()) <= MOST_LINES


def test_the_names_in_the_guide_fit_together() -> None:
    declared = tomllib.loads(first_block("toml"))["project"]["entry-points"]
    (name,) = declared["ocr_plugin.detectors"]
    assert f"--detector {name}" in GUIDE.read_text("utf-8")


def test_it_is_listed_with_its_distribution(environment: dict[str, str]) -> None:
    (row,) = [
        line.split()
        for line in run(environment, "-m", "ocr_plugin", "plugins").splitlines()
        if "ink" in line
    ]
    assert row == ["detector", "ink", "ink-detector", "1.0", "ok"]


def test_it_finds_lines_that_the_engine_reads(environment: dict[str, str], tmp_path: Path) -> None:
    drawn = draw_lines([(40, 40, "Hello there"), (60, 160, "second line")])
    picture = tmp_path / "two lines.png"
    Image.fromarray(drawn.pixels).save(picture)
    arguments = ["-m", "ocr_plugin", "read", "--json", "--detector", "ink", str(picture)]
    page = Page.model_validate_json(run(environment, *arguments))
    assert [line.text for line in page.lines] == ["Hello there", "second line"]
    assert page.engine.detector.name == "ink"
    for line, words in zip(page.lines, (["Hello", "there"], ["second", "line"]), strict=True):
        x0, y0, x1, y1 = line.polygon.box
        boxes = [drawn.words[word] for word in words]
        assert x0 < boxes[0][0] + 8 and x1 > boxes[-1][2] - 8
        assert abs(y0 - min(box[1] for box in boxes)) < 8
        assert abs(y1 - max(box[3] for box in boxes)) < 8


def test_it_keeps_the_contract(environment: dict[str, str]) -> None:
    code = """
import numpy as np
from ocr_plugin.plugins import make_detector

detector = make_detector("ink", gap=30)
pages = [np.full((*size, 3), shade, np.uint8)
         for size in ((1, 1), (1, 300), (300, 1), (80, 60)) for shade in (0, 128, 255)]
lined = np.full((80, 200, 3), 255, np.uint8)
lined[30:45, 20:90] = 0
found = detector.detect([*pages, lined])
assert len(found) == len(pages) + 1
assert all(not regions.polygons for regions in found[:-1])
(quad,) = found[-1].polygons
assert quad.dtype == np.float32 and quad.tolist() == [[20, 30], [90, 30], [90, 45], [20, 45]]
(alone,) = detector.detect([lined])[0].polygons
assert alone.tolist() == quad.tolist()
print("kept")
"""
    assert run(environment, "-c", code).strip() == "kept"

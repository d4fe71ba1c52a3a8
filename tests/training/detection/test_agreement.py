"""Labels where two readers agree."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.cli import app
from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Points, Reading, Regions, Unit
from ocr_plugin.schema import Component
from ocr_plugin.training.detection.agreement import Agreement, pages_in, write_labels
from tests.pictures import draw_lines

Capture = pytest.CaptureFixture[str]


def box(x: float, y: float) -> Points:
    return np.array([(x, y), (x + 80, y), (x + 80, y + 30), (x, y + 30)], np.float32)


class Finder:
    component = Component(name="finder", version="1")

    def __init__(self, outlines: Sequence[Points]) -> None:
        self._outlines = outlines

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        return [Regions(self._outlines, np.ones(len(self._outlines), np.float32)) for _ in pages]


class Reader:
    """Says of a crop what its colour stands for."""

    component = Component(name="reader", version="1")
    unit: Unit = "word"

    def __init__(self, says: dict[int, tuple[str, float]]) -> None:
        self._says = says

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        return [Reading(*self._says[int(np.median(crop))]) for crop in crops]


@pytest.fixture
def page(tmp_path: Path) -> LabelledPage:
    """Four fields of different grey; the first is labelled, the second to be ignored."""
    pixels = np.full((200, 300, 3), 255, np.uint8)
    for shade, (x, y) in {10: (10, 10), 20: (150, 10), 30: (10, 100), 40: (150, 100)}.items():
        pixels[y : y + 30, x : x + 80] = shade
    Image.fromarray(pixels).save(tmp_path / "page.png")
    words = (LabelledWord(box(10, 10), "mine"), LabelledWord(box(150, 10), None, True))
    return LabelledPage(tmp_path / "page.png", words)


def agreed(page: LabelledPage, first: Reader, second: Reader) -> dict[str, tuple[str | None, bool]]:
    finder = Finder([box(10, 11), box(10, 100), box(150, 100)])
    labelled = Agreement(finder, (first, second)).labelled(page)
    return {
        f"{word.polygon[0, 0]:.0f},{word.polygon[0, 1]:.0f}": (word.text, word.ignore)
        for word in labelled.words
    }


SAME = {10: ("other", 1.0), 20: ("Open", 0.95), 30: ("Hours", 0.95), 40: ("daily", 0.95)}


def test_what_both_readers_say_is_a_label(page: LabelledPage) -> None:
    found = agreed(page, Reader(SAME), Reader(SAME | {20: ("OPEN!", 0.99)}))
    assert found == {
        "10,10": ("mine", False),  # labelled by hand; what is found there is the same word
        "150,10": ("Open", False),
        "10,100": ("Hours", False),
        "150,100": ("daily", False),
    }


@pytest.mark.parametrize("other", [("House", 0.99), ("Hours", 0.85), ("", 0.99), ("Ho urs", 0.2)])
def test_what_they_do_not_agree_on_is_to_be_ignored(
    page: LabelledPage, other: tuple[str, float]
) -> None:
    found = agreed(page, Reader(SAME), Reader(SAME | {30: other}))
    assert found["10,100"] == (None, True)


def test_labels_come_back_from_their_file(page: LabelledPage, tmp_path: Path) -> None:
    path = tmp_path / "labels" / "labels.jsonl"
    write_labels([page], path)
    (again,) = PageSet(path).pages
    assert again.path.resolve() == page.path
    for one, other in zip(again.words, page.words, strict=True):
        assert np.array_equal(one.polygon, other.polygon)
        assert (one.text, one.ignore) == (other.text, other.ignore)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_labels([page], tmp_path / "file" / "labels.jsonl")


def test_a_folder_of_pictures_is_a_set_without_labels(page: LabelledPage, tmp_path: Path) -> None:
    (only,) = pages_in(tmp_path)
    assert only.path == page.path and only.words == ()
    (tmp_path / "gt_page.txt").write_text("1,1,9,1,9,9,1,9,word\n")
    assert pages_in(tmp_path)[0].words[0].text == "word"


def test_the_command_labels_a_page(tmp_path: Path, capfd: Capture) -> None:
    (tmp_path / "pages").mkdir()
    drawn = draw_lines([(40, 40, "FRESH BREAD")])
    Image.fromarray(drawn.pixels).save(tmp_path / "pages" / "sign.png")
    (tmp_path / "pages" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    out = tmp_path / "labels.jsonl"
    assert app.main(["train", "label", str(tmp_path / "pages"), str(out)]) == 0
    output = capfd.readouterr()
    assert "1 pages" in output.out and "cut.jpg" in output.err
    (entry,) = map(json.loads, out.read_text().splitlines())
    assert entry["image"] == "pages/sign.png"
    assert {"FRESH", "BREAD"} == {word["text"] for word in entry["words"] if not word["ignore"]}

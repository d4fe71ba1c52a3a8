import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocr_plugin import plugins
from ocr_plugin.cli.app import main
from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.errors import ExitCode
from ocr_plugin.evaluation.detection import Counts, matched
from ocr_plugin.evaluation.deteval import CURVED, STRAIGHT, Credits, area_credits, thresholds_for
from ocr_plugin.evaluation.page_detection import outlines_of
from ocr_plugin.evaluation.word_groups import height_group, length_group, letter_height
from ocr_plugin.protocols import RGB, Points, Regions
from ocr_plugin.schema import Component


def box(x: float, y: float, width: float = 40, height: float = 10) -> Points:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float32)


def word(polygon: Points, text: str | None = None, ignore: bool = False) -> LabelledWord:
    return LabelledWord(polygon, text, ignore)


def arc(radius: float = 100, height: float = 20, points: int = 24) -> Points:
    angles = np.linspace(np.pi, 2 * np.pi, points)
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    band = np.concatenate([ray * (radius + height / 2), ray[::-1] * (radius - height / 2)])
    return (band + 200).astype(np.float32)


def test_words_are_found_one_to_one() -> None:
    labels = [word(box(0, 0)), word(box(100, 0)), word(box(200, 0))]
    found = [box(1, 0), box(0, 1), box(119, 0), box(300, 0)]  # twice; less than half; nothing there
    counts, pairs = matched(labels, found)
    assert counts == Counts(hits=1, labelled=3, found=4)
    assert pairs == {0: 0}
    assert counts.recall == pytest.approx(1 / 3)
    assert counts.precision == 0.25
    assert counts.f == pytest.approx(2 / 7)


def test_what_lies_in_ignored_regions_counts_neither_way() -> None:
    labels = [word(box(0, 0)), word(box(100, 0), ignore=True)]
    inside, outside, crossing = box(105, 2, 20, 5), box(200, 0), box(125, 0)
    assert matched(labels, [inside])[0] == Counts(0, 1, 0)
    assert matched(labels, [inside, outside, crossing])[0] == Counts(0, 1, 2)
    # A labelled word that was found counts, whatever it lies in.
    assert matched([word(box(0, 0)), word(box(0, 0), ignore=True)], [box(0, 0)])[0] == Counts(
        1, 1, 1
    )


def test_outlines_without_area_count_neither_way() -> None:
    flat = np.array([(0, 0), (10, 0), (20, 0)], np.float32)
    assert matched([word(box(0, 0))], [flat, flat[:2], flat[:0]])[0] == Counts(0, 1, 0)
    assert matched([], [])[0] == Counts()
    assert area_credits([word(flat)], [flat], STRAIGHT) == Credits(0, 0, 1, 0)


def test_deteval_takes_a_word_for_another_by_area() -> None:
    labels = [word(box(0, 0))]
    # Twice as high: an IoU of a half only, but all of the word, and half of what was found.
    assert matched(labels, [box(0, -5, 40, 20)])[0].hits == 0
    assert area_credits(labels, [box(0, -5, 40, 20)], STRAIGHT) == Credits(1, 1, 1, 1)
    assert area_credits(labels, [box(0, -5, 40, 20)], CURVED) == Credits(0, 0, 1, 1)
    assert area_credits(labels, [box(0, 0, 30)], STRAIGHT) == Credits(0, 0, 1, 1)
    assert area_credits(labels, [box(0, 0, 30)], CURVED) == Credits(1, 1, 1, 1)


def test_deteval_counts_a_word_in_pieces_in_part() -> None:
    pieces = [box(0, 0, 20), box(20, 0, 20), box(300, 0)]
    credit = area_credits([word(box(0, 0)), word(box(100, 0))], pieces, STRAIGHT)
    assert credit == Credits(recalled=0.8, confirmed=1.6, labelled=2, found=3)
    assert credit.recall == pytest.approx(0.4)
    assert credit.precision == pytest.approx(1.6 / 3)
    assert credit.f == pytest.approx(2 * 0.4 * (1.6 / 3) / (0.4 + 1.6 / 3))
    # Pieces of less than the needed area together are none.
    assert area_credits([word(box(0, 0))], [box(0, 0, 15), box(20, 0, 15)], STRAIGHT) == Credits(
        0, 0, 1, 2
    )


def test_deteval_counts_words_found_as_one_in_part() -> None:
    labels = [word(box(0, 0)), word(box(50, 0)), word(box(100, 0)), word(box(0, 50))]
    found = [box(0, 0, 140), box(0, 50)]
    assert area_credits(labels, found, STRAIGHT) == Credits(3 * 0.8 + 1, 0.8 + 1, 4, 2)
    # A line that is mostly something else is no word.
    assert area_credits(labels[:3], [box(0, 0, 140, 40)], STRAIGHT) == Credits(0, 0, 3, 1)


def test_deteval_ignores_what_is_labelled_so() -> None:
    labels = [word(box(0, 0)), word(box(100, 0), ignore=True)]
    assert area_credits(labels, [box(0, 0), box(100, 0)], STRAIGHT) == Credits(1, 1, 1, 1)


def test_curved_sets_have_thresholds_of_their_own() -> None:
    assert thresholds_for([word(box(0, 0)), word(arc(), ignore=True)]) == STRAIGHT
    assert thresholds_for([word(box(0, 0)), word(arc())]) == CURVED


def test_letters_are_measured_across_the_word() -> None:
    turn = np.array([(0.8, 0.6), (-0.6, 0.8)], np.float32)
    assert letter_height(box(0, 0, 100, 14)) == pytest.approx(14, abs=0.1)
    assert letter_height(box(0, 0, 100, 14) @ turn) == pytest.approx(14, abs=0.1)
    assert letter_height(arc(height=20)) == pytest.approx(20, abs=1)
    assert height_group(word(box(0, 0, 100, 9.9))) == "<10"
    assert height_group(word(box(0, 0, 100, 20))) == "20-30"
    assert height_group(word(box(0, 0, 300, 90))) == "40+"


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("a", "1"),
        ("ab", "2"),
        ("a b c", "3-4"),
        ("seven77", "5-7"),
        ("x" * 40, "12+"),
        (None, None),
    ],
)
def test_words_are_grouped_by_length(text: str | None, group: str | None) -> None:
    assert length_group(word(box(0, 0), text)) == group


def test_words_within_lines_stand_for_them() -> None:
    lines = [box(0, 0, 90), box(0, 20, 90)]
    regions = Regions(lines, np.ones(2, np.float32))
    assert outlines_of(regions) == lines
    inner = ((box(0, 0), box(50, 0)), ())
    object.__setattr__(regions, "words", inner)
    found = outlines_of(regions)
    assert [outline.tolist() for outline in found] == [
        box(0, 0).tolist(),
        box(50, 0).tolist(),
        lines[1].tolist(),  # not cut into words
    ]


class Bright:
    """A detector that answers by the first pixel's red, which is the page's number."""

    component = Component(name="bright", version="1")

    def __init__(self, found: Sequence[list[Points]]) -> None:
        self.found = found

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        numbers = [int(page[0, 0, 0]) for page in pages]
        if max(numbers) >= len(self.found):
            raise RuntimeError("never seen this")
        return [
            Regions(self.found[number], np.ones(len(self.found[number]), np.float32), "word")
            for number in numbers
        ]


def page_set(folder: Path, pages: Sequence[Sequence[LabelledWord]]) -> Path:
    folder.mkdir()
    lines = []
    for number, words in enumerate(pages):
        Image.new("RGB", (400, 100), (number, 0, 0)).save(folder / f"{number}.png")
        entries = [
            {"polygon": item.polygon.tolist(), "text": item.text, "ignore": item.ignore}
            for item in words
        ]
        lines.append(json.dumps({"image": f"{number}.png", "words": entries}))
    (folder / "labels.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def use(monkeypatch: pytest.MonkeyPatch, found: Sequence[list[Points]]) -> None:
    monkeypatch.setattr(plugins, "make_detector", lambda name, runtime: Bright(found))


def test_the_command_prints_and_writes_the_scores(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, [[box(0, 0), box(100, 0)], [box(0, 0, 20, 20), box(20, 0, 20, 20)]])
    pages = [
        [word(box(0, 0), "Open"), word(box(200, 0), "Tuesday"), word(box(100, 0), "#", True)],
        [word(box(0, 0, 40, 20), "Harbour")],
    ]
    report = tmp_path / "scores.json"
    command = ["eval", "detection", "--data", str(page_set(tmp_path / "signs", pages))]
    assert main([*command, "--json", str(report)]) == ExitCode.OK
    out, err = capfd.readouterr()
    assert out == (
        "IoU above 0.5, one to one, at the detector's own threshold\n"
        "set    pages  failed  words  recall  precision  f\n"
        "signs  2      0       3      33.33   33.33      33.33\n"
        "\nDetEval\n"
        "set    area recall  area precision  recall  precision  f\n"
        "signs  0.8          0.4             60.00   86.67      70.91\n"
        "\nrecall by height of letters, in pixels (words)\n"
        "set    10-15      20-30\n"
        "signs  50.00 (2)  0.00 (1)\n"
        "\nrecall by length of words, in characters (words)\n"
        "set    3-4         5-7\n"
        "signs  100.00 (1)  0.00 (2)\n"
    )
    assert "signs: 2 pages, 3 words and 1 to ignore" in err
    told = json.loads(report.read_text())
    assert told["detector"]["name"] == "bright"
    scores = told["sets"]["signs"]
    assert (scores["pages"], scores["failed"], scores["words"]) == (2, [], 3)
    assert (scores["recall"], scores["precision"], scores["f"]) == (0.3333, 0.3333, 0.3333)
    assert scores["deteval"]["recall"] == 0.6 and scores["deteval"]["area_recall"] == 0.8
    assert scores["by_height"]["10-15"] == {"recall": 0.5, "count": 2}


def test_pages_that_fail_are_named_and_left_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, [[box(0, 0)], [], [box(0, 0)]])
    path = page_set(tmp_path / "signs", [[word(box(0, 0), "Open")]] * 4)
    (path / "1.png").write_bytes(b"no picture")
    assert main(["eval", "detection", "--data", str(path)]) == ExitCode.INPUT
    out, err = capfd.readouterr()
    assert "signs  2      2       2      100.00" in out
    assert f"error: {path / '1.png'}: not an image in a supported format" in err
    assert f"error: {path / '3.png'}: never seen this" in err


def test_nothing_but_failures_is_no_crash(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, [])
    path = page_set(tmp_path / "signs", [[word(box(0, 0), "Open")]])
    assert main(["eval", "detection", "--data", str(path)]) == ExitCode.UNEXPECTED
    assert "signs  0      1       0      0.00" in capfd.readouterr().out


def test_wrong_usage_is_told_before_any_page_is_opened(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = page_set(tmp_path / "signs", [[word(box(0, 0), "Open")]])
    detection = ["eval", "detection", "--data", str(path)]
    assert main([*detection, "--data", str(path)]) == ExitCode.USAGE
    assert "two sets are called signs" in capfd.readouterr().err
    assert main([*detection, "--json", str(tmp_path / "no" / "x.json")]) == ExitCode.USAGE
    assert "no such folder to write it to" in capfd.readouterr().err
    assert main([*detection, "--detector", "nobody"]) == ExitCode.PLUGIN
    assert "there is no detector called 'nobody'" in capfd.readouterr().err

import base64
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.cli.app import main
from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.engine import engine
from ocr_plugin.errors import ExitCode
from ocr_plugin.evaluation.error_sheet import error_sheet
from ocr_plugin.evaluation.page_errors import Outcome, Verdict, judge
from ocr_plugin.evaluation.page_score import Answer, Tally
from ocr_plugin.protocols import RGB, Points
from ocr_plugin.schema import (
    Block,
    Component,
    EngineInfo,
    Line,
    Page,
    PageError,
    Point,
    Polygon,
    Source,
    Word,
)
from tests.pictures import draw_lines


def box(x: float, y: float, width: float = 40, height: float = 10) -> Points:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float32)


def labelled(*words: tuple[str | None, Points], ignore: tuple[Points, ...] = ()) -> LabelledPage:
    counted = [LabelledWord(polygon, text) for text, polygon in words]
    return LabelledPage(
        Path("page.png"), (*counted, *(LabelledWord(polygon, "###", True) for polygon in ignore))
    )


def answer(text: str, polygon: Points) -> Answer:
    return Answer([(float(x), float(y)) for x, y in polygon], text)


def outcomes(page: LabelledPage, *answers: Answer) -> list[str]:
    return [str(verdict.outcome) for verdict in judge(page, answers)[1]]


def test_a_word_read_at_its_place_is_right_whatever_its_outline() -> None:
    page = labelled(("Open", box(0, 0)))
    assert outcomes(page, answer("OPEN!", box(0, 0))) == ["right"]
    assert outcomes(page, answer("open", box(10, 3, 20, 4))) == ["right"]


def test_a_word_of_which_less_than_half_is_covered_was_not_found() -> None:
    page = labelled(("Open", box(0, 0)))
    assert outcomes(page) == ["not found"]
    assert outcomes(page, answer("n", box(21, 0)), answer("far", box(0, 200))) == ["not found"]
    # What two answers cover both counts once.
    assert outcomes(page, answer("n", box(25, 0)), answer("n", box(25, 0))) == ["not found"]


def test_a_word_that_is_covered_by_no_word_alike_was_cut_wrong() -> None:
    page = labelled(("Open", box(0, 0)), ("now", box(45, 0)))
    assert outcomes(page, answer("Opennow", box(0, 0, 85))) == ["cut wrong", "cut wrong"]
    pieces = [answer("Op", box(0, 0, 18)), answer("en", box(22, 0, 18))]
    assert outcomes(page, *pieces) == ["cut wrong", "not found"]


def test_a_word_on_which_another_text_lies_was_misread() -> None:
    page = labelled(("Open", box(0, 0)))
    (verdict,) = judge(page, [answer("0pen", box(1, 0)), answer("x", box(0, 8, 5, 5))])[1]
    assert verdict.outcome is Outcome.MISREAD
    assert verdict.text == "0pen"


def test_only_words_that_can_be_judged_have_an_outcome() -> None:
    page = labelled(("&", box(0, 0)), (None, box(100, 0)), ignore=(box(200, 0),))
    counts, verdicts = judge(page, [answer("noise", box(100, 0)), answer("more", box(205, 0))])
    assert counts == Tally() and not verdicts


def test_each_word_of_a_labelled_line_has_an_outcome() -> None:
    page = labelled(("mind the gap", box(0, 0, 130)))
    counts, verdicts = judge(page, [answer("mind", box(0, 0)), answer("tne", box(45, 0))])
    assert counts == Tally(read=1, labelled=3, answered=2)
    assert [verdict.outcome.value for verdict in verdicts] == ["right", "cut wrong", "cut wrong"]


class Told:
    """An engine that gives for each file what it was told to, and fails where it was not."""

    info = EngineInfo(
        version="1",
        detector=Component(name="d", version="1"),
        recognizer=Component(name="r", version="1"),
    )
    answers: Mapping[str, list[tuple[str, Points]]] = {}

    def __init__(self, *_: object, **__: object) -> None: ...

    def read_many(self, sources: Iterable[Path]) -> Iterator[Page | PageError]:
        for path in sources:
            try:
                with Image.open(path) as picture:
                    size = picture.size
                yield self._page(str(path), size, self.answers[path.name])
            except OSError:
                yield PageError(name=str(path), kind="UnreadableImage", message=f"{path}: damaged")

    def _page(self, name: str, size: tuple[int, int], words: list[tuple[str, Points]]) -> Page:
        lines = [
            Line(words=(Word(text=text, polygon=outline, confidence=1),), polygon=outline)
            for text, points in words
            for outline in [Polygon(tuple(Point(float(x), float(y)) for x, y in points))]
        ]
        blocks = [Block(lines=(line,), polygon=line.polygon) for line in lines]
        source = Source(name=name, page_index=0, sha256="0" * 64, width=size[0], height=size[1])
        return Page(source=source, blocks=tuple(blocks), engine=self.info)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "Engine", Told)


def page_set(folder: Path, pages: Mapping[str, tuple[RGB, list[dict[str, Any]]]]) -> Path:
    folder.mkdir()
    lines = []
    for name, (pixels, words) in pages.items():
        Image.fromarray(pixels).save(folder / name)
        lines.append(json.dumps({"image": name, "words": words}))
    (folder / "labels.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def entry(text: str | None, polygon: Points, ignore: bool = False) -> dict[str, Any]:
    return {"polygon": polygon.tolist(), "text": text, "ignore": ignore}


GREY = np.full((200, 400, 3), 128, np.uint8)


@pytest.fixture
def signs(tmp_path: Path, told: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pages with a word of each outcome, in letters of 10 or 20 pixels."""
    monkeypatch.setattr(
        Told,
        "answers",
        {
            "1.png": [("Open", box(0, 0)), ("T0DAY", box(0, 50, 80, 20)), ("???", box(300, 0))],
            "2.png": [("Fresh<Bread>", box(0, 0, 85)), ("noise", box(200, 100))],
        },
    )
    return page_set(
        tmp_path / "signs",
        {
            "1.png": (
                GREY,
                [
                    entry("Open", box(0, 0)),
                    entry("TODAY", box(0, 50, 80, 20)),
                    entry("<b>&Sons", box(200, 50, 80, 20)),
                    entry("###", box(300, 0), ignore=True),
                ],
            ),
            "2.png": (GREY, [entry("Fresh", box(0, 0)), entry("<Bread>", box(45, 0))]),
        },
    )


def test_the_command_prints_and_writes_the_scores(
    signs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "scores.json"
    assert main(["eval", "pages", "--data", str(signs), "--json", str(report)]) == ExitCode.OK
    out, err = capfd.readouterr()
    assert re.fullmatch(
        r"set    pages  failed  words  recall  precision  hmean  seconds a page\n"
        r"signs  2      0       5      20\.00   25\.00      22\.22  \d\.\d{3}\n"
        r"\nwhat became of the words \(%\)\n"
        r"set    words  right  not found  cut wrong  misread\n"
        r"signs  5      20\.00  20\.00      40\.00      20\.00\n"
        r"\nthe same by height of letters, in pixels\n"
        r"set    height  words  right  not found  cut wrong  misread\n"
        r"signs  10-15   3      33\.33  0\.00       66\.67      0\.00\n"
        r"signs  20-30   2      0\.00   50\.00      0\.00       50\.00\n",
        out,
    )
    assert "signs: 2 pages, 5 words and 1 to ignore" in err
    written = json.loads(report.read_text())
    assert written["engine"]["recognizer"]["name"] == "r"
    scores = written["sets"]["signs"]
    assert scores.pop("median_seconds_per_page") >= 0
    assert scores == {
        "pages": 2,
        "failed": [],
        "words": 5,
        "recall": 0.2,
        "precision": 0.25,
        "hmean": 0.2222,
        "outcomes": {"right": 1, "not found": 1, "cut wrong": 2, "misread": 1},
        "outcomes_by_height": {
            "10-15": {"right": 1, "not found": 0, "cut wrong": 2, "misread": 0},
            "20-30": {"right": 0, "not found": 1, "cut wrong": 0, "misread": 1},
        },
    }


class Sheet(HTMLParser):
    """The tags of a file, its texts, and what its attributes refer to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.references: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [
            value or "" for name, value in attributes if name in ("href", "src", "xlink:href")
        ]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_sheet_shows_each_error_and_refers_to_nothing_outside(
    signs: Path, tmp_path: Path
) -> None:
    path = tmp_path / "sheet.html"
    assert main(["eval", "pages", "--data", str(signs), "--sheet", str(path)]) == ExitCode.OK
    html = path.read_text(encoding="utf-8")
    sheet = Sheet(html)
    assert sheet.tags.count("figure") == 4
    assert "script" not in sheet.tags and "link" not in sheet.tags and "b" not in sheet.tags
    assert {"<b>&Sons", "<Bread>", "T0DAY", "Fresh<Bread>"} <= set(sheet.texts)
    assert {"Not found: 1", "Cut wrong: 2", "Misread: 1"} <= set(sheet.texts)
    assert {"signs: 1.png", "signs: 2.png"} <= set(sheet.texts)
    assert len(sheet.references) == 4
    assert all(link.startswith("data:image/jpeg;base64,") for link in sheet.references)
    assert not re.search(r"https?:|url\(|@import", html)
    assert "color-scheme: light dark" in html


def test_the_sheet_takes_the_largest_letters_and_draws_outlines_where_they_stand(
    tmp_path: Path,
) -> None:
    pixels = np.zeros((400, 1000, 3), np.uint8)
    pixels[100:160, 300:800] = 255
    Image.fromarray(pixels).save(tmp_path / "big.png")
    small = [(f"small{number}", box(0, 20 * number, 60, 8)) for number in range(15)] * 2
    words = [
        LabelledWord(polygon, text) for text, polygon in (*small, ("BIG", box(300, 100, 500, 60)))
    ]
    page = LabelledPage(tmp_path / "big.png", tuple(words))
    verdicts = [
        Verdict(Outcome.NOT_FOUND, page, index, "", (answer("x", box(900, 300)),))
        for index in range(len(words))
    ]
    html = error_sheet({"one": verdicts})
    assert html.count("<figure>") == 20
    assert "Not found: 31" in html and html.count("<p>None.</p>") == 2
    first = html[html.index("<figure>") : html.index("</figure>")]
    assert "<dd>BIG</dd>" in first and "60 pixels" in first
    assert 'class="answer"' not in first  # it lies elsewhere
    data = re.search(r"base64,([^\"]+)", first)
    points = re.search(r'class="label" points="([^"]+)"', first)
    assert data and points
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("L"))
    assert picture.shape[1] <= 360 and picture.shape[0] <= 240
    corners = np.array([point.split(",") for point in points[1].split()], float)
    (left, top), (right, bottom) = np.rint(corners.min(0)), np.rint(corners.max(0))
    bright = np.argwhere(picture > 128)
    assert np.abs(bright.min(0) - (top, left)).max() <= 1
    assert np.abs(bright.max(0) + 1 - (bottom, right)).max() <= 1


def test_a_line_is_shown_once(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "page.png")
    line = LabelledWord(box(0, 0, 130), "mind the gap")
    page = LabelledPage(tmp_path / "page.png", (line,))
    html = error_sheet({"one": judge(page, [])[1]})
    assert html.count("<figure>") == 1 and "Not found: 3" in html


def test_pages_that_fail_are_named_and_left_out(
    signs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (signs / "1.png").write_bytes(b"no picture")
    assert main(["eval", "pages", "--data", str(signs)]) == ExitCode.INPUT
    out, err = capfd.readouterr()
    assert "signs  1      1       2      0.00" in out
    assert f"error: {signs / '1.png'}: damaged" in err
    (signs / "2.png").write_bytes(b"no picture")
    assert main(["eval", "pages", "--data", str(signs)]) == ExitCode.INPUT
    assert "signs  0      2       0      0.00" in capfd.readouterr().out


def test_wrong_usage_is_told_before_any_page_is_read(
    tmp_path: Path, told: None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = page_set(tmp_path / "textless", {"1.png": (GREY, [entry(None, box(0, 0))])})
    assert main(["eval", "pages", "--data", str(path)]) == ExitCode.USAGE
    assert "no label tells what a word says" in capfd.readouterr().err
    nowhere = str(tmp_path / "no" / "sheet.html")
    assert main(["eval", "pages", "--data", str(path), "--sheet", nowhere]) == ExitCode.USAGE
    assert "no such folder to write it to" in capfd.readouterr().err


def test_a_drawn_page_is_found_and_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    drawn = draw_lines([(30, 30, "Harbour Office"), (30, 130, "closed")])
    words = [
        entry(text, box(x0, y0, x1 - x0, y1 - y0)) for text, (x0, y0, x1, y1) in drawn.words.items()
    ]
    path = page_set(tmp_path / "drawn", {"1.png": (drawn.pixels, words)})
    assert main(["eval", "pages", "--data", str(path), "--recognizer", "ppocr"]) == ExitCode.OK
    assert "drawn  1      0       3      100.00  100.00     100.00" in capfd.readouterr().out

"""Lexicons: what becomes of a reading, the files, and several runs over one reading."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from ocr_plugin.cli.app import main
from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.engine import engine
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.evaluation.icdar_protocols import PageProtocol
from ocr_plugin.evaluation.lexicons import Lexicon, WordList, parse_lexicons
from ocr_plugin.evaluation.protocol_scores import ProtocolScores
from ocr_plugin.schema import Page, PageError
from tests.evaluation.test_icdar_score import answer, box, label
from tests.evaluation.test_pages import GREY, Told, entry, page_set

END_TO_END = PageProtocol.END_TO_END.value


def lexicon(path: Path, *words: str) -> Path:
    path.write_text("\n".join(words) + "\n", encoding="utf-8")
    return path


def test_a_reading_becomes_the_nearest_word_or_is_dropped() -> None:
    words = WordList(["Hat", "BAT", "CATS", "coffee"])
    assert words.nearest("coffee") == "COFFEE" and words.nearest("c0ffee") == "COFFEE"
    assert words.nearest("coffe") == words.nearest("coffees") == "COFFEE"
    assert words.nearest("c0ffe") is None and words.nearest("coffee!!") is None
    assert words.nearest("cats") == "CATS"  # an equal word goes before a near one
    assert words.nearest("cat") == "HAT"  # of several as near, the first of the list
    assert words.nearest("") is None


def test_a_picture_may_have_a_list_of_its_own(tmp_path: Path) -> None:
    path = lexicon(
        tmp_path / "strong.jsonl",
        json.dumps({"image": "images/1.png", "words": ["OPEN"]}),
        json.dumps({"image": "2.png", "words": ["SHUT"]}),
    )
    own = Lexicon(path)
    assert own.name == "strong"
    assert own.words_for(Path("/set/images/1.png")).nearest("open") == "OPEN"
    assert own.words_for(Path("/set/images/2.png")).nearest("open") is None
    with pytest.raises(ConfigurationError, match=r"strong\.jsonl: no words for .*3\.png"):
        ProtocolScores([], [own]).check([LabelledPage(Path("/set/images/3.png"), ())])
    with pytest.raises(ConfigurationError, match="no words for"):
        own.words_for(Path("/set/other/11.png"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "lists.jsonl:1: invalid labels"),
        ("[]", "not an object"),
        ('{"image": "1.png"}', "'words' is missing"),
        ('{"image": "1.png", "words": [" "]}', "not a word"),
        ('{"image": "1.png", "words": [3]}', "not a word: 3"),
        ('{"image": "1.png", "words": []}', "no words for 1.png"),
        ('{"image": "1.png", "words": ["A"]}\n' * 2, ":2: .*1.png has a list already"),
        ("", "no word"),
    ],
)
def test_invalid_lists_are_refused_with_their_place(tmp_path: Path, line: str, told: str) -> None:
    path = lexicon(tmp_path / "lists.jsonl", line)
    with pytest.raises(ConfigurationError, match=told):
        Lexicon(path)


def test_lexicons_are_asked_for_by_name_or_path(tmp_path: Path) -> None:
    path = lexicon(tmp_path / "weak.txt", "OPEN", "", " SHUT ")
    named, unnamed = parse_lexicons([f"other={path}", str(path)])
    assert (named.name, unnamed.name) == ("other", "weak")
    assert unnamed.words_for(Path("any.png")).nearest("shut") == "SHUT"
    for asked, told in {
        ("a=",): "NAME=PATH",
        (f"={path}",): "NAME=PATH",
        (f"none={path}",): "none means no lexicon",
        (str(path), f"weak={path}"): "two lexicons are called weak",
        (str(tmp_path / "nowhere.txt"),): "cannot be read",
        (str(lexicon(tmp_path / "empty.txt", "")),): "no word",
    }.items():
        with pytest.raises(ConfigurationError, match=told):
            parse_lexicons(asked)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'ocr-plugin\[eval\]'"):
        WordList(["OPEN"])


def test_each_run_corrects_or_drops_the_same_answers(tmp_path: Path) -> None:
    page = LabelledPage(Path("1.png"), (label("Open", box(0)), label("24h", box(100))))
    answers = [answer("0pen", box(0)), answer("24h", box(100)), answer("noise", box(300))]
    small = Lexicon(lexicon(tmp_path / "small.txt", "OPEN"))
    large = Lexicon(lexicon(tmp_path / "large.txt", "OVEN", "OPEN", "NOISE"))
    runs = ProtocolScores(list(PageProtocol), [small, large])
    runs.add(page, answers)
    scores = runs.scores()
    assert list(scores) == ["icdar2015-end-to-end", "icdar2015-word-spotting"]
    counted = {
        protocol: {name: (own["recall"], own["precision"]) for name, own in lexicons.items()}
        for protocol, lexicons in scores.items()
    }
    assert counted == {
        "icdar2015-end-to-end": {
            "none": (0.5, 0.3333),
            "small": (0.5, 1.0),
            "large": (0.5, 0.5),
        },
        # 24h is not cared for, and so is the answer there.
        "icdar2015-word-spotting": {
            "none": (0.0, 0.0),
            "small": (1.0, 1.0),
            "large": (1.0, 0.5),
        },
    }
    assert scores["icdar2015-word-spotting"]["none"]["words"] == 1


def test_nothing_is_counted_unless_asked_for(tmp_path: Path) -> None:
    runs = ProtocolScores()
    runs.add(LabelledPage(Path("1.png"), (label("Open", box(0)),)), [])
    assert runs.scores() == {}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(engine, "Engine", Told)
    monkeypatch.setattr(Told, "answers", {"1.png": [("0pen", box(0)), ("x", box(200, y=100))]})
    return page_set(tmp_path / "shop", {"1.png": (GREY, [entry("Open", box(0))])})


def test_the_command_scores_every_lexicon_from_one_reading(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[Path] = []

    def read_many(self: Told, paths: Iterable[Path]) -> Iterator[Page | PageError]:
        asked = list(paths)
        sources.extend(asked)
        return read_as_told(self, asked)

    read_as_told = Told.read_many
    monkeypatch.setattr(Told, "read_many", read_many)
    report = tmp_path / "scores.json"
    weak = lexicon(tmp_path / "weak.txt", "OPEN")
    strong = lexicon(tmp_path / "s.jsonl", json.dumps({"image": "1.png", "words": ["SHUT"]}))
    arguments = ["--data", str(shop), "--protocol", END_TO_END, "--json", str(report)]
    lexicons = ["--lexicon", str(weak), "--lexicon", f"strong={strong}"]
    assert main(["eval", "pages", *arguments, *lexicons]) == ExitCode.OK
    assert len(sources) == 1
    assert re.search(
        r"\nby published protocols\n"
        r"set   protocol              lexicon  words  recall  precision  hmean\n"
        r"shop  icdar2015-end-to-end  none     1      0\.00    0\.00       0\.00\n"
        r"shop  icdar2015-end-to-end  weak     1      100\.00  100\.00     100\.00\n"
        r"shop  icdar2015-end-to-end  strong   1      0\.00    0\.00       0\.00\n$",
        capfd.readouterr().out,
    )
    scores = json.loads(report.read_text())["sets"]["shop"]["protocols"]
    assert scores[END_TO_END]["weak"] == {
        "words": 1,
        "recall": 1.0,
        "precision": 1.0,
        "hmean": 1.0,
    }
    assert list(scores[END_TO_END]) == ["none", "weak", "strong"]


def test_wrong_usage_is_told_before_any_page_is_read(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    weak = lexicon(tmp_path / "weak.txt", "OPEN")
    strong = lexicon(tmp_path / "s.jsonl", json.dumps({"image": "2.png", "words": ["SHUT"]}))
    command = ["eval", "pages", "--data", str(shop)]
    assert main([*command, "--lexicon", str(weak)]) == ExitCode.USAGE
    assert "--lexicon needs a --protocol" in capfd.readouterr().err
    asked = ["--protocol", END_TO_END, "--lexicon", str(strong)]
    assert main([*command, *asked]) == ExitCode.USAGE
    assert "s.jsonl: no words for" in capfd.readouterr().err
    assert main([*command, "--protocol", "totaltext"]) == ExitCode.USAGE
    assert "icdar2015-word-spotting" in capfd.readouterr().err

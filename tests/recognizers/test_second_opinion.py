"""Two readers, one answer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.language.mixture import Language
from ocr_plugin.protocols import RGB, CharacterReading, Reading
from ocr_plugin.recognizers import second_opinion
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.scoring import ScoredTexts
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.line_words import words_of
from ocr_plugin.recognizers.ppocr import LineEvidence
from ocr_plugin.recognizers.second_opinion import SecondOpinion
from ocr_plugin.schema import Component
from tests.pictures import draw_lines

WIDE = np.full((20, 400, 3), 255, np.uint8)


def line(text: str, *confidences: float) -> Reading:
    """What a line reader gives: the characters share the width evenly."""
    words = words_of(Reading(text, 0.0))
    sure = tuple(
        replace(word, confidence=confidence)
        for word, confidence in zip(words, confidences, strict=True)
    )
    return Reading(text, min(confidences, default=0.0), sure)


class Lines:
    """Stands in for PP-OCR: reads what it is told, a word as likely as it is sure of it."""

    component = Component(name="lines", version="1")

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.readings: list[Reading] = []

    def evidence(
        self, crops: Sequence[RGB], doubtful: float, language: Language | None
    ) -> list[LineEvidence]:
        assert len(crops) == len(self.readings)
        return [
            LineEvidence(
                reading,
                tuple(
                    columns(word.text, word.confidence) if word.confidence < doubtful else None
                    for word in reading.words
                ),
            )
            for reading in self.readings
        ]

    def likely(self, evidence: CtcEvidence) -> list[str]:
        return [text for text, _ in evidence.candidates(6)]

    def evidence_of_words(
        self, crops: Sequence[RGB], known: Sequence[CtcEvidence | None]
    ) -> list[CtcEvidence]:
        return [columns("", 1.0) if each is None else each for each in known]


def columns(text: str, confidence: float) -> CtcEvidence:
    """What a CTC network says that reads a text, each character as sure, with blanks between."""
    characters = tuple(dict.fromkeys(text))
    rows = np.full((2 * len(text) + 1, 1 + len(characters)), 1e-3)
    rows[:, 0] = 0.999
    for place, character in enumerate(text):
        own = confidence ** (1 / len(text))
        rows[2 * place + 1] = (1 - own) / rows.shape[1]
        rows[2 * place + 1, 1 + characters.index(character)] = own
    return CtcEvidence(np.log(rows), characters)


class Words:
    """Stands in for CLIP4STR: is sure of "second" unless told, and notes the crops' widths."""

    component = Component(name="words", version="1", weights_sha256="a" * 64)
    model_config = Clip4StrConfig()

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.widths: list[int] = []
        self.given: list[list[str]] = []
        self.likely = {"second": -0.01}

    def score(self, crops: Sequence[RGB], given: Sequence[Sequence[str]]) -> list[ScoredTexts]:
        self.widths += [crop.shape[1] for crop in crops]
        self.given += map(list, given)
        texts = [tuple(dict.fromkeys([*self.likely, *own])) for own in given]
        return [
            ScoredTexts(own, np.array([self.likely.get(text, -30.0) for text in own]))
            for own in texts
        ]


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> tuple[Lines, Words, SecondOpinion]:
    lines, words = Lines(), Words()
    monkeypatch.setattr(second_opinion, "PPOcrRecognizer", lambda **options: lines)
    monkeypatch.setattr(second_opinion, "Clip4StrRecognizer", lambda **options: words)
    return lines, words, SecondOpinion(language="none")


def test_doubtful_words_alone_are_looked_at_again(
    readers: tuple[Lines, Words, SecondOpinion],
) -> None:
    lines, words, both = readers
    lines.readings = [line("sure wrong", 0.97, 0.5), line("fine", 0.99)]
    first, second = both.recognize([WIDE, WIDE])
    assert first.text == "sure second" and second == lines.readings[1]
    assert first.words[0] == lines.readings[0].words[0]
    assert words.widths and all(width < 300 for width in words.widths)
    assert "wrong" in words.given[0]
    # The new word stands where the old one stood, and knows it.
    assert first.words[1].span == lines.readings[0].words[1].span


def test_what_both_readers_find_likely_is_read(
    readers: tuple[Lines, Words, SecondOpinion],
) -> None:
    lines, words, both = readers
    words.likely = {"clea": -0.5, "clear": -0.9}
    lines.readings = [line("clear", 0.85)]
    (found,) = both.recognize([WIDE])
    assert found.text == "clear" and dict(found.words[0].alternatives).keys() == {"clea"}
    assert words.widths[0] == 400  # the whole crop: nothing parts it


@pytest.mark.parametrize(
    ("text", "asked"),
    [("CAFÉ", True), ("0日", True), ("日本語", False), ("日本", False), ("x" * 26, False)],
)
def test_words_it_cannot_read_are_not_asked_about(
    text: str, asked: bool, readers: tuple[Lines, Words, SecondOpinion]
) -> None:
    lines, words, both = readers
    lines.readings = [line(text, 0.5)]
    (found,) = both.recognize([WIDE])
    assert bool(words.widths) == asked
    assert asked or found.text == text


def test_an_accent_that_clip4str_cannot_say_is_kept(
    readers: tuple[Lines, Words, SecondOpinion],
) -> None:
    lines, words, both = readers
    words.likely = {"Cafe": -0.05}
    lines.readings = [line("Café", 0.8)]
    (found,) = both.recognize([WIDE])
    assert found.text == "Café"
    assert words.given[0][0] == "Cafe"


def test_an_accent_that_is_surely_seen_outweighs_the_other_reader_and_the_language(
    readers: tuple[Lines, Words, SecondOpinion],
) -> None:
    lines, words, _ = readers
    both = SecondOpinion(language="en")
    words.likely = {"Eleve": -0.001}
    (seen,) = line("Elevē", 0.3).words
    sure, unsure = (
        tuple(CharacterReading(each, own if ord(each) > 127 else 0.7) for each in seen.text)
        for own in (0.85, 0.4)
    )
    lines.readings = [Reading(seen.text, 0.3, (replace(seen, characters=sure),))]
    assert both.recognize([WIDE])[0].text == "Elevē"
    lines.readings = [Reading(seen.text, 0.3, (replace(seen, characters=unsure),))]
    assert both.recognize([WIDE])[0].text == "Eleve"


def test_a_line_of_guesses_is_cut_by_its_ink(readers: tuple[Lines, Words, SecondOpinion]) -> None:
    lines, _, both = readers
    drawn = draw_lines([(6, 4, "four words stand here")], size=(420, 44), height=32).pixels
    lines.readings = [line("fo urwo", 0.1, 0.1), Reading("", 0.0)]
    first, second = both.recognize([drawn, drawn])
    assert first.text == second.text == " ".join(["second"] * 4)


def test_a_line_of_another_script_is_left_out_unless_clip4str_is_sure(
    readers: tuple[Lines, Words, SecondOpinion],
) -> None:
    lines, words, both = readers
    drawn = draw_lines([(6, 4, "four words stand here")], size=(420, 44), height=32).pixels
    lines.readings = [line(", .", 0.97, 0.98)]
    words.likely = {f"{letter}econd": -1.8 for letter in "abcdef"}
    assert both.recognize([drawn]) == [second_opinion.UNKNOWN_SCRIPT]
    words.likely = {"second": -0.01}
    assert both.recognize([drawn])[0].text == " ".join(["second"] * 4)


def test_what_neither_reader_reads_is_empty(readers: tuple[Lines, Words, SecondOpinion]) -> None:
    lines, words, both = readers
    lines.readings = [Reading("", 0.0)]
    words.likely = {"": -0.1}
    assert both.recognize([WIDE]) == [Reading("", 0.0)]
    lines.readings = []
    assert both.recognize([]) == []


def test_its_options_are_clip4strs_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_opinion, "PPOcrRecognizer", Lines)
    monkeypatch.setattr(second_opinion, "Clip4StrRecognizer", Words)
    both = SecondOpinion(model="own.pt", device="cpu", sure=0.5, threads=3, precision="float32")
    assert vars(both._first)["options"] == {
        "threads": 3,
        "precision": "float32",
        "language": "none",
    }
    assert both._second.options == {  # type: ignore[comparison-overlap]
        "model": "own.pt",
        "device": "cpu",
        "precision": "float32",
        "settle_ties": False,
        "offline": False,
        "threads": 3,
        "language": "none",
    }
    fast = SecondOpinion(precision="bfloat16")
    assert vars(fast._first)["options"] == {
        "threads": 0,
        "precision": "bfloat16",
        "language": "none",
    }
    assert both.component.name == "words+lines" and both.component.weights_sha256 == "a" * 64
    with pytest.raises(ConfigurationError, match="speed"):
        SecondOpinion(speed=2)
    with pytest.raises(ConfigurationError, match="sure"):
        SecondOpinion(sure=1.5)


def test_the_real_readers_read_a_line() -> None:
    both = SecondOpinion(sure=1.0, offline=True)
    drawn = draw_lines([(6, 6, "Fresh bread 1984")], size=(340, 48), height=32)
    (reading,) = both.recognize([drawn.pixels])
    assert reading.text == "Fresh bread 1984"
    assert len(reading.words) == 3 and min(word.confidence for word in reading.words) > 0.5


def test_languages_are_chosen_by_name() -> None:
    drawn = draw_lines([(6, 6, "Fresh bread")], size=(240, 48), height=32).pixels
    assert SecondOpinion(language="de,fr").recognize([drawn])[0].text == "Fresh bread"
    with pytest.raises(ConfigurationError, match="klingon"):
        SecondOpinion(language="klingon")

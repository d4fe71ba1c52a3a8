"""Two readers, one answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ocr_plugin import second_opinion
from ocr_plugin.clip4str.config import Clip4StrConfig
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Reading
from ocr_plugin.schema import Component
from ocr_plugin.second_opinion import SecondOpinion, believed
from tests.pictures import draw_lines

WIDE = np.full((20, 400, 3), 255, np.uint8)


def line(text: str, *word_confidences: float) -> Reading:
    """What a line reader gives: the characters share the width evenly."""
    count = len(text)
    return Reading(
        text,
        min(word_confidences, default=0.0),
        (0.9,) * count,
        tuple((index / count, (index + 1) / count) for index in range(count)),
        word_confidences=word_confidences,
    )


class Lines:
    """Stands in for PP-OCR: reads what it is told."""

    component = Component(name="lines", version="1")

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.readings: list[Reading] = []

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        assert len(crops) == len(self.readings)
        return self.readings


class Words:
    """Stands in for CLIP4STR: reads "second", and notes the crops' widths."""

    component = Component(name="words", version="1", weights_sha256="a" * 64)
    model_config = Clip4StrConfig()

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.widths: list[int] = []

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        self.widths += [crop.shape[1] for crop in crops]
        return [Reading("second", 0.8, (0.95,) * 6) for _ in crops]


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> tuple[Lines, Words, SecondOpinion]:
    lines, words = Lines(), Words()
    monkeypatch.setattr(second_opinion, "PPOcrRecognizer", lambda **options: lines)
    monkeypatch.setattr(second_opinion, "Clip4StrRecognizer", lambda **options: words)
    return lines, words, SecondOpinion()


def test_doubtful_words_alone_are_read_again(readers: tuple[Lines, Words, SecondOpinion]) -> None:
    lines, words, both = readers
    lines.readings = [line("sure dubious wrong", 0.95, 0.85, 0.5), line("fine", 0.99)]
    first, second = both.recognize([WIDE, WIDE])
    # The middle word keeps its reading: the other one is less confident still.
    assert first.text == "sure dubious second" and second == lines.readings[1]
    assert first.word_confidences == (0.95, 0.85, 0.8)
    assert len(words.widths) == 2 and all(width < 200 for width in words.widths)
    assert len(first.character_confidences) == len(first.character_extents) == len(first.text)
    starts = [start for start, _ in first.character_extents]
    assert starts == sorted(starts)
    # The new word stands where the old one stood.
    assert first.character_extents[13][0] == pytest.approx(13 / 18, abs=0.02)
    assert first.character_extents[18][1] == pytest.approx(1, abs=0.02)


def test_a_single_word_keeps_the_other_reading(
    readers: tuple[Lines, Words, SecondOpinion],
) -> None:
    lines, words, both = readers
    lines.readings = [line("frist", 0.6), line("first", 0.85)]
    found, kept = both.recognize([WIDE, WIDE])
    assert (found.text, found.confidence) == ("second", 0.8)
    assert found.alternatives == (("frist", 0.6),)
    assert (kept.text, kept.alternatives) == ("first", (("second", 0.8),))
    assert words.widths == [400, 400]  # the whole crop: nothing parts it


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
    assert found.text == ("second" if asked else text)


def test_a_line_of_guesses_is_cut_by_its_ink(readers: tuple[Lines, Words, SecondOpinion]) -> None:
    lines, words, both = readers
    drawn = draw_lines([(6, 4, "four words stand here")], size=(420, 44), height=32).pixels
    lines.readings = [line("fo urwo", 0.1, 0.1), Reading("", 0.0)]
    first, second = both.recognize([drawn, drawn])
    assert first.text == second.text == " ".join(["second"] * 4)
    assert len(words.widths) == 8


def test_what_nobody_reads_is_empty(readers: tuple[Lines, Words, SecondOpinion]) -> None:
    lines, words, both = readers
    lines.readings = [Reading("", 0.0)]
    words.recognize = lambda crops: [Reading("", 0.4) for _ in crops]  # type: ignore[method-assign]
    assert both.recognize([WIDE]) == [Reading("", 0.0)]
    lines.readings = []
    assert both.recognize([]) == []


def test_its_options_are_clip4strs_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_opinion, "PPOcrRecognizer", Lines)
    monkeypatch.setattr(second_opinion, "Clip4StrRecognizer", Words)
    both = SecondOpinion(model="own.pt", device="cpu", sure=0.5, threads=3, precision="float32")
    assert vars(both._first)["options"] == {"threads": 3, "precision": "float32"}
    assert both._second.options == {  # type: ignore[comparison-overlap]
        "model": "own.pt",
        "device": "cpu",
        "precision": "float32",
        "settle_ties": False,
        "offline": False,
        "threads": 3,
    }
    fast = SecondOpinion(precision="bfloat16")
    assert vars(fast._first)["options"] == {"threads": 0, "precision": "bfloat16"}
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
    assert len(reading.word_confidences) == 3 and min(reading.word_confidences) > 0.5


def test_agreement_leaves_no_alternative() -> None:
    first, second = Reading("word", 0.7, (0.9,) * 4), Reading("word", 0.6)
    assert believed([first, second]) == first


def test_alternatives_are_ranked_and_kept() -> None:
    first = Reading("b", 0.5, alternatives=(("c", 0.1), ("a", 0.45)))
    found = believed([first, Reading("d", 0.3), Reading("", 0.2)])
    assert found.alternatives == (("a", 0.45), ("d", 0.3), ("c", 0.1))

"""Which views of a doubtful word are asked for, and what becomes of the answers."""

from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin.protocols import RGB, CharacterReading, WordReading
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.decision import View, Weights, WeightsByKind
from ocr_plugin.recognizers.views import turned, with_margin
from ocr_plugin.recognizers.word_decider import DoubtfulWord, WordDecider

ONE = Weights(readers=(1.0,), language=0.0, length=0.0)
LYING, STANDING = np.zeros((20, 60, 3), np.uint8), np.zeros((60, 20, 3), np.uint8)
SEEN = CtcEvidence(np.zeros((1, 2)), ("a",))
OLD = WordReading("old", 0.6, (0.2, 0.5), (CharacterReading("o", 0.7),))


class Readers:
    """Stand-ins: answer by the shape of a view, and note what they were asked."""

    def __init__(self, **answers: dict[str, float]) -> None:
        self.answers = answers
        self.asked: list[tuple[tuple[int, ...], bool]] = []

    def __call__(self, crops: Sequence[RGB], evidence: Sequence[CtcEvidence | None]) -> list[View]:
        views = []
        for crop, ctc in zip(crops, evidence, strict=True):
            self.asked.append((crop.shape[:2], ctc is not None))
            scores = self.answers.get(f"w{crop.shape[1]}", {"other": -9.0})
            views.append(View(list(scores), np.array([list(scores.values())]).T))
        return views


def decided(readers: Readers, *words: DoubtfulWord) -> list[WordReading]:
    return WordDecider(readers, WeightsByKind(ONE, ONE), None)(words)


def test_a_clear_word_is_looked_at_once() -> None:
    readers = Readers(w60={"new": 0.0, "old": -6.0})
    (word,) = decided(readers, DoubtfulWord(LYING, OLD, SEEN))
    assert readers.asked == [((20, 60), True)]
    assert (word.text, word.span, word.alternatives) == ("new", OLD.span, ())
    assert [each.text for each in word.characters] == ["n", "e", "w"]
    assert word.confidence == pytest.approx(1, abs=0.01)


def test_an_unsure_word_is_looked_at_with_a_margin() -> None:
    readers = Readers(w60={"new": 0.0, "old": 0.0}, w68={"old": 3.0})
    (word,) = decided(readers, DoubtfulWord(LYING, OLD, SEEN))
    assert readers.asked == [((20, 60), True), ((28, 68), False)]
    assert word.text == "old" and word.alternatives[0][0] == "new"
    assert word.characters == OLD.characters  # the text is as before, and so are its characters


def test_a_tall_word_is_turned_if_it_stands_alone() -> None:
    readers = Readers(w60={"SIGN": 0.0}, w20={"8": -5.0})
    alone, part = DoubtfulWord(STANDING, OLD, SEEN, alone=True), DoubtfulWord(STANDING, OLD, SEEN)
    first, second = decided(readers, alone, part)
    assert first.text == "SIGN" and second.text == "8"
    assert readers.asked[:4] == [
        ((60, 20), True), ((20, 60), False), ((20, 60), False), ((60, 20), True)
    ]  # fmt: skip


def test_what_no_reader_sees_is_empty() -> None:
    readers = Readers(w60={}, w68={})
    (word,) = decided(readers, DoubtfulWord(LYING, OLD))
    assert (word.text, word.confidence, word.characters) == ("", 0.0, ())
    assert decided(readers) == []


def test_turned_views_are_right_angles_of_tall_crops() -> None:
    drawn = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)
    left, right = turned(drawn)
    assert (np.rot90(left, -1) == drawn).all() and (np.rot90(right) == drawn).all()
    assert list(turned(LYING)) == [] and list(turned(np.zeros((20, 20, 3), np.uint8))) == []


def test_a_margin_repeats_the_border() -> None:
    wide = with_margin(np.full((1, 4, 3), 7, np.uint8))
    assert wide.shape == (3, 6, 3) and (wide == 7).all()

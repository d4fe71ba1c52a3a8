"""Which views of a doubtful word are asked for, and what becomes of the answers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_plugin.language.mixture import Language
from ocr_plugin.protocols import RGB, CharacterReading, WordReading
from ocr_plugin.recognizers.calibration import AS_IT_IS, Calibration
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence
from ocr_plugin.recognizers.decision import View, Weights, WeightsByKind
from ocr_plugin.recognizers.views import turned, with_margin
from ocr_plugin.recognizers.word_decider import DoubtfulWord, WordDecider

ONE = Weights(readers=(1.0,), language=0.0, length=0.0, calibration=AS_IT_IS)
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


def test_confidence_is_calibrated_and_alternatives_share_what_is_left() -> None:
    readers = Readers(w60={"new": -1.0, "old": -1.5, "odd": -1.5}, w68={})
    surer = replace(ONE, calibration=Calibration(bias=2.0, odds=1.0, seen=0.0))
    decider = WordDecider(readers, WeightsByKind(surer, surer), None)
    (word,) = decider([DoubtfulWord(LYING, OLD, SEEN)])
    share = 1 / (1 + 2 * np.exp(-0.5))
    assert word.confidence == pytest.approx(1 / (1 + np.exp(-2) * (1 - share) / share))
    assert sum(each for _, each in word.alternatives) == pytest.approx(1 - word.confidence)


class Cabinet:
    """Stands in for a language that has seen part numbers, once it has adapted to them."""

    def __init__(self, seen: Sequence[str] = ()) -> None:
        self.seen = seen

    def adapted(self, texts: Sequence[str]) -> "Cabinet":
        return Cabinet(texts)

    def log_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([0.0 if self.seen and text[-1].isdigit() else -3.0 for text in texts])


def test_a_page_is_weighed_again_by_what_is_sure_on_it() -> None:
    language = Weights(readers=(1.0,), language=1.0, length=0.0, calibration=AS_IT_IS)
    weights = WeightsByKind(language, language)
    decider = WordDecider(Readers(), weights, cast(Language, Cabinet()))
    sure = WordReading("U2", 0.99)
    doubtful = WordReading("UI", 0.5, (0.1, 0.2), OLD.characters, (("U1", 0.3), ("UL", 0.1)))
    plain = WordReading("UI", 0.5)  # nothing else to choose from
    read = decider.reconsidered([sure, doubtful, plain], 0.95)
    assert [word.text for word in read] == ["U2", "U1", "UI"]
    assert read[0] is sure and read[2] is plain
    again = read[1]
    assert again.span == (0.1, 0.2) and [each.text for each in again.characters] == ["U", "1"]
    assert [text for text, _ in again.alternatives] == ["UI", "UL"]
    # What is known about the word in all is as before.
    total = again.confidence + sum(share for _, share in again.alternatives)
    assert total == pytest.approx(0.9) and again.confidence > 0.8


def test_a_page_without_sure_words_or_language_stays() -> None:
    doubtful = WordReading("UI", 0.5, alternatives=(("U1", 0.4),))
    with_language = WordDecider(Readers(), WeightsByKind(ONE, ONE), cast(Language, Cabinet()))
    assert with_language.reconsidered([doubtful], 0.95) == [doubtful]
    without = WordDecider(Readers(), WeightsByKind(ONE, ONE), None)
    words = [WordReading("U2", 0.99), doubtful]
    assert without.reconsidered(words, 0.95) == words


def test_turned_views_are_right_angles_of_tall_crops() -> None:
    drawn = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)
    left, right = turned(drawn)
    assert (np.rot90(left, -1) == drawn).all() and (np.rot90(right) == drawn).all()
    assert list(turned(LYING)) == [] and list(turned(np.zeros((20, 20, 3), np.uint8))) == []


def test_a_margin_repeats_the_border() -> None:
    wide = with_margin(np.full((1, 4, 3), 7, np.uint8))
    assert wide.shape == (3, 6, 3) and (wide == 7).all()


def test_without_views_a_word_is_looked_at_once() -> None:
    readers = Readers(w60={"new": 0.0, "old": 0.0})
    once = WordDecider(readers, WeightsByKind(ONE, ONE), None, views=False)
    once([DoubtfulWord(LYING, OLD, SEEN), DoubtfulWord(STANDING, OLD, alone=True)])
    assert readers.asked == [((20, 60), True), ((60, 20), False)]

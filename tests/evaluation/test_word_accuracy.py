import pytest

from ocr_plugin.datasets.labels import clean_label, reduced
from ocr_plugin.evaluation.word_accuracy import LabelledReading, averages, word_scores


@pytest.mark.parametrize(
    ("label", "cleaned"),
    [
        ("Two words", "Twowords"),
        ("café", "cafe"),
        ("№5", "No5"),
        ("日本", None),
        ("", None),
        ("a" * 25, "a" * 25),
        ("a" * 26, None),
        # Left out by its length before punctuation could shorten it.
        ("a" * 20 + "!" * 6, None),
    ],
)
def test_labels_are_cleaned_by_the_protocol(label: str, cleaned: str | None) -> None:
    assert clean_label(label) == cleaned


def test_each_rule_keeps_its_characters() -> None:
    assert reduced("It's 5€!", 36) == "its5"
    assert reduced("It's 5€!", 62) == "Its5"
    assert reduced("It's 5€!", 94) == "It's5!"


def test_accuracies_by_rule() -> None:
    readings = [
        LabelledReading("Open", "OPEN", 0.9),
        LabelledReading("it's", "its", 0.9),
        LabelledReading("24/7", "24/7", 0.9),
        LabelledReading("???", "x", 0.9),
    ]
    scores = word_scores(readings)
    assert scores["accuracy_36"] == 1.0 and scores["count"] == 3
    assert scores["accuracy_62"] == pytest.approx(2 / 3, abs=1e-4)
    assert scores["accuracy_94"] == 0.25 and scores["count_94"] == 4
    assert scores["ned"] == 1.0


def test_edit_distance_is_relative_to_the_longer_text() -> None:
    assert word_scores([LabelledReading("abcd", "abxd", 1.0)])["ned"] == 0.75
    assert word_scores([LabelledReading("ab", "abcd", 1.0)])["ned"] == 0.5


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    sure = [LabelledReading("a", "a", 0.95)] * 5 + [LabelledReading("a", "b", 0.95)] * 5
    assert word_scores(sure)["ece"] == pytest.approx(0.45, abs=1e-4)
    fair = [LabelledReading("a", "a", 1.0)] * 4 + [LabelledReading("a", "b", 0.0)] * 4
    assert word_scores(fair)["ece"] == 0.0


def test_lengths_are_told_apart() -> None:
    scores = word_scores([LabelledReading("ab", "ab", 1.0), LabelledReading("abcdefgh", "x", 1.0)])
    assert scores["by_length"] == {
        "1-3": {"accuracy_36": 1.0, "count": 1},
        "7-9": {"accuracy_36": 0.0, "count": 1},
    }


def test_aspects_are_told_apart() -> None:
    read = [("a", 0.5), ("b", 2.0), ("a", 3.9), ("a", 20.0), ("a", None)]
    scores = word_scores([LabelledReading("a", text, 1.0, aspect) for text, aspect in read])
    assert scores["by_aspect"] == {
        "<1": {"accuracy_36": 1.0, "count": 1},
        "2-4": {"accuracy_36": 0.5, "count": 2},
        ">=8": {"accuracy_36": 1.0, "count": 1},
    }


def test_the_confident_readings_come_first() -> None:
    readings = [
        LabelledReading("a", "a" if index < 12 else "b", 1 - index / 20) for index in range(20)
    ]
    assert word_scores(readings)["accuracy_at_coverage"] == {
        "0.5": 1.0,
        "0.8": 0.75,
        "0.9": 0.6667,
        "0.95": 0.6316,
    }


def test_the_two_averages_differ() -> None:
    sets = [{"accuracy_36": 1.0, "count": 1}, {"accuracy_36": 0.5, "count": 3}]
    assert averages(sets) == {"weighted": 0.625, "plain": 0.75}


def test_nothing_judged_scores_nothing() -> None:
    assert word_scores([])["accuracy_36"] == 0.0

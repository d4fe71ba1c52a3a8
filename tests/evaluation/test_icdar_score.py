"""ICDAR-2015's protocols on pages made by hand, one rule at a time."""

from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.evaluation.icdar_protocols import PageProtocol
from ocr_plugin.evaluation.icdar_score import dictionary_word, tally
from ocr_plugin.evaluation.page_score import Answer, Tally
from ocr_plugin.protocols import Points

END_TO_END, WORD_SPOTTING = PageProtocol.END_TO_END, PageProtocol.WORD_SPOTTING


def box(x: float, width: float = 40, y: float = 0, height: float = 10) -> Points:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float32)


def label(text: str | None, polygon: Points, ignore: bool = False) -> LabelledWord:
    return LabelledWord(polygon, text, ignore)


def answer(text: str, polygon: Points) -> Answer:
    return Answer([(float(x), float(y)) for x, y in polygon], text)


def is_right(expected: str, read: str, protocol: PageProtocol = END_TO_END) -> bool:
    counts = tally([label(expected, box(0))], [answer(read, box(0))], protocol)
    assert (counts.labelled, counts.answered) == (1, 1)
    return counts.read == 1


@pytest.mark.parametrize("protocol", PageProtocol)
def test_texts_are_equal_ignoring_case_alone(protocol: PageProtocol) -> None:
    assert is_right("Open", "OPEN", protocol) and is_right("café", "CAFÉ", protocol)
    assert not is_right("Open", "0pen", protocol) and not is_right("Open", "Op en", protocol)


def test_end_to_end_a_label_may_lose_one_special_character_at_either_end() -> None:
    for read in ('"Note?"', 'Note?"', '"Note?', "note?"):
        assert is_right('"Note?"', read)
    assert not is_right('"Note?"', "Note")  # two at the end
    assert is_right("need!", "need") and is_right("(UPP", "upp")
    assert not is_right("70%", "70") and not is_right("Asia's", "Asias")
    # Of an answer nothing is taken off.
    assert not is_right("need", "need!")


@pytest.mark.parametrize("protocol", PageProtocol)
def test_more_than_half_of_the_union_must_be_shared(protocol: PageProtocol) -> None:
    labels = [label("Open", box(0, 30))]
    assert tally(labels, [answer("Open", box(10, 30))], protocol) == Tally(0, 1, 1)  # just half
    assert tally(labels, [answer("Open", box(9, 30))], protocol) == Tally(1, 1, 1)


@pytest.mark.parametrize("protocol", PageProtocol)
def test_the_first_answer_at_a_place_is_matched_whatever_it_says(protocol: PageProtocol) -> None:
    labels = [label("Open", box(0))]
    right, wrong = answer("Open", box(0)), answer("0pen", box(5))
    assert tally(labels, [right, wrong], protocol) == Tally(1, 1, 2)
    assert tally(labels, [wrong, right], protocol) == Tally(0, 1, 2)


@pytest.mark.parametrize("protocol", PageProtocol)
def test_an_answer_is_matched_once(protocol: PageProtocol) -> None:
    labels = [label("Open", box(0)), label("Open", box(1))]
    assert tally(labels, [answer("Open", box(0))], protocol) == Tally(1, 2, 1)


@pytest.mark.parametrize("protocol", PageProtocol)
@pytest.mark.parametrize(
    "uncared", [("noise", True), ("###", False), (None, False), ("", False)], ids=str
)
def test_what_lies_in_a_region_not_cared_for_counts_neither_way(
    protocol: PageProtocol, uncared: tuple[str | None, bool]
) -> None:
    text, ignore = uncared
    labels = [label("Open", box(0)), label(text, box(100), ignore)]
    # By more than half of the answer, however little of the region that is.
    assert tally(labels, [answer("x", box(110, 4))], protocol) == Tally(0, 1, 0)
    assert tally(labels, [answer("x", box(120, 40))], protocol) == Tally(0, 1, 1)


@pytest.mark.parametrize("protocol", PageProtocol)
def test_an_answer_in_a_region_not_cared_for_reads_no_label(protocol: PageProtocol) -> None:
    labels = [label("Open", box(0)), label("###", box(0, 25), ignore=True)]
    assert tally(labels, [answer("Open", box(0))], protocol) == Tally(0, 1, 0)


def test_end_to_end_cares_for_words_of_any_length_and_kind() -> None:
    labels = [label("B1", box(0)), label("$8.80", box(100))]
    answers = [answer("B1", box(0)), answer("$8.80", box(100))]
    assert tally(labels, answers, END_TO_END) == Tally(2, 2, 2)
    # To word spotting both are regions that are not cared for.
    assert tally(labels, answers, WORD_SPOTTING) == Tally(0, 0, 0)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Open", "Open"),
        ("VICTORIA'S", "VICTORIA"),
        ("there's", "there"),
        ("-sale-", "sale"),
        ("SK-II", "SK-II"),
        ("need!", "need"),
        ('"(Note)?"', "Note"),
        ("Straße", "Straße"),
        ("Ώρα", "Ώρα"),
        ("to", None),
        ("to!", None),
        ("it's", None),
        ("ST.MARC", None),
        ("AT HIGH", None),
        ("m&m", None),
        ("2015", None),
        ("CLUB313", None),
        ("a\u00d7b", None),  # a sign among the letters
        ("中国人民", None),
    ],
)
def test_word_spotting_looks_for_words_of_a_dictionary(text: str, word: str | None) -> None:
    assert dictionary_word(text) == word


def test_word_spotting_compares_with_the_dictionarys_word_alone() -> None:
    assert is_right("VICTORIA'S", "victoria", WORD_SPOTTING)
    assert not is_right("VICTORIA'S", "Victoria's", WORD_SPOTTING)
    assert is_right("need!", "need", WORD_SPOTTING)
    assert not is_right("need!", "need!", WORD_SPOTTING)


@pytest.mark.parametrize("protocol", PageProtocol)
def test_pages_without_labels_or_answers_are_counted(protocol: PageProtocol) -> None:
    none: Sequence[LabelledWord] = []
    assert tally(none, [], protocol) == Tally()
    assert tally(none, [answer("x", box(0))], protocol) == Tally(0, 0, 1)
    assert tally([label("Open", box(0))], [], protocol) == Tally(0, 1, 0)

"""Readers that are told the language, and what a text may be."""

from collections.abc import Sequence

import numpy as np
import pytest

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.errors import BrokenPlugin, ConfigurationError
from ocr_plugin.plugins import make_recognizer
from ocr_plugin.protocols import RGB, Reading, Recognizer, Unit, WordReading
from ocr_plugin.recognizers.guidance import UNGUIDED, Guidance
from ocr_plugin.recognizers.guiding import guided
from ocr_plugin.recognizers.line_reader import LineReader, line_reader
from ocr_plugin.schema import Component
from tests.pictures import draw_crop

IBAN = "DE89 3704 0044 0532 0130 00"
BUILT_IN = ("ppocr", "second_opinion", "clip4str")


@pytest.fixture(scope="module")
def readers() -> dict[str, Recognizer]:
    return {name: line_reader(make_recognizer(name)) for name in BUILT_IN}


def told(reader: Recognizer, **constraint: object) -> Recognizer:
    return guided(reader, Guidance(constraint=Constraint.parse(constraint)))


class Stranger:
    """A plugin that knows nothing of guidance."""

    component = Component(name="stranger", version="1")
    unit: Unit = "line"

    def __init__(self, *words: WordReading) -> None:
        self.words = words

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        text = " ".join(word.text for word in self.words)
        return [Reading(text, 0.5, self.words) for _ in crops]


AB = WordReading("AB", 0.9, (0.0, 0.4), alternatives=(("A8", 0.08),))
I23 = WordReading("I23", 0.6, (0.5, 1.0), alternatives=(("123", 0.3), ("l23", 0.1)))
CROP = np.zeros((20, 80, 3), np.uint8)


def read(reader: Recognizer, text: str) -> Reading:
    (reading,) = reader.recognize([draw_crop(text)])
    return reading


@pytest.mark.parametrize("name", BUILT_IN)
def test_words_are_read_as_the_constraint_has_them(
    readers: dict[str, Recognizer], name: str
) -> None:
    reader = readers[name]
    assert read(told(reader, characters="0123456789"), "501 200").text == "501 200"
    lower = read(told(reader, pattern="[a-z]+"), "hello")
    assert lower.text == "hello" and lower.confidence > 0.5
    nothing = read(told(reader, pattern="[0-9]{9}"), "hello")
    assert nothing.text == "" and nothing.withheld[0].alternatives[0][0] == "hello"
    entry = read(told(reader, lexicon=("hallo", "hello", "yellow")), "hello")
    assert entry.text == "hello" and entry.confidence > 0.5
    # The reader itself is as it was.
    assert read(reader, "hello").withheld == ()


def test_words_that_are_allowed_only_together_are_one(readers: dict[str, Recognizer]) -> None:
    for name in ("ppocr", "second_opinion"):
        found = read(told(readers[name], pattern="[A-Z]{2}[0-9]{4}"), "AB 1234")
        assert found.text == "AB1234" and found.confidence > 0.5
        assert [word.span[0] < 0.2 and word.span[1] > 0.8 for word in found.words] == [True]
        apart = read(told(readers[name], pattern="[A-Z]{2}|[0-9]{4}"), "AB 1234")
        assert apart.text == "AB 1234"


def test_abstaining_alone_changes_no_reading(readers: dict[str, Recognizer]) -> None:
    for reader in (*readers.values(), Stranger(AB, I23)):
        assert read(told(reader, abstain_below=0.99), "Hello") == read(reader, "Hello")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_constraint_with_spaces_is_about_the_line(
    readers: dict[str, Recognizer], name: str
) -> None:
    found = read(told(readers[name], pattern="iban"), IBAN)
    assert found.text == IBAN and found.confidence > 0.5
    spans = [word.span for word in found.words]
    assert len(spans) == 6 and spans == sorted(spans) and spans[2][0] > 0.3
    assert read(told(readers[name], pattern="iban"), IBAN.replace("0130", "0131")).text == ""


def test_guidance_is_replaced_not_added(readers: dict[str, Recognizer]) -> None:
    for reader in readers.values():
        digits = told(reader, characters="0123456789")
        assert read(guided(digits, UNGUIDED), "hello").text == "hello"


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(
    ("guidance", "message"),
    [
        ({"characters": ""}, "the set is empty"),
        ({"pattern": "[0-9]{2}", "characters": "ab"}, "exclude"),
        ({"lexicon": ("abc",), "characters": "12"}, "none of its entries is allowed"),
        ({"characters": "\ue000"}, "has not the characters"),
        ({"pattern": "[a"}, "pattern"),
    ],
)
def test_contradictions_are_refused(
    readers: dict[str, Recognizer], name: str, guidance: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        told(readers[name], **guidance)


def test_an_unknown_language_is_refused(readers: dict[str, Recognizer]) -> None:
    for reader in (*readers.values(), Stranger(AB)):
        with pytest.raises(ConfigurationError, match="xx"):
            guided(reader, Guidance("xx"))


def test_a_plugin_without_guidance_is_chosen_from() -> None:
    stranger = Stranger(AB, I23)
    assert guided(stranger, UNGUIDED) is stranger
    (found,) = told(stranger, pattern="[A-Z]+|[0-9]+").recognize([CROP])
    assert found.text == "AB 123" and found.words[1].span == I23.span
    assert found.words[1].confidence > 0.5
    (digits,) = told(stranger, characters="0123456789").recognize([CROP])
    assert digits.text == "123" and digits.withheld[0].alternatives[0][0] == "AB"
    (line,) = told(stranger, pattern="[A-Z]{2} [0-9]{3}").recognize([CROP])
    assert line.text == "AB 123" and len(line.words) == 2
    (none,) = told(stranger, pattern="[A-Z] [0-9]").recognize([CROP])
    assert none.text == "" and none.withheld[0].alternatives[0][0] == "AB I23"


def test_a_plugin_of_words_reads_lines_under_a_constraint() -> None:
    class Words(Stranger):
        unit: Unit = "word"

    words = LineReader(Words(I23), None)
    (found,) = told(words, pattern="[0-9]{3}").recognize([draw_crop("one")])
    assert found.text == "123"


def test_a_broken_method_is_named() -> None:
    class Broken(Stranger):
        def guided(self, guidance: Guidance) -> None:
            return None

    with pytest.raises(BrokenPlugin, match="`guided` of stranger"):
        told(Broken(AB), characters="1")

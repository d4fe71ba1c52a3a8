"""What a reading may be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB, Reading, Unit, WordReading
from ocr_plugin.schema import Component, PageError


def test_a_text_and_its_confidence_are_enough() -> None:
    assert Reading("a b", 0.5).words == ()
    assert Reading("a b", 0.5) == Reading("a b", 0.5) != Reading("a b", 0.6)


def test_words_make_up_the_text() -> None:
    words = WordReading("to", 0.9, (0.0, 0.3)), WordReading("let", 0.8, (0.4, 1.0))
    assert Reading("to let", 0.8, words).words == words
    with pytest.raises(ValueError, match=r"the words of 'toilet' are \['to', 'let'\]"):
        Reading("toilet", 0.8, words)


def test_words_of_a_line_have_their_places() -> None:
    with pytest.raises(ValueError, match="the words of 'to let' have no spans"):
        Reading("to let", 0.8, (WordReading("to", 0.9), WordReading("let", 0.8)))
    assert Reading("let", 0.8, (WordReading("let", 0.8),)).words[0].span == (0.0, 1.0)


class Old:
    """A recognizer of an earlier contract."""

    component = Component(name="old", version="1")
    unit: Unit = "line"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        earlier: dict[str, Any] = {"character_confidences": (0.9,), "character_extents": ()}
        return [Reading("a", 0.9, **earlier) for _ in crops]


def test_the_contract_of_earlier_releases_is_named_in_an_error() -> None:
    engine = Engine("whole_image", Old())
    (result,) = engine.read_many([np.zeros((20, 60, 3), np.uint8)])
    assert isinstance(result, PageError)
    assert result.message.startswith("Reading has no character_confidences, character_extents:")
    assert "words=(WordReading(...), ...); see docs/plugins.md" in result.message


def test_one_word_of_a_line_may_reach_over_all_of_it() -> None:
    words = WordReading("PRSOTE", 0.4, (0.0, 1.0)), WordReading("TA", 0.3, (0.9, 1.0))
    assert Reading("PRSOTE TA", 0.4, words).words == words

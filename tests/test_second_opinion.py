"""Two readers, one answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ocr_plugin import second_opinion
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB, Reading
from ocr_plugin.schema import Component
from ocr_plugin.second_opinion import SecondOpinion, believed


class Fixed:
    """Reads the same text in every crop; its confidence is the crop's brightness or its reverse."""

    unit = "word"

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name, self.options = name, options
        self.component = Component(name=name, version="1", weights_sha256=name[0] * 64)

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        light = [float(crop.mean()) / 255 for crop in crops]
        bright = self.name == "clip4str"
        return [Reading(self.name, value if bright else 1 - value) for value in light]


def test_the_more_confident_reader_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Fixed] = []

    def make(name: str, **options: Any) -> Fixed:
        made.append(Fixed(name, options))
        return made[-1]

    monkeypatch.setattr(second_opinion, "make_recognizer", make)
    reader = SecondOpinion(model="own.pt", device="cpu")
    assert [(entry.name, entry.options) for entry in made] == [
        ("clip4str", {"model": "own.pt", "device": "cpu", "offline": False}),
        ("ppocr", {}),
    ]
    assert reader.component.name == "clip4str+ppocr"
    crops = [np.full((4, 4, 3), value, np.uint8) for value in (255, 0, 204)]
    readings = reader.recognize(crops)
    assert [reading.text for reading in readings] == ["clip4str", "ppocr", "clip4str"]
    assert [reading.confidence for reading in readings] == pytest.approx([1.0, 1.0, 0.8])
    ((text, confidence),) = readings[2].alternatives
    assert text == "ppocr" and confidence == pytest.approx(0.2)
    assert reader.recognize([]) == []
    with pytest.raises(ConfigurationError, match="speed"):
        SecondOpinion(speed=2)


def test_agreement_leaves_no_alternative() -> None:
    first, second = Reading("word", 0.7, (0.9,) * 4), Reading("word", 0.6)
    assert believed([first, second]) == first


def test_alternatives_are_ranked_and_kept() -> None:
    first = Reading("b", 0.5, alternatives=(("c", 0.1), ("a", 0.45)))
    found = believed([first, Reading("d", 0.3)])
    assert found.alternatives == (("a", 0.45), ("d", 0.3), ("c", 0.1))

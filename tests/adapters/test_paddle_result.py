"""PaddleOCR's results, of both versions, there and back."""

import json
from typing import Any

import numpy as np
import pytest

from ocr_plugin.adapters.paddle_result import from_paddle, to_lists, to_result
from ocr_plugin.schema import Source
from tests.formats.test_formats import empty, page

SOURCE = Source(name="sign.jpg", page_index=0, sha256="0" * 64, width=400, height=200)
QUAD = [[10, 10], [210, 10], [210, 40], [10, 40]]


def result(**changes: Any) -> dict[str, Any]:
    """A page of two lines as 3.x gives it, with arrays."""
    values: dict[str, Any] = {
        "rec_texts": ["WHY PAY", "北京"],
        "rec_scores": [0.9, 1.0001],
        "rec_polys": [
            np.array(QUAD, np.int16),
            np.array([[10, 100], [60, 100], [60, 130], [10, 130]]),
        ],
    }
    return values | changes


def box(polygon: Any) -> tuple[int, ...]:
    return tuple(round(value) for value in polygon.box)


@pytest.mark.parametrize("spaces", [True, False])
def test_words_of_3_x_stand_where_it_says(spaces: bool) -> None:
    regions = [
        [[10, 10], [80, 10], [80, 40], [10, 40]],
        [[80, 10], [90, 10], [90, 40], [80, 40]],
        [[90, 10], [210, 10], [210, 40], [90, 40]],
    ]
    chinese = [
        [[10, 100], [35, 100], [35, 130], [10, 130]],
        [[36, 100], [60, 100], [60, 130], [36, 130]],
    ]
    tokens = ["WHY", " ", "PAY"] if spaces else ["WHY", "PAY"]
    found = from_paddle(
        result(
            text_word=[tokens, ["北", "京"]],
            text_word_region=[regions if spaces else regions[::2], chinese],
        ),
        SOURCE,
        "3.7.0",
    )
    assert [word.text for word in found.words] == ["WHY", "PAY", "北京"]
    assert [box(word.polygon) for word in found.words] == [
        (10, 10, 80, 40),
        (90, 10, 210, 40),
        (10, 100, 60, 130),
    ]
    assert [word.confidence for word in found.words] == [0.9, 0.9, 1.0]
    assert found.text == "WHY PAY\n北京" and found.engine.recognizer.version == "3.7.0"


@pytest.mark.parametrize("tokens", [[], [["WHAT", "PAY"], ["北", "京"]], [["WHY"], ["北"]]])
def test_without_words_a_line_is_parted_at_its_spaces(tokens: list[list[str]]) -> None:
    regions = [[QUAD, QUAD], [QUAD, QUAD]] if tokens else []
    found = from_paddle(result(text_word=tokens, text_word_region=regions), SOURCE)
    assert [word.text for word in found.words] == ["WHY", "PAY", "北京"]
    first, second, _ = (box(word.polygon) for word in found.words)
    assert first[0] == 10 and second[2] == 210 and first[2] <= second[0] + 30
    assert abs((first[2] + second[0]) / 2 - 110) < 5


def test_2_x_and_both_forms_of_3_x_are_one_page() -> None:
    lists = [[QUAD, ("WHY PAY", 0.9)], [[[10, 100], [60, 100], [60, 130], [10, 130]], ["北京", 1]]]
    pages = [from_paddle(form, SOURCE) for form in (lists, result(), {"res": result()})]
    assert pages[0] == pages[1] == pages[2]


@pytest.mark.parametrize(
    "form", [None, [], {"rec_texts": [], "rec_polys": [], "rec_scores": []}, {"rec_texts": []}]
)
def test_an_empty_page_has_no_blocks(form: object) -> None:
    assert from_paddle(form, SOURCE).blocks == ()


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ("text", "no PaddleOCR result: str"),
        ({"texts": []}, "it has no rec_texts"),
        ({"rec_texts": ["a"]}, "0 rec_polys, 1 rec_texts, 0 rec_scores"),
        ([[[QUAD, ("a", 1.0)], [QUAD, ("b", 1.0)]]], "of one page"),
        ([[QUAD, ("a",)]], "of one page"),
        (3, "no PaddleOCR result: int"),
    ],
)
def test_anything_else_is_an_error(form: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        from_paddle(form, SOURCE)


def test_a_page_goes_there_and_back() -> None:
    there = json.loads(json.dumps(to_result(page())))
    assert there["rec_texts"] == ['<A&"B> Größe\x07', "down"]
    assert there["rec_boxes"][0] == [10, 20, 205, 40]
    back = from_paddle(there, page().source)
    assert [word.text for word in back.words] == [word.text for word in page().words]
    for found, own in zip(back.words, page().words, strict=True):
        assert np.allclose(found.polygon.points, own.polygon.points, atol=0.5)

    lists = to_lists(page())
    assert lists is not None and [entry[1][0] for entry in lists] == there["rec_texts"]
    assert [line.text for line in from_paddle(lists, page().source).lines] == there["rec_texts"]
    assert to_lists(empty()) is None and to_result(empty())["rec_texts"] == []

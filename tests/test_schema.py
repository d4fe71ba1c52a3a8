import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError

import ocr_plugin
from ocr_plugin.schema import (
    Alternative,
    Block,
    Character,
    Component,
    EngineInfo,
    Line,
    Page,
    Point,
    Polygon,
    Source,
    Word,
    json_schema,
)

COMMITTED = Path(ocr_plugin.__file__).with_name("schema.json")


def quad(x: float, y: float, width: float = 30.5, height: float = 10.0) -> Polygon:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return Polygon(tuple(Point(*corner) for corner in corners))


def page() -> Page:
    first = Word(
        text="Grüße",
        polygon=quad(10.1, 20.2),
        confidence=0.987654,
        characters=tuple(Character(text=letter, confidence=0.9) for letter in "Grüße"),
        alternatives=(Alternative(text="Gruße", confidence=0.25),),
    )
    second = Word(text="北京", polygon=quad(1 / 3, 2 / 3), confidence=1.0)
    line = Line(words=(first, second), polygon=quad(10, 20, 90))
    return Page(
        source=Source(name="Größe.png", page_index=3, sha256="0" * 64, width=640, height=480),
        blocks=(Block(lines=(line,), polygon=quad(10, 20, 90)),),
        engine=EngineInfo(
            version="0.1.0",
            detector=Component(name="dbnet", version="1.0", weights_sha256="f" * 64),
            recognizer=Component(name="ppocr", version="1.0"),
        ),
        warnings=("two frames left out",),
    )


def test_the_committed_schema_is_that_of_the_models() -> None:
    expected = json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    assert COMMITTED.read_text(encoding="utf-8") == expected, (
        f"run: python -m ocr_plugin schema > {COMMITTED.name}"
    )


def test_the_schema_command_prints_the_committed_file() -> None:
    command = [sys.executable, "-m", "ocr_plugin", "schema"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    assert printed == COMMITTED.read_bytes()


def test_a_page_survives_json_unchanged() -> None:
    original = page()
    again = Page.model_validate_json(original.model_dump_json())
    assert again == original
    assert again.words[1].polygon.points[0] == Point(1 / 3, 2 / 3)
    assert again.model_dump_json() == original.model_dump_json()


def test_a_pages_json_fits_the_committed_schema() -> None:
    schema = json.loads(COMMITTED.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    value = json.loads(page().model_dump_json())
    validator.validate(value)
    validator.validate({**value, "blocks": []})
    for wrong in (
        {**value, "colour": "red"},
        {**value, "schema_version": "2.0"},
        {**value, "source": {**value["source"], "sha256": "unknown"}},
        {key: item for key, item in value.items() if key != "engine"},
    ):
        assert not validator.is_valid(wrong)


def test_an_empty_page_is_one_without_blocks() -> None:
    empty = page().model_copy(update={"blocks": ()})
    assert (empty.text, empty.lines, empty.words) == ("", (), ())
    assert json.loads(empty.model_dump_json())["blocks"] == []


def test_text_joins_words_lines_and_blocks() -> None:
    block = page().blocks[0]
    two = Block(lines=block.lines * 2, polygon=block.polygon)
    both = page().model_copy(update={"blocks": (two, block)})
    assert both.text == "Grüße 北京\nGrüße 北京\n\nGrüße 北京"


def test_a_curved_outline_has_four_corners_and_a_line_a_confidence() -> None:
    points = [(0, 9), (50, 0), (99, 9), (99, 19), (50, 10), (0, 19)]
    curved = Polygon(tuple(Point(*point) for point in points))
    assert curved.quad == ((0, 9), (99, 9), (99, 19), (0, 19))
    assert quad(1, 2, 3, 4).quad == quad(1, 2, 3, 4).points
    words = (
        Word(text="abc", polygon=curved, confidence=1.0),
        Word(text="d", polygon=curved, confidence=0.2),
    )
    line = Line(words=words, polygon=curved)
    assert line.confidence == pytest.approx(0.8) and line.angle == 0
    assert set(line.model_dump()) == {"words", "polygon"}


def test_models_cannot_be_changed() -> None:
    one = page()
    with pytest.raises(ValidationError, match="frozen"):
        one.source.name = "other"
    with pytest.raises(ValidationError, match="frozen"):
        one.words[0].polygon.root = ()


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"text": ""},
        {"text": "two words"},
        {"text": "a\tb"},
        {"text": "a\n"},
        {"text": "a\u00a0b"},
        {"confidence": math.nan},
        {"confidence": 1.01},
        {"confidence": -0.01},
        {"polygon": [(0.0, 0.0), (1.0, 0.0)]},
        {"polygon": [(0.0, 0.0), (1.0, 0.0), (math.nan, 1.0)]},
        {"polygon": [(0.0, 0.0), (1.0, 0.0), (math.inf, 1.0)]},
        {"characters": [{"text": "", "confidence": 1.0}]},
    ],
)
def test_a_word_refuses_what_it_cannot_mean(change: dict[str, Any]) -> None:
    good = page().words[0].model_dump()
    assert Word.model_validate(good) == page().words[0]
    with pytest.raises(ValidationError):
        Word.model_validate({**good, **change})


def test_nan_is_refused_in_json_too() -> None:
    broken = page().model_dump_json().replace("0.987654", "NaN")
    assert "NaN" in broken
    with pytest.raises(ValidationError):
        Page.model_validate_json(broken)


def test_a_page_of_version_1_0_still_loads() -> None:
    old = page().model_dump(mode="json")
    del old["withheld"]
    old["schema_version"] = "1.0"
    assert Page.model_validate(old).withheld == ()


def test_a_page_of_version_1_1_still_loads() -> None:
    old = page().model_dump(mode="json")
    for block in old["blocks"]:
        del block["table"]
    old["schema_version"] = "1.1"
    loaded = Page.model_validate(old)
    assert loaded.blocks == page().blocks and loaded.blocks[0].table == ()


def named(text: str) -> Line:
    return Line(words=(Word(text=text, polygon=quad(0, 0), confidence=1),), polygon=quad(0, 0))


def test_a_table_is_told_by_rows_with_tabs_between_its_cells() -> None:
    lines = tuple(map(named, ("Item", "Price", "green", "tea", "2.10", "Total")))
    table = (((0,), (1,)), ((2, 3), (4,)), ((5,), ()))
    block = Block(lines=lines, polygon=quad(0, 0), table=table)
    assert block.rows == (("Item", "Price"), ("green tea", "2.10"), ("Total", ""))
    assert block.text == "Item\tPrice\ngreen tea\t2.10\nTotal"
    assert Block.model_validate_json(block.model_dump_json()) == block


@pytest.mark.parametrize(
    "table",
    [[[[0]]], [[[0], [0]]], [[[0], [1]], [[]]], [[[0], [2]]], [[[-1], [0]]]],
    ids=["one missing", "one twice", "uneven rows", "none such", "negative"],
)
def test_a_table_holds_every_line_once(table: list[list[list[int]]]) -> None:
    value = Block(lines=(named("a"), named("b")), polygon=quad(0, 0)).model_dump(mode="json")
    assert Block.model_validate({**value, "table": [[[0], [1]]]}).rows == (("a", "b"),)
    with pytest.raises(ValidationError):
        Block.model_validate({**value, "table": table})

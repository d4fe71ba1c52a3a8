"""Pages as other people's formats: what went in must come out of each."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest

from ocr_plugin.formats import alto, hocr, markdown, page_xml, tsv
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
)

COMPONENT = Component(name="none", version="0")
XHTML = "{http://www.w3.org/1999/xhtml}"
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
PAGE = "{http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15}"


def quad(*corners: tuple[float, float]) -> Polygon:
    return Polygon(tuple(Point(*corner) for corner in corners))


def upright(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return quad((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def page(index: int = 0) -> Page:
    """Two blocks: a line with awkward characters, and one word that runs down."""
    first = Word(
        text='<A&"B>',
        polygon=upright(10.4, 20, 60, 40),
        confidence=0.91,
        characters=tuple(Character(text=part, confidence=0.5) for part in '<A&"B>'),
        alternatives=(Alternative(text="AB\x07", confidence=0.4),),
    )
    # A little beyond the page's right edge.
    second = Word(text="Größe\x07", polygon=upright(70, 20, 205, 40), confidence=1.0)
    line = Line(words=(first, second), polygon=upright(10.4, 20, 205, 40))
    down = Word(text="down", polygon=quad((90, 50), (90, 95), (80, 95), (80, 50)), confidence=0.5)
    turned = Line(words=(down,), polygon=down.polygon)
    return Page(
        source=Source(
            name='the "sign".png', page_index=index, sha256="0" * 64, width=200, height=100
        ),
        blocks=(
            Block(lines=(line,), polygon=line.polygon),
            Block(lines=(turned,), polygon=turned.polygon),
        ),
        engine=EngineInfo(version="1.2", detector=COMPONENT, recognizer=COMPONENT),
    )


def empty() -> Page:
    return page().model_copy(update={"blocks": ()})


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.encode("utf-8"))


def titles(root: ElementTree.Element, kind: str) -> list[dict[str, str]]:
    """The properties of every hOCR element of a kind, by their names."""
    found = [element for element in root.iter() if element.get("class") == kind]
    return [
        dict(part.split(" ", 1) for part in element.attrib["title"].split("; "))
        for element in found
    ]


def test_hocr_has_pages_lines_and_words() -> None:
    root = parsed(hocr.render([page(), page(1)]))
    pages = titles(root, "ocr_page")
    assert [entry["ppageno"] for entry in pages] == ["0", "1"]
    assert pages[0]["bbox"] == "0 0 200 100" and pages[0]["image"] == "\"the 'sign'.png\""
    texts = [element.text for element in root.iter() if element.get("class") == "ocrx_word"]
    assert texts == ['<A&"B>', "Größe\ufffd", "down"] * 2
    first, second, down = titles(root, "ocrx_word")[:3]
    assert first["bbox"] == "10 20 60 40" and first["x_wconf"] == "91"
    assert first["x_confs"] == " ".join(["50"] * 6)
    assert second["bbox"] == "70 20 200 40"  # kept within the page
    assert down["poly"] == "90 50 90 95 80 95 80 50"
    lines = titles(root, "ocr_line")
    assert "textangle" not in lines[0] and lines[1]["textangle"] == "270"
    identities = [value for element in root.iter() if (value := element.get("id"))]
    assert len(identities) == len(set(identities))
    spans = [element for element in root.iter(f"{XHTML}span") if element.get("class") == "ocr_line"]
    assert " ".join("".join(spans[0].itertext()).split()) == '<A&"B> Größe\ufffd'


def test_alto_has_places_confidences_and_other_readings() -> None:
    root = parsed(alto.render([page(), page(1)]))
    numbers = [entry.get("PHYSICAL_IMG_NR") for entry in root.iter(f"{ALTO}Page")]
    assert numbers == ["1", "2"]
    strings = list(root.iter(f"{ALTO}String"))
    assert [string.get("CONTENT") for string in strings[:3]] == ['<A&"B>', "Größe\ufffd", "down"]
    first = strings[0]
    place = [first.get(name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")]
    assert place == ["10", "20", "50", "20"]
    assert first.get("WC") == "0.9100" and first.get("CC") == "4 4 4 4 4 4"
    line = next(root.iter(f"{ALTO}TextLine"))
    kinds = [part.tag for part in line if part.tag != f"{ALTO}Shape"]
    assert kinds == [f"{ALTO}String", f"{ALTO}SP", f"{ALTO}String"]
    assert [other.text for other in first.iter(f"{ALTO}ALTERNATIVE")] == ["AB\ufffd"]
    (shape,) = strings[2].iter(f"{ALTO}Polygon")
    assert shape.get("POINTS") == "90,50 90,95 80,95 80,50"
    assert root.findtext(f".//{ALTO}fileName") == 'the "sign".png'
    identities = [value for element in root.iter() if (value := element.get("ID"))]
    assert len(identities) == len(set(identities))
    with pytest.raises(ValueError, match="at least one page"):
        alto.render([])


def test_page_xml_keeps_the_reading_order() -> None:
    root = parsed(page_xml.render(page(), "2026-11-23T12:00:00"))
    references = [entry.get("regionRef") for entry in root.iter(f"{PAGE}RegionRefIndexed")]
    regions = list(root.iter(f"{PAGE}TextRegion"))
    assert references == [region.get("id") for region in regions] and len(regions) == 2
    word = next(root.iter(f"{PAGE}Word"))
    equivalents = word.findall(f"{PAGE}TextEquiv")
    assert [entry.findtext(f"{PAGE}Unicode") for entry in equivalents] == ['<A&"B>', "AB\ufffd"]
    assert [entry.get("conf") for entry in equivalents] == ["0.9100", "0.4000"]
    points = [entry.get("points") or "" for entry in root.iter(f"{PAGE}Coords")]
    assert all(re.fullmatch(r"(\d+,\d+ )+\d+,\d+", entry) for entry in points)
    line = next(root.iter(f"{PAGE}TextLine"))
    assert line.findtext(f"{PAGE}TextEquiv/{PAGE}Unicode") == '<A&"B> Größe\ufffd'
    assert regions[0].findtext(f"{PAGE}TextEquiv/{PAGE}Unicode") == '<A&"B> Größe\ufffd'


def test_tsv_has_tesseracts_columns() -> None:
    text = tsv.render([page(), empty()])
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert ",".join(rows[0]) == (
        "level,page_num,block_num,par_num,line_num,word_num,left,top,width,height,conf,text"
    )
    assert [row["level"] for row in rows] == ["1", "2", "3", "4", "5", "5", "2", "3", "4", "5", "1"]
    words = [row for row in rows if row["level"] == "5"]
    assert [row["text"] for row in words] == ['<A&"B>', "Größe\x07", "down"]
    assert [row["conf"] for row in words] == ["91.000000", "100.000000", "50.000000"]
    first = words[0]
    assert [first[name] for name in ("left", "top", "width", "height")] == ["10", "20", "50", "20"]
    assert all(row["conf"] == "-1" and not row["text"] for row in rows if row["level"] != "5")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain text, 3.5 & more", "plain text, 3.5 \\& more"),
        ("# 5 of 7", "\\# 5 of 7"),
        ("#5", "#5"),
        ("- item", "\\- item"),
        ("1. first", "1\\. first"),
        ("2024", "2024"),
        ("---", "\\---"),
        ("a*b_c <x> [y]", "a\\*b\\_c \\<x\\> \\[y\\]"),
    ],
)
def test_markdown_escapes_what_looks_like_markup(text: str, escaped: str) -> None:
    words = tuple(
        Word(text=part, polygon=upright(0, 0, 9, 9), confidence=1) for part in text.split()
    )
    line = Line(words=words, polygon=upright(0, 0, 9, 9))
    block = Block(lines=(line, line), polygon=line.polygon)
    one = empty().model_copy(update={"blocks": (block,)})
    assert markdown.render([one]) == f"{escaped}\\\n{escaped}\n"


def test_markdown_shows_a_table_as_a_table() -> None:
    lines = tuple(
        Line(
            words=(Word(text=text, polygon=upright(0, 0, 9, 9), confidence=1),),
            polygon=upright(0, 0, 9, 9),
        )
        for text in ("Item", "a|b", "#5")
    )
    block = Block(lines=lines, polygon=lines[0].polygon, table=(((0,), (1,)), ((), (2,))))
    one = empty().model_copy(update={"blocks": (block,)})
    assert markdown.render([one]) == "| Item | a\\|b |\n| --- | --- |\n|  | #5 |\n"


def test_markdown_parts_pages() -> None:
    assert markdown.render([page(), page()]).count("\n\n---\n\n") == 1


def test_an_empty_page_is_a_page() -> None:
    assert titles(parsed(hocr.render([empty()])), "ocr_page")
    assert next(parsed(alto.render([empty()])).iter(f"{ALTO}PrintSpace"), None) is not None
    root = parsed(page_xml.render(empty(), "2026-11-23T12:00:00"))
    assert root.find(f"{PAGE}Page/{PAGE}ReadingOrder") is None
    assert markdown.render([empty()]) == "\n"

"""A PDF that shows the picture and finds the words where they stand."""

import math

import numpy as np
import pypdfium2
import pytest

from ocr_plugin.formats.searchable_pdf import picture, render
from ocr_plugin.schema import Block, Line, Page, Polygon, Word
from tests.formats.test_formats import empty, page, quad

GREY = np.full((100, 200, 3), 230, np.uint8)


def with_words(*words: tuple[str, Polygon]) -> Page:
    lines = [
        Line(words=(Word(text=text, polygon=polygon, confidence=0.9),), polygon=polygon)
        for text, polygon in words
    ]
    blocks = tuple(Block(lines=(line,), polygon=line.polygon) for line in lines)
    return empty().model_copy(update={"blocks": blocks})


def boxes(document: bytes, number: int = 0) -> dict[str, tuple[float, ...]]:
    """What a reader finds: every word with its box in points, y upwards."""
    text_page = pypdfium2.PdfDocument(document)[number].get_textpage()
    found: dict[str, list[tuple[float, ...]]] = {}
    word = ""
    text = text_page.get_text_range()
    for token in text.split():
        start = text.index(token, len(word))
        found[token] = [text_page.get_charbox(start + k, loose=True) for k in range(len(token))]
        word = text[: start + len(token)]
    return {
        token: (
            min(box[0] for box in places),
            min(box[1] for box in places),
            max(box[2] for box in places),
            max(box[3] for box in places),
        )
        for token, places in found.items()
    }


@pytest.mark.parametrize("angle", [0, 12, 90, 180, -90])
def test_words_are_found_where_they_stand(angle: int) -> None:
    turn = math.radians(angle)
    along = np.array([math.cos(turn), math.sin(turn)]) * 30
    across = np.array([-math.sin(turn), math.cos(turn)]) * 8
    middle = np.array([100, 50])
    corners = [
        tuple(map(float, middle + a * along + b * across))
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    polygon = quad(*((x, y) for x, y in corners))
    document = render([(with_words(("Straße", polygon)), picture(empty(), GREY))], dpi=144)
    (found,) = boxes(document).values()
    x0, y0, x1, y1 = polygon.box
    assert found == pytest.approx((x0 / 2, 50 - y1 / 2, x1 / 2, 50 - y0 / 2), abs=0.4)


def test_any_script_can_be_found() -> None:
    words = [("北京", 10), ("Привет", 30), ("\U0001f600x", 50), ("<&>", 70)]
    placed = [(text, quad((10, y), (90, y), (90, y + 12), (10, y + 12))) for text, y in words]
    found = boxes(render([(with_words(*placed), picture(empty(), GREY))]))
    assert set(found) >= {"北京", "Привет", "<&>"}


def test_it_looks_like_the_picture() -> None:
    pixels = GREY.copy()
    pixels[:, :100] = (200, 30, 30)
    document = render([(page(), picture(page(), pixels)), (empty(), picture(empty(), GREY))], 72)
    pdf = pypdfium2.PdfDocument(document)
    assert len(pdf) == 2 and pdf[0].get_size() == (200, 100)
    drawn = np.asarray(pdf[0].render().to_pil().convert("RGB")).astype(int)
    assert np.abs(drawn - pixels)[:, np.r_[0:95, 105:200]].max() < 12  # the text is unseen
    assert pdf[1].get_textpage().get_text_range() == ""


def test_a_picture_must_be_its_pages() -> None:
    with pytest.raises(ValueError, match="but the picture"):
        picture(page(), GREY[:50])


def test_a_page_too_large_for_a_pdf_is_made_to_fit() -> None:
    word = with_words(("far", quad((10, 69_900), (90, 69_900), (90, 69_940), (10, 69_940))))
    source = word.source.model_copy(update={"height": 70_000})
    tall = word.model_copy(update={"source": source})
    pixels = np.full((70_000, 200, 3), 230, np.uint8)
    document = render([(tall, picture(tall, pixels)), (page(), picture(page(), GREY))], dpi=72)
    sheet, other = pypdfium2.PdfDocument(document)
    assert sheet.get_size() == pytest.approx((200 * 14_400 / 70_000, 14_400), abs=0.5)
    assert other.get_size() == (200, 100)
    left, bottom, _, top = boxes(document)["far"]
    share = 14_400 / 70_000
    assert left == pytest.approx(10 * share, abs=0.5)
    assert (bottom, top) == pytest.approx((60 * share, 100 * share), abs=0.5)


def test_a_text_at_the_foot_of_a_page_stays_on_it() -> None:
    low = with_words(("foot", quad((10, 80), (90, 80), (90, 99), (10, 99))))
    document = render([(low, picture(low, GREY))], dpi=72)
    assert len(pypdfium2.PdfDocument(document)) == 1 and "foot" in boxes(document)

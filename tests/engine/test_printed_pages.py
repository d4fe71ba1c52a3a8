"""Pages whose own text is taken: the engine reads nothing of them, and lays them out as others."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from fpdf import FPDF

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.engine.engine import Engine
from ocr_plugin.options import EngineOptions, ImageOptions, PdfText
from ocr_plugin.protocols import RGB, Reading, Regions, Unit
from ocr_plugin.schema import Component, Page, PageError
from tests.pages.test_pdf_text import LINES, drawn, paragraph, without_meaning
from tests.pictures import draw_lines
from tests.sources import encoded, noise, pdf_of


class Corner:
    """A detector of one word in the corner, which notes how many pages it saw."""

    component = Component(name="corner", version="1")

    def __init__(self) -> None:
        self.pages = 0

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        self.pages += len(pages)
        quad = np.array([(0, 0), (20, 0), (20, 10), (0, 10)], np.float32)
        return [Regions([quad], np.ones(1, np.float32), kind="word") for _ in pages]


class Says:
    component = Component(name="says", version="1")
    unit: Unit = "word"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        return [Reading("picture", 0.9) for _ in crops]


def engine(pdf_text: PdfText, detector: Corner | None = None) -> Engine:
    options = EngineOptions(images=ImageOptions(pdf_text=pdf_text))
    return Engine(detector or Corner(), Says(), splitter=None, options=options)


@pytest.mark.parametrize("pdf_text", ["auto", "layer"])
def test_a_page_is_its_own_text(pdf_text: PdfText) -> None:
    detector = Corner()
    page = engine(pdf_text, detector).read(drawn(paragraph))
    assert page.text == "\n".join(LINES) and len(page.blocks) == 1
    assert detector.pages == 0
    assert {word.confidence for word in page.words} == {1.0}
    assert page.engine.detector.name == page.engine.recognizer.name == "pdf_text_layer"
    assert page.engine.splitter is None and page.warnings == ()
    assert Page.model_validate_json(page.model_dump_json()) == page


def test_by_default_it_is_read_as_a_picture() -> None:
    page = Engine(Corner(), Says(), splitter=None).read(drawn(paragraph))
    assert page.text == "picture"
    assert (page.engine.detector.name, page.engine.recognizer.name) == ("corner", "says")


def test_words_stand_where_they_are_printed() -> None:
    page = engine("layer").read(drawn(paragraph))
    ink = 200 / 72
    first = page.lines[1].words[0].polygon.box
    # Helvetica's capitals are 0.72 of the size high; the base line is 90 points down.
    assert first[0] == pytest.approx(41 * ink, abs=4)
    assert first[1] == pytest.approx((90 - 13) * ink, abs=5)
    assert first[3] == pytest.approx((90 + 4) * ink, abs=5)
    boxes = [word.polygon.box for word in page.lines[1].words]
    assert all(one[2] < other[0] for one, other in pairwise(boxes))


def test_columns_are_read_one_after_the_other() -> None:
    left = [
        "The ferry leaves at",
        "seven from the pier",
        "behind the old mill",
        "every day but one",
    ]
    right = [
        "Tickets are sold on",
        "board, and children",
        "under the age of six",
        "travel for nothing",
    ]
    order = [row for pair in zip(left, right, strict=True) for row in pair]

    def draw(document: FPDF) -> None:
        for index, text in enumerate(order):
            document.text(20 + 200 * (index % 2), 60 + 24 * (index // 2), text)

    page = engine("auto").read(drawn(draw))
    assert [line.text for line in page.lines] == [*left, *right]


def test_turned_text_keeps_its_direction() -> None:
    def draw(document: FPDF) -> None:
        with document.rotation(90, 200, 200):
            document.text(200, 200, "Turned to the left")

    (line,) = engine("layer").read(drawn(draw)).lines
    assert line.text == "Turned to the left"
    assert line.angle == pytest.approx(-90, abs=0.5)


def test_each_page_of_a_batch_is_read_in_its_own_way() -> None:
    detector = Corner()
    sources = [drawn(paragraph), encoded(noise(), "PDF"), encoded(noise()), drawn(paragraph)]
    results = list(engine("auto", detector).read_many([*sources, b"no picture"]))
    *pages, error = results
    assert isinstance(error, PageError)
    texts = [page.text for page in pages if isinstance(page, Page)]
    assert texts == ["\n".join(LINES), "picture", "picture", "\n".join(LINES)]
    assert detector.pages == 2


def test_text_that_is_not_sound_is_read_and_the_page_says_why() -> None:
    page = engine("auto").read(without_meaning(b"ABCD xyz EFG"))
    assert page.text == "picture" and page.engine.detector.name == "corner"
    (warning,) = page.warnings
    assert warning.startswith("the PDF's own text was not taken: ")


def test_under_a_constraint_the_page_is_read() -> None:
    (page,) = engine("layer").read_many([drawn(paragraph)], constraint=Constraint(pattern="[a-z]+"))
    assert isinstance(page, Page) and page.engine.detector.name == "corner"
    assert page.warnings == (
        "the PDF's own text was not taken: a constraint needs the page to be read",
    )


def test_an_empty_page_is_empty_and_a_scan_without_text_an_error() -> None:
    empty, scan = engine("layer").read_many([pdf_of((72, 72)), encoded(noise(), "PDF")])
    assert isinstance(empty, Page) and empty.blocks == ()
    assert isinstance(scan, PageError) and scan.kind == "UnreadableImage"
    assert "has no text of its own" in scan.message


def test_a_real_reader_and_the_text_agree() -> None:
    drawn_words = drawn(paragraph)
    own = engine("layer").read(drawn_words)
    read = Engine(recognizer="ppocr").read(drawn_words)
    assert read.text == own.text
    for one, other in zip(read.words, own.words, strict=True):
        assert np.abs(np.subtract(one.polygon.box, other.polygon.box)).max() < 14


def test_pictures_are_read_whatever_is_asked_of_pdfs() -> None:
    picture = draw_lines([(30, 30, "Gate")]).pixels
    assert engine("layer").read(picture).text == "picture"

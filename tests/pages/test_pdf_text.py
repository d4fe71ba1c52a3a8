"""The text that PDF pages carry: its words and places, and whether it is taken."""

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest
from fpdf import FPDF
from fpdf.enums import TextMode
from PIL import Image

from ocr_plugin.options import ImageOptions, PdfText
from ocr_plugin.pages import pdf_text
from ocr_plugin.pages.raster import PageImage
from tests.pages.test_pdf import pdf_from
from tests.pictures import draw_lines
from tests.sources import encoded, failure_of, noise, page, pages, pdf_of

LINES = ["Fresh bread every morning", "Harbour office, second floor", "Platform seven is closed"]


def drawn(draw: Callable[[FPDF], Any]) -> bytes:
    """A page of 400 x 300 points."""
    document = FPDF(unit="pt", format=(400, 300))
    document.set_margin(0)
    document.set_auto_page_break(False)
    document.add_page()
    document.set_font("helvetica", size=18)
    draw(document)
    return bytes(document.output())


def paragraph(document: FPDF) -> None:
    for row, line in enumerate(LINES):
        document.text(40, 60 + 30 * row, line)


def changed(data: bytes, change: Callable[[pypdfium2.PdfPage], Any]) -> bytes:
    """A document whose first page was changed by PDFium."""
    buffer = io.BytesIO()
    with pypdfium2.PdfDocument(data) as document:
        sheet = document[0]
        change(sheet)
        sheet.close()
        document.save(buffer)
    return buffer.getvalue()


def read(data: bytes, pdf_text: PdfText = "auto") -> PageImage:
    return page(data, ImageOptions(pdf_text=pdf_text))


def lines_of(got: PageImage) -> list[str] | None:
    if got.printed is None:
        return None
    return [" ".join(word.text for word in line.words) for line in got.printed]


# Words and places


@pytest.mark.parametrize("pdf_text", ["auto", "layer"])
def test_lines_are_told_as_they_are_written(pdf_text: PdfText) -> None:
    got = read(drawn(paragraph), pdf_text)
    assert lines_of(got) == LINES and got.warnings == ()


def test_pages_are_read_as_pictures_unless_asked_for() -> None:
    assert page(drawn(paragraph)).printed is None
    assert read(drawn(paragraph), "ocr").printed is None
    assert (page(drawn(paragraph)).pixels == read(drawn(paragraph)).pixels).all()


def one_word(turn: float) -> bytes:
    def draw(document: FPDF) -> None:
        with document.rotation(turn, 180, 160):
            document.text(150, 160, "Eight")

    return drawn(draw)


def cropped(sheet: pypdfium2.PdfPage) -> None:
    sheet.set_cropbox(100, 60, 300, 280)


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("turn", [0, 90, 180, 270, 20, 45, -30])
def test_a_word_covers_its_ink_however_it_is_turned(turn: float, rotation: int, crop: bool) -> None:
    data = changed(one_word(turn), lambda sheet: sheet.set_rotation(rotation))
    got = read(changed(data, cropped) if crop else data, "layer")
    assert got.printed is not None
    ((word,),) = (line.words for line in got.printed)
    assert word.text == "Eight"
    ink = got.pixels.min(axis=2) < 128
    inside = np.zeros(ink.shape, np.uint8)
    cv2.fillConvexPoly(inside, word.polygon.round().astype(np.int32), (1,))
    around = cv2.dilate(inside, np.ones((7, 7), np.uint8)).astype(bool)
    assert not ink[~around].any()
    top_left, top_right, bottom_right, _ = word.polygon.astype(float)
    # In page pixels y runs down; what is turned to the left goes up.
    run = top_right - top_left
    expected = (rotation - turn + 180) % 360 - 180
    angle = np.degrees(np.arctan2(run[1], run[0]))
    assert abs((angle - expected + 180) % 360 - 180) < 1
    # The word is 41 points long, and a line 17 high.
    scale = 200 / 72
    assert np.linalg.norm(run) == pytest.approx(43 * scale, rel=0.1)
    assert np.linalg.norm(bottom_right - top_right) == pytest.approx(17 * scale, rel=0.1)


def test_words_far_apart_are_lines_of_their_own() -> None:
    def draw(document: FPDF) -> None:
        for row, (left, right) in enumerate([("Apples", "3.50"), ("Pears", "4.20")]):
            document.text(40, 60 + 30 * row, left)
            document.text(250, 60 + 30 * row, right)

    assert lines_of(read(drawn(draw))) == ["Apples", "3.50", "Pears", "4.20"]


def test_accents_and_hyphens() -> None:
    data = drawn(lambda document: document.text(40, 60, "Stra\u00dfe, caf\u00e9 well-known"))
    assert lines_of(read(data)) == ["Stra\u00dfe, caf\u00e9 well-known"]


def in_font(text: bytes, codes: bytes) -> bytes:
    """A page in a font whose letters from A on stand for some characters, by their codes."""
    meaning = b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange\n"
    meaning += b"1 beginbfrange %s endbfrange endcmap" % codes
    content = b"BT /H 18 Tf 20 50 Td (%s) Tj ET" % text
    return pdf_from(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 100] /Contents 4 0 R "
            b"/Resources << /Font << /H 5 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(meaning), meaning),
        ]
    )


def test_ligatures_are_told_in_full() -> None:
    data = in_font(b"eAcient B nding", b"<41> <42> <FB03>")
    assert lines_of(read(data)) == ["efficient ffl nding"]


def test_a_hyphen_at_the_end_of_a_line_stays() -> None:
    def draw(document: FPDF) -> None:
        document.text(40, 60, "a fine exam-")
        document.text(40, 82, "ple of a line")

    assert lines_of(read(drawn(draw))) == ["a fine exam-", "ple of a line"]


def test_text_beyond_the_crop_box_is_not_told() -> None:
    data = changed(drawn(paragraph), lambda sheet: sheet.set_cropbox(0, 220, 400, 300))
    assert lines_of(read(data, "layer")) == LINES[:1]


def test_text_in_a_form_of_the_page_is_taken() -> None:
    form = b"BT /H 18 Tf 20 50 Td (Within a form) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 5 0 R "
        b"/Resources << /XObject << /F 4 0 R >> >> >>",
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 200 100] /Resources << /Font << /H 6 0 R >> "
        b">> /Length %d >>\nstream\n%s\nendstream" % (len(form), form),
        b"<< /Length 5 >>\nstream\n/F Do\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    got = read(pdf_from(objects))
    assert lines_of(got) == ["Within a form"] and got.warnings == ()


# Whether it is sound


def scan() -> Image.Image:
    """A picture of the paragraph, for a page of 400 x 300 points."""
    places = [(110, 120 + 83 * row, line) for row, line in enumerate(LINES)]
    return Image.fromarray(draw_lines(places, size=(1111, 833), height=50).pixels)


def scanned(document: FPDF, *, text_first: bool) -> None:
    """A scan with its text over it, invisible, or under it."""
    if text_first:
        paragraph(document)
        document.image(scan(), 0, 0, 400, 300)
        return
    document.image(scan(), 0, 0, 400, 300)
    with document.local_context(text_mode=TextMode.INVISIBLE):
        paragraph(document)


@pytest.mark.parametrize("text_first", [False, True])
def test_the_text_of_a_scan_is_not_taken(text_first: bool) -> None:
    data = drawn(lambda document: scanned(document, text_first=text_first))
    got = read(data)
    assert got.printed is None
    assert got.warnings == ("the PDF's own text was not taken: none of it is visible",)
    assert lines_of(read(data, "layer")) == LINES


def test_a_page_with_more_writing_than_its_text_is_read() -> None:
    def draw(document: FPDF) -> None:
        document.text(40, 290, "Page 3 of 12")
        document.image(scan(), 0, 0, 400, 270)

    got = read(drawn(draw))
    assert got.printed is None
    (warning,) = got.warnings
    assert warning.startswith("the PDF's own text was not taken: the page has about ")
    assert warning.endswith(" marks of letters' size besides")


@pytest.mark.parametrize("writing", ["Harbour office open", "No"])
def test_writing_in_a_picture_counts_unless_there_is_little(writing: str) -> None:
    picture = Image.fromarray(draw_lines([(10, 10, writing)], size=(500, 70)).pixels)

    def draw(document: FPDF) -> None:
        paragraph(document)
        document.image(picture, 40, 180, 200, 28)

    got = read(drawn(draw))
    assert lines_of(got) == (LINES if writing == "No" else None)
    assert len(got.warnings) == (0 if writing == "No" else 1)


def test_rules_and_boxes_and_bullets_do_not_count_as_writing() -> None:
    def draw(document: FPDF) -> None:
        paragraph(document)
        for row in range(4):
            document.line(30, 40 + 30 * row, 370, 40 + 30 * row)
            document.circle(32, 54 + 30 * row, 2, style="F")
        document.rect(20, 20, 360, 260)
        document.set_fill_color(200, 220, 240)
        document.rect(40, 200, 300, 50, style="F")

    got = read(drawn(draw))
    assert lines_of(got) == LINES and got.warnings == ()


def test_text_on_a_picture_is_taken() -> None:
    def draw(document: FPDF) -> None:
        picture = (
            Image.linear_gradient("L").resize((400, 300)).point(lambda level: 160 + level // 3)
        )
        document.image(picture, 0, 0, 400, 300)
        paragraph(document)

    assert lines_of(read(drawn(draw))) == LINES


def test_words_that_cannot_be_seen_are_left_out() -> None:
    def draw(document: FPDF) -> None:
        paragraph(document)
        document.set_text_color(255, 255, 255)
        document.text(40, 200, "white on white")
        with document.local_context(text_mode=TextMode.INVISIBLE):
            document.text(40, 240, "invisible")

    assert lines_of(read(drawn(draw))) == LINES
    assert lines_of(read(drawn(draw), "layer")) == [*LINES, "white on white", "invisible"]


def without_meaning(text: bytes) -> bytes:
    """A page in a font whose letters A to J stand for private characters."""
    return in_font(text, b"<41> <4A> <E041>")


def test_text_without_meaning_is_not_taken() -> None:
    got = read(without_meaning(b"ABCD xyz EFG"))
    assert got.printed is None
    reason = "70% of its characters have no meaning"
    assert got.warnings == (f"the PDF's own text was not taken: {reason}",)
    asked = read(without_meaning(b"ABCD xyz EFG"), "layer")
    assert lines_of(asked) == ["\ufffd\ufffd\ufffd\ufffd xyz \ufffd\ufffd\ufffd"]
    assert asked.warnings == (reason,)
    assert lines_of(read(without_meaning(b"xyz uvw"))) == ["xyz uvw"]


def test_letters_one_below_the_other_are_not_taken() -> None:
    def draw(document: FPDF) -> None:
        for place, letter in enumerate("VERTICALWRITING"):
            document.text(150, 20 + 19 * place, letter)

    got = read(drawn(draw))
    assert got.printed is None
    assert got.warnings == ("the PDF's own text was not taken: its letters stand apart",)


@pytest.mark.parametrize("limit", [5, 6])
def test_a_text_of_no_end_is_not_taken(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocr_plugin.pages.pdf_text._MOST_CHARACTERS", limit)
    data = drawn(lambda document: document.text(40, 60, "Six or"))
    reason = "the PDF page's text has more than 5 characters"
    if limit == 6:
        assert lines_of(read(data)) == ["Six or"]
        return
    assert read(data).warnings == (f"the PDF's own text was not taken: {reason}",)
    (got,) = pages(data, ImageOptions(pdf_text="layer"))
    assert failure_of(got).reason == reason


@pytest.mark.parametrize("data", [pdf_of((72, 72)), encoded(noise(), "PDF")])
def test_a_page_without_text_is_read_as_a_picture(data: bytes) -> None:
    got = read(data)
    assert got.printed is None and got.warnings == ()


def test_where_only_its_own_text_is_wanted_a_page_without_it_fails() -> None:
    assert lines_of(read(pdf_of((72, 72)), "layer")) == []
    (got,) = pages(encoded(noise(), "PDF"), ImageOptions(pdf_text="layer"))
    assert failure_of(got).reason == (
        "the PDF page has no text of its own; read it with pdf_text auto or ocr"
    )


def test_pictures_have_no_text_of_their_own() -> None:
    assert page(encoded(noise()), ImageOptions(pdf_text="layer")).printed is None


@pytest.mark.parametrize("letter", ["\x1b", "\x9b", "\u202e", "\u2066", "\ufffd", "\ue000", ""])
def test_what_is_not_printed_is_no_letter(letter: str) -> None:
    assert not pdf_text._is_known(letter)
    assert pdf_text._is_known("\u200d") and pdf_text._is_known("é")

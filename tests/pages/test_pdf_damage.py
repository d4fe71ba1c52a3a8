"""Blank pages of PDFs that have lost what was on them."""

import zlib
from pathlib import Path

import pytest

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages import pdf_damage
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageImage
from tests.pages.test_pdf import pdf_from
from tests.pages.test_pdf_pictures import stream
from tests.sources import page, pages

AT_72 = ImageOptions(pdf_dpi=72)
TABLE = "the PDF page is blank, and the PDF's table of objects is damaged"
DATA = "the PDF page is blank, and data of the PDF are damaged"
MISSING = "the PDF page is blank, and objects that the PDF names are not in it"


def document(content: bytes = b"0 0 0 rg 10 10 50 50 re f", named: bytes = b"") -> bytes:
    return pdf_from(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 90 70] /Contents 4 0 R %s >>" % named,
            stream(b"/Filter /FlateDecode", zlib.compress(content)),
        ]
    )


def seen(data: bytes) -> tuple[bool, tuple[str, ...]]:
    """Whether a document's page is blank, and its warnings."""
    found = page(data, AT_72)
    return bool((found.pixels == 255).all()), found.warnings


def in_table(data: bytes, number: int) -> int:
    """Where the table of objects tells an object's place."""
    return data.index(b"xref\n") + len(b"xref\n0 5\n") + 20 * number


def test_sound_pages_blank_or_not_have_no_warning() -> None:
    assert seen(document()) == (False, ())
    assert seen(document(b"q Q")) == (True, ())
    assert seen(b"foreign bytes\n" + document(b"q Q")) == (True, ())
    # Packed once more, or with a predictor: what comes out is for PDFium to judge.
    twice = stream(b"/Filter [/FlateDecode /ASCIIHexDecode]", zlib.compress(b"71 51>"))
    assert seen(document(b"q Q").replace(b"%%EOF", b"%%EOF\n" + twice)) == (True, ())


def test_a_place_in_the_table_of_objects_is_wrong() -> None:
    data = document()
    place = in_table(data, 4)
    for wrong in (b"0000000012", b"9999999999"):
        assert seen(data[:place] + wrong + data[place + 10 :]) == (True, (TABLE,))


def test_the_table_of_objects_is_gone() -> None:
    data = document()
    cut = data[: data.index(b"4 0 obj")] + b"trailer << /Root 1 0 R >>"
    assert seen(cut) == (True, (TABLE,))


def test_packed_data_are_damaged(tmp_path: Path) -> None:
    data = document()
    start = data.index(b"stream\n") + len(b"stream\n")
    damaged = data[:start] + b"\xff" * 12 + data[start + 12 :]
    assert seen(damaged) == (True, (DATA,))
    (tmp_path / "a.pdf").write_bytes(damaged)
    # Read a few pages at a time, a document is not held in memory.
    (found,) = open_pages(tmp_path / "a.pdf", AT_72, sha256="known")
    assert isinstance(found, PageImage) and found.warnings == (DATA,)


@pytest.mark.parametrize("named", [b"/Resources << /XObject << /P 9 0 R >> >>", b"/Thumb 7 0 R"])
def test_what_is_named_is_not_there(named: bytes) -> None:
    assert seen(document(b"/P Do", named)) == (True, (MISSING,))
    assert seen(document(named=named)) == (False, ())


def test_an_object_has_no_end() -> None:
    data = document(b"/P Do")
    place = data.rindex(b"endstream\nendobj")
    assert seen(data[:place] + b"endstream\nxxxxxx" + data[place + 16 :])[1] == (MISSING,)


def test_a_document_is_searched_once_for_all_its_blank_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []

    def noted(data: object) -> tuple[str, ...]:
        searched.append(data)
        return ()

    monkeypatch.setattr(pdf_damage, "_told", noted)
    kids = [b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"] * 9
    named = b" ".join(b"%d 0 R" % number for number in range(3, 12))
    data = pdf_from(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count 9 >>" % named,
            *kids,
        ]
    )
    assert len(pages(data, AT_72)) == 9 and len(searched) == 1
    (tmp_path / "a.pdf").write_bytes(data)
    for first in (0, 4, 8):
        assert len(list(open_pages(tmp_path / "a.pdf", AT_72, first, sha256="known")))
    assert len(searched) == 2


def test_what_is_encrypted_is_not_searched() -> None:
    damaged = document(b"/P Do", b"/Resources << /XObject << /P 9 0 R >> >>")
    assert seen(damaged + b"% /Encrypt") == (True, ())

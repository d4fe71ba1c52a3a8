"""PDFs, whose pages are rendered."""

import hashlib
from itertools import islice
from pathlib import Path

import numpy as np

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageImage
from tests.sources import colour_of, encoded, failure_of, page, pages, pdf_of, plain, refusal


def pdf_from(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of hand-written objects, the first of which is its catalog."""
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
        + b"trailer << /Size %d /Root 1 0 R %s >>\n" % (size, trailer)
        + b"startxref\n%d\n%%%%EOF\n" % len(data)
    )


def test_every_page_of_a_pdf_at_its_resolution() -> None:
    data = pdf_of((72, 144), (36, 36))
    first, second = pages(data, ImageOptions(pdf_dpi=100))
    assert isinstance(first, PageImage) and isinstance(second, PageImage)
    assert first.pixels.shape == (200, 100, 3) and second.pixels.shape == (50, 50, 3)
    assert colour_of(first.pixels) == (255, 255, 255)
    assert (first.page_index, second.page_index) == (0, 1)
    assert first.sha256 == second.sha256 == hashlib.sha256(data).hexdigest()


def test_the_colours_and_places_of_a_pdf_page() -> None:
    # In whole blocks of JPEG's subsampled colours, so that they stay apart.
    picture = plain("orange", (64, 32))
    picture.paste("blue", (0, 0, 32, 16))
    got = page(encoded(picture, "PDF", resolution=72, quality=95), ImageOptions(pdf_dpi=72))
    assert abs(got.pixels.astype(int) - np.asarray(picture)).mean() < 4
    assert got.pixels.flags.c_contiguous


def test_what_was_filled_into_a_form_is_seen() -> None:
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (X) /Rect [10 10 90 90] /F 4 "
        b"/MK << /BG [1 0 0] >> /DA (/H 40 Tf 0 g) /P 3 0 R >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] /NeedAppearances true "
        b"/DR << /Font << /H 5 0 R >> >> /DA (/H 40 Tf 0 g) >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Annots [4 0 R] >>",
        field,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    got = page(pdf_from(objects), ImageOptions(pdf_dpi=72)).pixels
    assert (got[20:80, 20:80] < 250).any()


def test_a_pdf_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "scan.jpg"
    path.write_bytes(pdf_of((72, 72)))
    assert page(path).pixels.shape == (200, 200, 3)
    assert page(b"mail header\r\n\r\n" + pdf_of((72, 72))).pixels.shape == (200, 200, 3)


def test_an_encrypted_pdf() -> None:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
        b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <"
        + b"11" * 32
        + b"> /U <"
        + b"22" * 32
        + b"> >>",
    ]
    data = pdf_from(objects, b"/Encrypt 4 0 R /ID [<00> <00>]")
    assert refusal(data) == "the PDF is encrypted and needs a password"


def test_a_damaged_pdf() -> None:
    assert (
        refusal(b"%PDF-1.7\n" + b"nothing of the kind " * 40)
        == "the PDF is damaged or has no pages"
    )


def test_a_pdf_without_pages() -> None:
    assert refusal(pdf_of()) == "the PDF is damaged or has no pages"


def test_a_damaged_page_of_a_pdf_fails_alone() -> None:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R] /Count 3 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
        b"(not a page)",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] >>",
    ]
    first, second, third = pages(pdf_from(objects), ImageOptions(pdf_dpi=72))
    assert isinstance(first, PageImage) and isinstance(third, PageImage)
    failed = failure_of(second)
    assert (failed.page_index, failed.reason) == (1, "the PDF page is damaged")
    assert third.pixels.shape == (50, 50, 3) and third.page_index == 2


def test_a_pdf_page_that_would_be_too_large_is_not_drawn() -> None:
    data = pdf_of((72, 72), (14_400, 14_400), (72, 72))
    first, second, third = pages(data, ImageOptions(pdf_dpi=100))
    assert isinstance(first, PageImage) and isinstance(third, PageImage)
    assert second.page_index == 1
    assert "20000 x 20000 pixels are more than the limit" in failure_of(second).reason


def claiming(count: int) -> list[bytes]:
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count %d >>" % count,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 50] >>",
    ]


def test_a_pdf_that_claims_pages_which_are_not_there_ends() -> None:
    data = pdf_from(claiming(1_000_000))
    first, *missing = pages(data, ImageOptions(pdf_dpi=72))
    assert isinstance(first, PageImage) and len(missing) == 10
    reasons = [failure_of(page).reason for page in missing]
    assert set(reasons[:-1]) == {"the PDF page is damaged"}
    assert reasons[-1].endswith("pages after it were not tried")


def test_a_pdf_that_claims_too_much_ends_also_where_it_is_read_in_parts() -> None:
    data, first, count = pdf_from(claiming(1_000_000)), 0, 0
    while part := list(islice(open_pages(data, ImageOptions(pdf_dpi=72), first), 4)):
        first, count = first + len(part), count + len(part)
        assert count < 20
    assert count == 11


def test_the_last_pages_may_all_be_missing() -> None:
    *_, last = pages(pdf_from(claiming(11)), ImageOptions(pdf_dpi=72))
    assert failure_of(last).reason == "the PDF page is damaged"

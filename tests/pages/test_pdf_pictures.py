"""Damaged pictures on the pages of PDFs are told, never an empty page."""

import base64
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.raster import PageFailure
from tests.pages.test_jpeg import SCAN, drawing
from tests.pages.test_pdf import pdf_from
from tests.sources import encoded, failure_of, page, pages

AT_72 = ImageOptions(pdf_dpi=72)
SIZE = (400, 320)


def document(*pictures: tuple[bytes, bytes], content: bytes = b"", in_form: bool = False) -> bytes:
    """A PDF of one page with pictures of some filters and data, and further content."""
    drawn = b" ".join(
        b"q 180 0 0 150 %d 100 cm /P%d Do Q" % (10 + 200 * n, n) for n in range(len(pictures))
    )
    names = b" ".join(b"/P%d %d 0 R" % (n, 6 + n) for n in range(len(pictures)))
    resources = b"/Resources << /XObject << %s >> >>" % names
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 400 400] " + resources
    top = b"/Resources << /XObject << /F 5 0 R >> >>" if in_form else resources
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R %s >>" % top,
        stream(b"", content + (b" /F Do" if in_form else b" " + drawn)),
        stream(form, drawn),
    ]
    for kind, data in pictures:
        head = (
            b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB"
            b" /BitsPerComponent 8 /Filter [/%s]" % (*SIZE, b" /".join(kind.split()))
        )
        objects.append(stream(head, data))
    return pdf_from(objects)


def stream(head: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (head, len(data), data)


def jpeg() -> bytes:
    return encoded(drawing(*SIZE), "JPEG")


def zeroed() -> bytes:
    data = jpeg()
    start = data.index(SCAN) + 200
    return data[:start] + bytes(len(data) - start - 300) + data[-300:]


SOUND = (b"DCTDecode", jpeg())
EMPTY = (b"DCTDecode", b"\xff\xd8" + bytes(3000))
MARK = b"0 0 0 rg 10 10 50 50 re f"


# A JPEG may be packed once more.
PACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"FlateDecode DCTDecode": zlib.compress,
    b"ASCIIHexDecode DCTDecode": lambda data: data.hex().encode() + b">",
    b"ASCII85Decode FlateDecode DCTDecode": lambda data: (
        base64.a85encode(zlib.compress(data)) + b"~>"
    ),
}


@pytest.mark.parametrize("kind", PACKED)
def test_a_jpeg_that_is_packed_once_more_is_looked_at_all_the_same(kind: bytes) -> None:
    sound = page(document((kind, PACKED[kind](jpeg()))), AT_72)
    assert sound.warnings == () and (sound.pixels < 100).any()
    data = jpeg()
    (warning,) = page(document((kind, PACKED[kind](data[: len(data) // 2]))), AT_72).warnings
    assert warning.startswith("a picture on the PDF page is damaged: ")


def test_a_page_of_nothing_but_a_picture_that_is_lost_is_an_error() -> None:
    (only,) = pages(document(EMPTY), AT_72)
    reason = failure_of(only).reason
    assert reason.startswith("a picture on the PDF page is damaged: ")


@pytest.mark.parametrize("in_form", [False, True])
def test_a_page_with_something_else_is_read_with_a_warning(in_form: bool) -> None:
    got = page(document(EMPTY, content=MARK, in_form=in_form), AT_72)
    (warning,) = got.warnings
    assert warning.startswith("a picture on the PDF page is damaged: ")
    assert not got.pixels[345:385, 15:55].any()


def test_a_picture_with_zeros_in_its_middle_is_told() -> None:
    (warning,) = page(document((b"DCTDecode", zeroed())), AT_72).warnings
    assert warning.startswith("a picture on the PDF page is damaged: ")


def test_a_picture_that_was_cut_off_and_closed_is_told() -> None:
    data = jpeg()
    cut = data[: len(data) // 2] + b"\xff\xd9"
    (warning,) = page(document((b"DCTDecode", cut)), AT_72).warnings
    assert "cut off" in warning


def test_several_damaged_pictures_are_one_warning() -> None:
    (warning,) = page(document(EMPTY, EMPTY, content=MARK), AT_72).warnings
    assert warning.startswith("2 pictures on the PDF page are damaged, the first: ")


def test_a_picture_of_another_kind_that_cannot_be_decoded() -> None:
    (only,) = pages(document((b"JPXDecode", b"no such thing" * 9)), AT_72)
    assert failure_of(only).reason == "a picture on the PDF page is damaged: it cannot be decoded"


def test_sound_pictures_are_not_complained_of(caplog: pytest.LogCaptureFixture) -> None:
    raw = zlib.compress(np.asarray(drawing(*SIZE)).tobytes())
    further = encoded(drawing(*SIZE), "JPEG2000")
    for picture in (SOUND, (b"FlateDecode", raw), (b"JPXDecode", further)):
        got = page(document(picture), AT_72)
        assert got.warnings == () and (got.pixels < 100).any()
    blank = encoded(Image.new("RGB", SIZE, "white"), "JPEG")
    assert page(document((b"DCTDecode", blank)), AT_72).warnings == ()
    assert not caplog.records


@pytest.mark.parametrize("kind", [b"DCTDecode", *PACKED])
def test_a_picture_of_many_scans_is_not_rendered(kind: bytes) -> None:
    data = encoded(drawing(*SIZE), "JPEG", progressive=True)
    first = data.index(SCAN)
    scan = data[first : data.index(SCAN, first + 2)]
    many = data[:first] + scan * 200 + data[first:]
    packed = PACKED[kind](many) if kind in PACKED else many
    (only,) = pages(document((kind, packed), content=MARK), AT_72)
    assert failure_of(only).reason == "a JPEG of more than 100 scans is not decoded"


def test_a_jpeg_without_an_end_or_with_something_before_it_is_sound() -> None:
    for data in (jpeg()[:-2], b"\r\n" + jpeg(), jpeg() + b"\r\n"):
        got = page(document((b"DCTDecode", data)), AT_72)
        assert got.warnings == () and (got.pixels < 100).any()


def test_text_that_is_taken_stands_without_its_picture() -> None:
    told = [b"BT /H 20 Tf 3 Tr 20 300 Td (unseen) Tj ET"]
    data = document(EMPTY, content=told[0]).replace(
        b"/Resources << /XObject", b"/Resources << /Font << /H << /Type /Font /Subtype /Type1"
        b" /BaseFont /Helvetica >> >> /XObject", 1
    )  # fmt: skip
    got = page(data, ImageOptions(pdf_dpi=72, pdf_text="layer"))
    assert got.printed and got.printed[0].words[0].text == "unseen"
    assert got.warnings[0].startswith("a picture on the PDF page is damaged: ")
    assert isinstance(pages(data, AT_72)[0], PageFailure)


def test_a_filter_without_a_name_that_is_text_is_a_damage() -> None:
    kind = SOUND[0][:5] + b"\xd2" + SOUND[0][5:]
    (told,) = page(document((kind, SOUND[1]), content=MARK), AT_72).warnings
    assert told == "a picture on the PDF page is damaged: its filter has an unknown name"

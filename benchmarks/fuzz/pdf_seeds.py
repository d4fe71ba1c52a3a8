"""Small sound PDFs, made by hand: what is in them is known to the byte."""

import io
import zlib

from PIL import Image, TiffImagePlugin

_BOX = b"/MediaBox [0 0 66 22]"


def pdf(objects: list[bytes]) -> bytes:
    """Returns a PDF of objects, counted from 1; the first is the catalogue."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def stream(head: bytes, data: bytes) -> bytes:
    """Returns an object with a stream."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (head, len(data), data)


def pdf_files(picture: Image.Image, text: str) -> dict[str, bytes]:
    """Returns PDFs by what is particular about them.

    Args:
        picture: grey; it fills a page.
        text: of the page with a text layer.
    """
    width, height = picture.size
    size = b"/Type /XObject /Subtype /Image /Width %d /Height %d" % (width, height)
    grey = size + b" /ColorSpace /DeviceGray /BitsPerComponent 8"
    coded = io.BytesIO()
    picture.save(coded, "JPEG")
    paint = b"q 66 0 0 22 0 0 cm /P Do Q"
    words = b"BT /F 12 Tf 5 7 Td (%s) Tj ET" % text.encode()
    return {
        "JPEG": _page(paint, stream(grey + b" /Filter /DCTDecode", coded.getvalue())),
        "deflate": _page(
            paint, stream(grey + b" /Filter /FlateDecode", zlib.compress(picture.tobytes()))
        ),
        "G4": _page(paint, _fax(picture, size)),
        "text": _page(words, b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
        "packed text": _page(
            zlib.compress(words),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            b"/Filter /FlateDecode",
        ),
        "pages": _several(text),
    }


def _page(content: bytes, resource: bytes, filters: bytes = b"") -> bytes:
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R " + _BOX + b" /Contents 4 0 R"
            b" /Resources << /XObject << /P 5 0 R >> /Font << /F 5 0 R >> >> >>",
            stream(filters, content),
            resource,
        ]
    )


def _fax(picture: Image.Image, size: bytes) -> bytes:
    """Returns a picture as fax machines send it."""
    coded = io.BytesIO()
    picture.convert("1").save(coded, "TIFF", compression="group4")
    with Image.open(coded) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        (place,), (length,) = image.tag_v2[273], image.tag_v2[279]
        black_is_1 = image.tag_v2[262] == 0
    data = coded.getvalue()[place : place + length]
    told = b"/DecodeParms << /K -1 /Columns %d /Rows %d /BlackIs1 %s >>" % (
        picture.width,
        picture.height,
        b"false" if black_is_1 else b"true",
    )
    head = size + b" /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode " + told
    return stream(head, data)


def _several(text: str) -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R 6 0 R 8 0 R] /Count 3 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(3):
        objects += [
            b"<< /Type /Page /Parent 2 0 R " + _BOX + b" /Contents %d 0 R"
            b" /Resources << /Font << /F 3 0 R >> >> >>" % (5 + 2 * number),
            stream(b"", b"BT /F 12 Tf 5 7 Td (%s %d) Tj ET" % (text.encode(), number)),
        ]
    return pdf(objects)

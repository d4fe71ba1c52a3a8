"""Damaged pictures on the pages of PDFs: PDFium leaves them out, or paints what it has of them."""

import io
from collections.abc import Iterator
from itertools import islice

import pypdfium2
from PIL import JpegImagePlugin
from pypdfium2 import raw

from ocr_plugin.errors import one_line
from ocr_plugin.pages.jpeg import TooManyScans, check_scans, made_up_rows
from ocr_plugin.pages.raster import Unusable
from ocr_plugin.protocols import RGB

# So many objects of a page are looked at, and so many pictures; further ones are small, or the
# page is a drawing.
_MOST_OBJECTS, _MOST_PICTURES = 20_000, 50
# A JPEG is decoded this many times smaller, which is as good for finding out.
_SMALLER = 8
_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
# Bytes that may stand before the start and after the end.
_MOST_AROUND = 1024


def damages(page: pypdfium2.PdfPage, max_pixels: int) -> list[str]:
    """Returns what is wrong with pictures on a page, a reason each; empty for a sound page.

    Args:
        page: PDFium's, not rendered yet.
        max_pixels: larger pictures are not looked at.

    Raises:
        TooManyScans: rendering the page would take minutes.
    """
    found = []
    for picture in islice(_pictures(page), _MOST_PICTURES):
        width, height = picture.get_px_size()
        if width * height <= max_pixels and (reason := _damage(picture, max_pixels)):
            found.append(reason)
    return found


def told(found: list[str], pixels: RGB, *, has_text: bool) -> tuple[str, ...]:
    """Returns the warning of a page with damaged pictures.

    Args:
        found: as `damages` returns it.
        pixels: (H, W, 3) uint8 RGB, the rendered page.
        has_text: whether the page's own text is taken, seen or not.

    Raises:
        Unusable: nothing but such pictures is on the page.
    """
    if not found:
        return ()
    if len(found) == 1:
        text = f"a picture on the PDF page is damaged: {found[0]}"
    else:
        text = f"{len(found)} pictures on the PDF page are damaged, the first: {found[0]}"
    if not has_text and (pixels == pixels[0, 0]).all():
        raise Unusable(text)
    return (text,)


def _pictures(page: pypdfium2.PdfPage) -> Iterator[pypdfium2.PdfImage]:
    try:
        for each in islice(page.get_objects(), _MOST_OBJECTS):
            if each.type == raw.FPDF_PAGEOBJ_IMAGE:
                yield each
    except pypdfium2.PdfiumError:
        return  # what is damaged then is no picture


def _damage(picture: pypdfium2.PdfImage, max_pixels: int) -> str:
    """Returns why a picture cannot be decoded as a whole, or an empty string."""
    try:
        filters = picture.get_filters()
    except UnicodeDecodeError:
        return "its filter has an unknown name"
    if filters and filters[-1] == "DCTDecode":
        # Without what else it is packed in.
        data = bytes(picture.get_data(decode_simple=True))
        return _damage_of_jpeg(_as_file(data), max_pixels)
    # Not by pypdfium2's own class, which complains of being closed.
    bitmap = raw.FPDFImageObj_GetBitmap(picture)
    if not bitmap:
        return "it cannot be decoded"
    raw.FPDFBitmap_Destroy(bitmap)
    return ""


def _as_file(data: bytes) -> bytes:
    """Returns a JPEG from where it starts, with an end: PDFium insists on neither."""
    start = max(0, data.find(_START, 0, _MOST_AROUND))
    return data[start:] + (b"" if _END in data[-_MOST_AROUND:] else _END)


def _damage_of_jpeg(data: bytes, max_pixels: int) -> str:
    """Returns why a JPEG cannot be decoded as a whole, or an empty string.

    Raises:
        TooManyScans: decoding it would take minutes.
    """
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data), "") as image:
            check_scans(data)
            width, height = image.size
            if width * height > max_pixels:
                return ""
            image.draft(None, (max(1, width // _SMALLER), max(1, height // _SMALLER)))
            image.load()
            return "".join(made_up_rows(image))
    except TooManyScans:
        raise
    except Unusable as error:
        return str(error)
    except Exception as error:  # decoders raise anything on damaged data
        return one_line(error)

"""The pages of a PDF as pictures, through PDFium (pypdfium2)."""

import threading
from pathlib import Path

import numpy as np
import pypdfium2

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.pdf_layer import chosen_layer
from ocr_plugin.pages.raster import Picture, Pictures, Unusable, check_size
from ocr_plugin.protocols import RGB

# PDFium allows one call at a time in the whole process. Re-entrant, because the garbage collector
# may close an abandoned document while its thread is inside another one.
_PDFIUM = threading.RLock()
_POINTS_PER_INCH = 72


def pdf_pages(source: bytes | Path, options: ImageOptions, first: int = 0) -> Pictures:
    """Yields every page of a PDF, rendered at ``options.pdf_dpi`` on white, or why it cannot be.

    Begins with the page `first`, counted from 0. Of a file, only what these pages need is read.

    Raises:
        Unusable: the document as a whole cannot be opened.
    """
    document, count = _pdf_document(source)
    try:
        for index in range(first, count):
            try:
                picture: Picture | Unusable = _pdf_page(document, index, options)
            except Unusable as error:
                picture = error
            yield picture
    finally:
        with _PDFIUM:
            document.close()


def pdf_page_count(source: bytes | Path) -> int:
    """Returns how many pages a PDF says it has.

    Raises:
        Unusable: the document as a whole cannot be opened.
    """
    document, count = _pdf_document(source)
    with _PDFIUM:
        document.close()
    return count


def _pdf_document(source: bytes | Path) -> tuple[pypdfium2.PdfDocument, int]:
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(source)
        except pypdfium2.PdfiumError as error:
            if "password" in str(error).lower():
                raise Unusable("the PDF is encrypted and needs a password") from error
            raise Unusable("the PDF is damaged or has no pages") from error
        try:
            # Without this, filled form fields would not be rendered.
            document.init_forms()
        except pypdfium2.PdfiumError as error:
            document.close()
            raise Unusable("the PDF's form is damaged") from error
        return document, len(document)


def _pdf_page(document: pypdfium2.PdfDocument, index: int, options: ImageOptions) -> Picture:
    scale = options.pdf_dpi / _POINTS_PER_INCH
    with _PDFIUM:
        try:
            page = document[index]
        except pypdfium2.PdfiumError as error:
            raise Unusable("the PDF page is damaged") from error
        try:
            width, height = page.get_size()
            # Rounded as PDFium does, so that the limit applies to the bitmap it would allocate.
            check_size(
                (int(np.ceil(width * scale)), int(np.ceil(height * scale))), options.max_pixels
            )
            pixels = _rendered(page, scale)
            printed, warnings = chosen_layer(page, pixels, options, lambda: _rendered(page, scale))
            return Picture(pixels, warnings, printed)
        except pypdfium2.PdfiumError as error:
            raise Unusable("the PDF page cannot be rendered") from error
        finally:
            page.close()


def _rendered(page: pypdfium2.PdfPage, scale: float) -> RGB:
    bitmap = page.render(scale=scale, rev_byteorder=True)
    try:
        # A copy: the bitmap's memory is freed with it.
        return np.array(bitmap.to_numpy()[:, :, :3], order="C")
    finally:
        bitmap.close()

"""The pages of a PDF as pictures, through PDFium (pypdfium2)."""

import threading
from itertools import takewhile
from pathlib import Path

import numpy as np
import pypdfium2

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.pdf_damage import Losses
from ocr_plugin.pages.pdf_layer import chosen_layer
from ocr_plugin.pages.pdf_pictures import damages, told
from ocr_plugin.pages.raster import Picture, Pictures, Unusable, check_size, too_many_pages
from ocr_plugin.protocols import RGB

# PDFium allows one call at a time in the whole process. Re-entrant, because the garbage collector
# may close an abandoned document while its thread is inside another one.
_PDFIUM = threading.RLock()
_POINTS_PER_INCH = 72
# A document is given up after this many pages in a row that are not there: a few bytes may claim
# a million.
_HOPELESS = 10


def pdf_pages(source: bytes | Path, options: ImageOptions, first: int = 0) -> Pictures:
    """Yields every page of a PDF, rendered at ``options.pdf_dpi`` on white, or why it cannot be.

    Begins with the page `first`, counted from 0. Of a file, only what these pages need is read.
    After ``options.max_pages``, or several pages in a row that are not there, one error stands for
    the rest.

    Raises:
        Unusable: the document as a whole cannot be opened.
    """
    document, count = _pdf_document(source)
    losses = Losses(document, source)
    try:
        missing = _missing_before(document, first)
        # One more, for the error that stands for the rest.
        end = min(count, options.max_pages + 1) if missing < _HOPELESS else 0
        for index in range(first, end):
            try:
                if index == options.max_pages:
                    raise too_many_pages(options.max_pages)
                picture: Picture | Unusable = _pdf_page(document, index, options, losses)
            except Unusable as error:
                picture = error
            missing = missing + 1 if isinstance(picture, _Missing) else 0
            if missing == _HOPELESS and index + 1 < count:
                yield Unusable(f"{picture}, as those before it; pages after it were not tried")
                return
            yield picture
    finally:
        with _PDFIUM:
            document.close()


class _Missing(Unusable):
    """A page that is not there, or is no page."""


def _missing_before(document: pypdfium2.PdfDocument, first: int) -> int:
    """Returns how many pages before one are not there, one after another, as far as it matters."""
    before = range(first - 1, max(first - _HOPELESS, 0) - 1, -1)
    return sum(1 for _ in takewhile(lambda index: _is_missing(document, index), before))


def _is_missing(document: pypdfium2.PdfDocument, index: int) -> bool:
    with _PDFIUM:
        try:
            document.get_page_size(index)
        except pypdfium2.PdfiumError:
            return True
        return False


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


def _pdf_page(
    document: pypdfium2.PdfDocument, index: int, options: ImageOptions, losses: Losses
) -> Picture:
    scale = options.pdf_dpi / _POINTS_PER_INCH
    with _PDFIUM:
        try:
            page = document[index]
        except pypdfium2.PdfiumError as error:
            raise _Missing("the PDF page is damaged") from error
        try:
            width, height = page.get_size()
            # Rounded as PDFium does, so that the limit applies to the bitmap it would allocate.
            check_size(
                (int(np.ceil(width * scale)), int(np.ceil(height * scale))), options.max_pixels
            )
            damaged = damages(page, options.max_pixels)
            pixels = _rendered(page, scale)
            printed, warnings = chosen_layer(page, pixels, options, lambda: _rendered(page, scale))
            damage = told(damaged, pixels, has_text=bool(printed))
            if not damage and not printed and (pixels == pixels[0, 0]).all():
                damage = losses.of_blank(page)
            return Picture(pixels, damage + warnings, printed)
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

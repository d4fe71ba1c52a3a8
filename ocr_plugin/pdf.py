"""PDF pages as pictures, through PDFium (pypdfium2)."""

import threading
from collections.abc import Iterator

import numpy as np
import pypdfium2

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.protocols import RGB

# PDFium must not be entered by two threads at once, not even for two documents.
_PDFIUM = threading.Lock()
_POINTS_PER_INCH = 72


def rendered_pages(
    data: bytes, name: str, options: ImageOptions
) -> Iterator[RGB | UnreadableImage]:
    """Yields every page of a PDF in order, rendered at ``options.pdf_dpi`` on white.

    A page that cannot be rendered, or is larger than the limit, yields its error.

    Raises:
        UnreadableImage: the document cannot be opened; raised by the first ``next``.
    """
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            reason = "the PDF is encrypted" if locked else "the PDF is damaged"
            raise UnreadableImage(name, reason) from error
        count = len(document)
        document.init_forms()
    try:
        if count == 0:
            raise UnreadableImage(name, "the PDF has no pages")
        for index in range(count):
            yield _rendered(document, index, name, options)
    finally:
        with _PDFIUM:
            document.close()


def _rendered(
    document: pypdfium2.PdfDocument, index: int, name: str, options: ImageOptions
) -> RGB | UnreadableImage:
    scale = options.pdf_dpi / _POINTS_PER_INCH
    with _PDFIUM:
        try:
            page = document[index]
            width, height = (max(1, round(side * scale)) for side in page.get_size())
            if width * height > options.max_pixels:
                return UnreadableImage(
                    name,
                    f"page {index + 1} at {options.pdf_dpi:g} dpi has {width} x {height} pixels, "
                    f"more than the limit of {options.max_pixels}",
                    index,
                )
            bitmap = page.render(scale=scale, rev_byteorder=True, draw_annots=True)
            pixels = np.array(bitmap.to_numpy()[:, :, :3])
            bitmap.close()
            page.close()
        except pypdfium2.PdfiumError as error:
            return UnreadableImage(name, f"page {index + 1} of the PDF is damaged: {error}", index)
    return pixels

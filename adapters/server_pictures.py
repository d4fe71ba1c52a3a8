"""Pages of a request as pictures; runs in a process that decodes."""

import io

from PIL import Image

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageFailure

# Of pages that are shown: pixels of the longer side, and JPEG's quality.
_SHOWN_SIDE = 2_400
_SHOWN_QUALITY = 85


def jpeg_of(data: bytes, index: int, options: ImageOptions) -> bytes | None:
    """Returns a page as JPEG, no larger than a screen needs it; None if there is none.

    Raises:
        UnreadableImage: it cannot be read.
    """
    page = next(open_pages(Named(data, "upload"), options, index), None)
    if page is None:
        return None
    if isinstance(page, PageFailure):
        raise page.error
    picture = Image.fromarray(page.pixels)
    picture.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    coded = io.BytesIO()
    picture.save(coded, "JPEG", quality=_SHOWN_QUALITY)
    return coded.getvalue()


class Named(io.BytesIO):
    """Bytes as a file that has a name, which its pages carry."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name

"""The formats of pictures that are read, told by a file's first bytes; all others are refused.

Pillow knows some 40 formats. Some of their readers start another program (EPS: Ghostscript), some
open what they hold once more and so go round every limit (IPTC, BLP), some take nearly any bytes
for theirs. None of these is ever asked.
"""

import io
import struct
from typing import BinaryIO

from PIL import Image, ImageFile

from ocr_plugin.errors import one_line
from ocr_plugin.pages.containers import contained
from ocr_plugin.pages.jpeg import check_scans
from ocr_plugin.pages.png import without_texts
from ocr_plugin.pages.raster import Unusable

READ = (
    "JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "AVIF",
    "PPM", "PSD", "QOI", "SGI", "PCX", "DIB",
)  # fmt: skip
"""As Pillow calls them, besides TGA and what `containers` opens; those with weak signs are last."""

# A cursor begins as many a TGA does, so its first bytes tell nothing.
_NOT_NAMED = ("CUR", "ICO", "TGA")
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"


def identified(data: bytes, name: str = "") -> ImageFile.ImageFile | None:
    """Returns the image in a file's bytes, its header read, or None if they are a PDF.

    Args:
        data: the whole file.
        name: of the file; of all formats only an old TGA is told by it.

    Raises:
        Unusable: the format is not read, or the header is damaged.
    """
    if data.startswith(b"%PDF-"):
        return None
    image = contained(data) or _by_pillow(data, name)
    # PDF readers accept some foreign bytes ahead of the document.
    if image is None and b"%PDF-" not in data[:1024]:
        raise Unusable(_refusal(data))
    return image


def why(kind: str, error: Exception) -> str:
    """Returns why one of Pillow's readers failed, in one line."""
    text = one_line(error)
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return "the image is truncated"
    return f"cannot be decoded as {kind}: {text}"


def _by_pillow(data: bytes, name: str) -> ImageFile.ImageFile | None:
    """Returns the image with its header read, or None if it is in no format of `READ`.

    This tries Pillow's format readers as ``Image.open`` does, but without its check against
    ``Image.MAX_IMAGE_PIXELS``: that limit is process-wide, and only warns at first.
    """
    damaged = ""
    asked: set[str] = set()
    for load_formats in (Image.preinit, Image.init):
        load_formats()
        for kind in [kind for kind in READ if kind in Image.OPEN and kind not in asked]:
            asked.add(kind)
            if not _claims(kind, data):
                continue
            image = _opened(kind, data)
            if image is not None:
                return image
            damaged = damaged or kind
    if _is_tga(data, name):
        return _opened("TGA", data)
    if damaged:
        raise _damaged(damaged)
    return None


def check_tiff(file: BinaryIO) -> None:
    """Checks the header and the first page's directory of a TIFF, as `identified` does.

    Raises:
        Unusable: they are damaged.
    """
    if _read_by("TIFF", file) is None:
        raise _damaged("TIFF")


def _damaged(kind: str) -> Unusable:
    return Unusable(f"the image looks like {kind}, but its header is damaged or cut off")


def _claims(kind: str, data: bytes) -> bool:
    """Returns whether a file begins as those of a format do; nothing of it is decoded."""
    accepts = Image.OPEN[kind][1]
    try:
        answer = accepts is not None and accepts(data[:16])
    except (IndexError, struct.error):  # so short is no file of that format
        return False
    # A string instead of a boolean means that the reader's library is missing.
    return bool(answer) and not isinstance(answer, str)


def _opened(kind: str, data: bytes) -> ImageFile.ImageFile | None:
    """Returns the image, or None where the reader declines what it has claimed."""
    if kind == "JPEG":
        check_scans(data)
    if kind == "PNG":
        data = without_texts(data)
    return _read_by(kind, io.BytesIO(data))


def _read_by(kind: str, file: BinaryIO) -> ImageFile.ImageFile | None:
    try:
        return Image.OPEN[kind][0](file, "")
    except (SyntaxError, IndexError, TypeError, struct.error):
        return None
    except Exception as error:  # readers raise anything on damaged headers
        raise Unusable(why(kind, error)) from error


def _is_tga(data: bytes, name: str) -> bool:
    """Returns whether a file says that it is a TGA; without a footer, nothing but its name does."""
    return data.endswith(_TGA_FOOTER) or name.casefold().endswith(".tga")


def _refusal(data: bytes) -> str:
    Image.init()
    for kind in Image.ID:
        if kind not in (*READ, *_NOT_NAMED) and _claims(kind, data):
            return f"{kind} files are not read; convert it to PDF or PNG"
    return "not an image in a supported format"

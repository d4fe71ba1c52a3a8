"""Files, bytes, arrays and documents, as RGB pages.

Pages come one by one, so a long document never lies in memory whole. What a source is, is told
by its content, never by its name. Several threads may open sources at once.
"""

import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from ocr_plugin.errors import UnreadableImage, one_line
from ocr_plugin.file_names import text_of
from ocr_plugin.options import ImageOptions
from ocr_plugin.pdf import pdf_page_count, pdf_pages
from ocr_plugin.pixels import Picture, Pictures, Unusable, check_size, picture_of_array, rgb
from ocr_plugin.protocols import RGB

Source = str | os.PathLike[str] | bytes | NDArray[Any] | Image.Image | BinaryIO
"""A path; an encoded file's bytes, or a binary file object read from where it stands; a Pillow
image, of which the current frame is taken; or an array (H, W), (H, W, 1), (H, W, 3) RGB or
(H, W, 4) RGBA of uint8, uint16, bool, or float from 0 (black) to 1."""

# What brings a picture that was stored with this EXIF orientation upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Further frames of these are not further moments: previews and depth maps, or layers.
_NOT_ANIMATED = ("MPO", "PSD")

# Bits of a TIFF page's NewSubfileType: a smaller copy of another page, a transparency mask.
_TIFF_NOT_A_PAGE = 0b101


@dataclass(frozen=True)
class PageImage:
    """One page, as a person sees it.

    Attributes:
        name: what the source is called, as `name_of` gives it.
        page_index: counted from 0 within the source.
        pixels: (H, W, 3) uint8 RGB, contiguous, upright, transparency laid over white.
        sha256: of the source's bytes in hexadecimal; of `pixels` where the source was an array
            or a Pillow image.
        warnings: what a reader of the result should know, a line each.
    """

    name: str
    page_index: int
    pixels: RGB
    sha256: str
    warnings: tuple[str, ...] = ()


def name_of(source: Source) -> str:
    """Returns what to call a source: its path as text, or a stand-in such as ``<bytes>``."""
    return text_of(_given_name(source))


def _given_name(source: Source) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, bytes):
        return "<bytes>"
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "")) or "<image>"
    name = getattr(source, "name", None)
    if isinstance(name, str):
        return name
    return "<file>" if hasattr(source, "read") else f"<{type(source).__name__}>"


def open_pages(
    source: Source, options: ImageOptions, first: int = 0, sha256: str | None = None
) -> Iterator[PageImage | UnreadableImage]:
    """Yields the pages of a source, decoding each when it is asked for.

    A TIFF or PDF gives all its pages; one that cannot be read gives its error in its place, and
    the next page follows. An animation gives its first frame and a warning.

    Args:
        source: see `Source`.
        options: limits, and the resolution of PDF pages.
        first: the page to begin with, counted from 0; those before it are not decoded.
        sha256: of the source's bytes, if it is known: a long document, asked for a few pages at a
            time, is not hashed for each of them.

    Raises:
        UnreadableImage: at the first step, if the source as a whole cannot be read.
    """
    name = name_of(source)
    try:
        digest, pictures = _opened(source, options, first, sha256)
        with closing(pictures):
            for index, picture in enumerate(pictures, first):
                if isinstance(picture, Unusable):
                    yield UnreadableImage(name, str(picture), index)
                    continue
                own = digest or hashlib.sha256(picture.pixels.data).hexdigest()
                yield PageImage(name, index, picture.pixels, own, picture.warnings)
    except Unusable as error:
        raise UnreadableImage(name, str(error)) from error.__cause__


def has_more_pages(data: bytes, limit: int, name: str = "<bytes>") -> bool:
    """Returns whether `open_pages` would give more pages than a limit; decodes none.

    Args:
        data: an encoded file.
        limit: a number of pages.
        name: what to call the file.

    Raises:
        UnreadableImage: the file as a whole cannot be read.
    """
    try:
        image = _image_of(data)
        if image is None:
            return pdf_page_count(data) > limit
        if not isinstance(image, TiffImagePlugin.TiffImageFile):
            return limit < 1
        # Not further than the limit: a page may take up no more than a few bytes.
        return len(list(islice(_tiff_places(image), limit + 1))) > limit
    except Unusable as error:
        raise UnreadableImage(name, str(error)) from error.__cause__


def _opened(
    source: Source, options: ImageOptions, first: int, sha256: str | None
) -> tuple[str | None, Pictures]:
    """Returns the SHA-256 of the source's bytes, if it has any, and its pictures to come."""
    if isinstance(source, np.ndarray):
        return None, _only(first, lambda: picture_of_array(source, options.max_pixels))
    if isinstance(source, Image.Image):
        return None, _only(first, lambda: _decoded(source, options.max_pixels))
    if sha256 and isinstance(source, Path) and _is_pdf(source):
        return sha256, pdf_pages(source, options, first)
    data = _bytes_of(source)
    digest = sha256 or hashlib.sha256(data).hexdigest()
    image = _image_of(data)
    if image is None:
        return digest, pdf_pages(data, options, first)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return digest, _tiff_pages(image, options.max_pixels, first)
    return digest, _only(first, lambda: _first_frame(image, options.max_pixels))


def _image_of(data: bytes) -> ImageFile.ImageFile | None:
    """Returns the image that a file's bytes are, its header read, or None if they are a PDF."""
    if data.startswith(b"%PDF-"):
        return None
    image = _identified(data)
    # PDF readers accept some foreign bytes ahead of the document.
    if image is None and b"%PDF-" not in data[:1024]:
        raise Unusable("not an image in a format known here")
    return image


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"%PDF-"


def _only(first: int, picture: Callable[[], Picture]) -> Pictures:
    if first == 0:
        yield picture()


def _bytes_of(source: Source) -> bytes:
    try:
        data = _read(source)
    except FileNotFoundError as error:
        raise Unusable("no such file") from error
    except IsADirectoryError as error:
        raise Unusable("is a directory") from error
    except PermissionError as error:
        raise Unusable("no permission to read it") from error
    except (OSError, ValueError) as error:  # ValueError: a closed file, a path with a null byte
        raise Unusable(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(data, bytes):
        raise Unusable("the file object gives text; open it in binary mode")
    if not data:
        raise Unusable("the file is empty")
    return data


def _read(source: Source) -> object:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | os.PathLike):
        return Path(source).read_bytes()
    if hasattr(source, "read"):
        return source.read()
    raise Unusable("not a path, bytes, a binary file, an array or a Pillow image")


def _identified(data: bytes) -> ImageFile.ImageFile | None:
    """Returns the image with its header read, or None if no format knows it.

    This asks Pillow's format readers as ``Image.open`` does, but without its check against
    ``Image.MAX_IMAGE_PIXELS``: that is one limit for the whole process, and warns.
    """
    asked: set[str] = set()
    damaged = ""
    for load_formats in (Image.preinit, Image.init):
        load_formats()
        for kind in [kind for kind in Image.ID if kind not in asked]:
            asked.add(kind)
            factory, accepts = Image.OPEN[kind]
            claimed = False
            try:
                if accepts is not None:
                    # A text instead of an answer says that the reader's library is missing.
                    answer = accepts(data[:16])
                    claimed = bool(answer) and not isinstance(answer, str)
                if claimed or accepts is None:
                    return factory(io.BytesIO(data), "")
            except (SyntaxError, IndexError, TypeError, struct.error):
                # The readers' way to decline; those that claimed the content had reason to.
                damaged = damaged or (kind if claimed else "")
            except Exception as error:  # readers fail in any way on damaged headers
                raise Unusable(_reason(kind, error)) from error
    if damaged:
        raise Unusable(f"the image looks like {damaged}, but its header is damaged or cut off")
    return None


def _reason(kind: str, error: Exception) -> str:
    text = one_line(error)
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return "the image is truncated"
    return f"cannot be decoded as {kind}: {text}"


def _first_frame(image: ImageFile.ImageFile, max_pixels: int) -> Picture:
    with image:
        # Before counting: some formats decode frames in order to count them.
        check_size(image.size, max_pixels)
        frames = 1
        if image.format not in _NOT_ANIMATED:
            try:
                frames = getattr(image, "n_frames", 1)
            except Exception as error:  # readers fail in any way on damaged frames
                raise Unusable(_reason(image.format or "an image", error)) from error
        picture = _decoded(image, max_pixels)
    if frames == 1:
        return picture
    left_out = f"only the first of {frames} frames was read; {frames - 1} were left out"
    return Picture(picture.pixels, (left_out, *picture.warnings))


def _tiff_pages(image: TiffImagePlugin.TiffImageFile, max_pixels: int, first: int) -> Pictures:
    with image:
        for index, broken in enumerate(_tiff_places(image)):
            if broken is None and index < first:
                continue
            try:
                picture = broken or _tiff_page(image, max_pixels)
            except Unusable as error:
                picture = error
            yield picture


def _tiff_places(image: TiffImagePlugin.TiffImageFile) -> Iterator[Unusable | None]:
    """Goes from page to page: yields None at each, or why those that follow cannot be found."""
    for index in count():
        try:
            image.seek(index)
        except EOFError:
            return
        except Exception as error:  # a broken chain: what lies behind cannot be found
            yield Unusable(_reason("TIFF", error))
            return
        if index == 0 or not image.tag_v2.get(254, 0) & _TIFF_NOT_A_PAGE:
            yield None


def _tiff_page(image: TiffImagePlugin.TiffImageFile, max_pixels: int) -> Picture:
    width, height = image.size
    check_size(image.size, max_pixels)
    if width * height > (Image.MAX_IMAGE_PIXELS or max_pixels):
        # Pillow checks its own limit again where it makes room for a TIFF; here is the room.
        # Not image.size: that is already turned by the orientation.
        stored = (image.tag_v2[256], image.tag_v2[257])
        image.im = Image.new(image.mode, stored).im
    return _decoded(image, max_pixels)


def _decoded(image: Image.Image, max_pixels: int) -> Picture:
    """Returns an image's current frame, upright."""
    check_size(image.size, max_pixels)
    try:
        image.load()
        pixels, warnings = rgb(*_upright(image))
    except Unusable:
        raise
    except Exception as error:  # decoders fail in any way on damaged data
        raise Unusable(_reason(image.format or "an image", error)) from error
    return Picture(pixels, warnings)


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # told in the page's warnings; damaged metadata spoil no picture
        return image, ("the EXIF data are damaged, so the picture may be turned",)
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return (image if turn is None else image.transpose(turn)), ()

"""Files, bytes, arrays and documents, as RGB pages.

Pages come one by one, so a long document never lies in memory whole. What a source is, is told
by its content, never by its name. Several threads may open sources at once.
"""

import hashlib
import io
import os
import struct
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageFile, TiffImagePlugin

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.protocols import RGB

Source = str | os.PathLike[str] | bytes | NDArray[Any] | Image.Image | BinaryIO
"""A path; an encoded file's bytes, or a binary file object read from where it stands; a Pillow
image, of which the current frame is taken; or an array (H, W), (H, W, 1), (H, W, 3) RGB or
(H, W, 4) RGBA of uint8, uint16, bool, or float from 0 (black) to 1."""

# PDFium allows one call at a time in the whole process. Re-entrant, because the garbage collector
# may close an abandoned document while its thread is inside another one.
_PDFIUM = threading.RLock()
_POINTS_PER_INCH = 72

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


class _Unusable(Exception):
    """Says why a source or a page cannot be read; `open_pages` adds which one it is."""


@dataclass(frozen=True)
class _Picture:
    pixels: RGB
    warnings: tuple[str, ...] = ()


_Pictures = Generator[_Picture | _Unusable]


def name_of(source: Source) -> str:
    """Returns what to call a source: its path, or a stand-in such as ``<bytes>``."""
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


def open_pages(source: Source, options: ImageOptions) -> Iterator[PageImage | UnreadableImage]:
    """Yields the pages of a source, decoding each when it is asked for.

    A TIFF or PDF gives all its pages; one that cannot be read gives its error in its place, and
    the next page follows. An animation gives its first frame and a warning.

    Args:
        source: see `Source`.
        options: limits, and the resolution of PDF pages.

    Raises:
        UnreadableImage: at the first step, if the source as a whole cannot be read.
    """
    name = name_of(source)
    try:
        digest, pictures = _opened(source, options)
        with closing(pictures):
            for index, picture in enumerate(pictures):
                if isinstance(picture, _Unusable):
                    yield UnreadableImage(name, str(picture), index)
                    continue
                sha256 = digest or hashlib.sha256(picture.pixels.data).hexdigest()
                yield PageImage(name, index, picture.pixels, sha256, picture.warnings)
    except _Unusable as error:
        raise UnreadableImage(name, str(error)) from error.__cause__


def _opened(source: Source, options: ImageOptions) -> tuple[str | None, _Pictures]:
    """Returns the SHA-256 of the source's bytes, if it has any, and its pictures to come."""
    if isinstance(source, np.ndarray):
        return None, _only(_picture_of_array(source, options.max_pixels))
    if isinstance(source, Image.Image):
        return None, _only(_decoded(source, options.max_pixels))
    data = _bytes_of(source)
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"%PDF-"):
        return digest, _pdf_pages(data, options)
    image = _identified(data)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return digest, _tiff_pages(image, options.max_pixels)
    if image is not None:
        return digest, _only(_first_frame(image, options.max_pixels))
    # PDF readers accept some foreign bytes ahead of the document.
    if b"%PDF-" in data[:1024]:
        return digest, _pdf_pages(data, options)
    raise _Unusable("not an image in a format known here")


def _only(picture: _Picture) -> _Pictures:
    yield picture


def _bytes_of(source: Source) -> bytes:
    try:
        data = _read(source)
    except FileNotFoundError as error:
        raise _Unusable("no such file") from error
    except IsADirectoryError as error:
        raise _Unusable("is a directory") from error
    except PermissionError as error:
        raise _Unusable("no permission to read it") from error
    except (OSError, ValueError) as error:  # ValueError: a closed file, a path with a null byte
        raise _Unusable(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(data, bytes):
        raise _Unusable("the file object gives text; open it in binary mode")
    if not data:
        raise _Unusable("the file is empty")
    return data


def _read(source: Source) -> object:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | os.PathLike):
        return Path(source).read_bytes()
    if hasattr(source, "read"):
        return source.read()
    raise _Unusable("not a path, bytes, a binary file, an array or a Pillow image")


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
                raise _Unusable(_reason(kind, error)) from error
    if damaged:
        raise _Unusable(f"the image looks like {damaged}, but its header is damaged or cut off")
    return None


def _reason(kind: str, error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return "the image is truncated"
    return f"cannot be decoded as {kind}: {text}"


def _first_frame(image: ImageFile.ImageFile, max_pixels: int) -> _Picture:
    with image:
        # Before counting: some formats decode frames in order to count them.
        _check_size(image.size, max_pixels)
        frames = 1
        if image.format not in _NOT_ANIMATED:
            try:
                frames = getattr(image, "n_frames", 1)
            except Exception as error:  # readers fail in any way on damaged frames
                raise _Unusable(_reason(image.format or "an image", error)) from error
        picture = _decoded(image, max_pixels)
    if frames == 1:
        return picture
    left_out = f"only the first of {frames} frames was read; {frames - 1} were left out"
    return _Picture(picture.pixels, (left_out, *picture.warnings))


def _tiff_pages(image: TiffImagePlugin.TiffImageFile, max_pixels: int) -> _Pictures:
    with image:
        index = 0
        while True:
            try:
                image.seek(index)
            except EOFError:
                return
            except Exception as error:  # a broken chain: what lies behind cannot be found
                yield _Unusable(_reason("TIFF", error))
                return
            index += 1
            if index > 1 and image.tag_v2.get(254, 0) & _TIFF_NOT_A_PAGE:
                continue
            try:
                picture: _Picture | _Unusable = _tiff_page(image, max_pixels)
            except _Unusable as error:
                picture = error
            yield picture


def _tiff_page(image: TiffImagePlugin.TiffImageFile, max_pixels: int) -> _Picture:
    width, height = image.size
    _check_size(image.size, max_pixels)
    if width * height > (Image.MAX_IMAGE_PIXELS or max_pixels):
        # Pillow checks its own limit again where it makes room for a TIFF; here is the room.
        # Not image.size: that is already turned by the orientation.
        stored = (image.tag_v2[256], image.tag_v2[257])
        image.im = Image.new(image.mode, stored).im
    return _decoded(image, max_pixels)


def _decoded(image: Image.Image, max_pixels: int) -> _Picture:
    """Returns an image's current frame, upright."""
    _check_size(image.size, max_pixels)
    try:
        image.load()
        pixels, warnings = _rgb(*_upright(image))
    except _Unusable:
        raise
    except Exception as error:  # decoders fail in any way on damaged data
        raise _Unusable(_reason(image.format or "an image", error)) from error
    return _Picture(pixels, warnings)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise _Unusable(f"the image has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise _Unusable(
            f"{width} x {height} pixels are more than the limit of {max_pixels} (max_pixels)"
        )


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # told in the page's warnings; damaged metadata spoil no picture
        return image, ("the EXIF data are damaged, so the picture may be turned",)
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return (image if turn is None else image.transpose(turn)), ()


def _rgb(image: Image.Image, warnings: tuple[str, ...]) -> tuple[RGB, tuple[str, ...]]:
    """Returns (H, W, 3) uint8 and the warnings so far with those of the conversion."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey, further = _grey_levels(np.asarray(image))
        return _three_channels(grey), warnings + further
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        in_srgb = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return np.array(in_srgb), warnings
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    return np.array(image.convert("RGB")), warnings


def _grey_levels(values: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Returns deep grey values as bytes, and a warning where their white had to be guessed."""
    if values.dtype.kind == "f":
        _check_finite(values)
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        return _fractions(values), ()
    # Pillow also gives 16-bit PNG and PGM as 32-bit integers.
    if values.dtype.kind != "f" and low >= 0 and high <= 0xFFFF:
        return _upper_bytes(values), ()
    span = float(high) - float(low)
    shifted = values.astype(np.float64) - float(low)
    stretched = np.rint(shifted * (255 / span if span else 0)).astype(np.uint8)
    return stretched, (f"grey values from {low} to {high} were stretched from black to white",)


def _picture_of_array(array: NDArray[Any], max_pixels: int) -> _Picture:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise _Unusable(
            f"an array of shape {array.shape} is no image; "
            "it must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        )
    _check_size((array.shape[1], array.shape[0]), max_pixels)
    levels = _levels_of_array(array)
    if levels.ndim == 3 and levels.shape[2] == 4:
        return _Picture(_rgb(Image.fromarray(levels), ())[0])
    if levels.ndim == 3 and levels.shape[2] == 3:
        # Always a copy: the caller may change the array while the page is being read.
        return _Picture(np.array(levels, order="C"))
    return _Picture(_three_channels(levels.reshape(array.shape[:2])))


def _levels_of_array(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns an array's values as bytes, in its shape."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return _upper_bytes(array)
    if array.dtype.kind != "f":
        raise _Unusable(
            f"an array of {array.dtype} is not supported; give uint8, uint16, bool or float"
        )
    _check_finite(array)
    if array.min() < 0 or array.max() > 1:
        raise _Unusable(
            f"a float array must lie within 0 and 1, not {array.min():g} to {array.max():g}"
        )
    return _fractions(array)


def _check_finite(values: NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise _Unusable("there are values that are NaN or infinite")


def _fractions(values: NDArray[Any]) -> NDArray[np.uint8]:
    # Adding half before cutting off rounds to the nearest.
    return (values.astype(np.float32) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _upper_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    # 65535 / 255 is 257; half of it, added first, rounds to the nearest.
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _three_channels(grey: NDArray[np.uint8]) -> RGB:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def _pdf_pages(data: bytes, options: ImageOptions) -> _Pictures:
    document, count = _pdf_document(data)
    try:
        for index in range(count):
            try:
                picture: _Picture | _Unusable = _pdf_page(document, index, options)
            except _Unusable as error:
                picture = error
            yield picture
    finally:
        with _PDFIUM:
            document.close()


def _pdf_document(data: bytes) -> tuple[pypdfium2.PdfDocument, int]:
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if "password" in str(error).lower():
                raise _Unusable("the PDF is encrypted and needs a password") from error
            raise _Unusable("the PDF is damaged or has no pages") from error
        try:
            # Without this, what was filled into form fields would not be seen.
            document.init_forms()
        except pypdfium2.PdfiumError as error:
            document.close()
            raise _Unusable("the PDF's form is damaged") from error
        return document, len(document)


def _pdf_page(document: pypdfium2.PdfDocument, index: int, options: ImageOptions) -> _Picture:
    scale = options.pdf_dpi / _POINTS_PER_INCH
    with _PDFIUM:
        try:
            page = document[index]
        except pypdfium2.PdfiumError as error:
            raise _Unusable("the PDF page is damaged") from error
        try:
            width, height = page.get_size()
            # As PDFium rounds them, so that the limit holds for what it would make.
            _check_size(
                (int(np.ceil(width * scale)), int(np.ceil(height * scale))), options.max_pixels
            )
            bitmap = page.render(scale=scale, rev_byteorder=True)
            try:
                # A copy, for the bitmap's memory goes with it.
                return _Picture(np.array(bitmap.to_numpy()[:, :, :3], order="C"))
            finally:
                bitmap.close()
        except pypdfium2.PdfiumError as error:
            raise _Unusable("the PDF page cannot be drawn") from error
        finally:
            page.close()

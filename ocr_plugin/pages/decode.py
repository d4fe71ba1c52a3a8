"""Files, bytes, arrays and documents, as RGB pages.

Pages are decoded one by one, so a long document is never held in memory as a whole. The format is
detected from the content; only an old TGA is known by its name. Several threads may open sources
at once.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from ocr_plugin.errors import OcrError, UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.image_formats import identified
from ocr_plugin.pages.images import current_frame, first_frame
from ocr_plugin.pages.pixels import picture_of_array
from ocr_plugin.pages.raster import PageFailure, PageImage, Picture, Pictures, Unusable
from ocr_plugin.pages.source import Source, bytes_of, is_pdf, is_tiff, name_of
from ocr_plugin.pages.tiff import page_offsets, tiff_pages


def open_pages(
    source: Source,
    options: ImageOptions,
    first: int = 0,
    sha256: str | None = None,
    name: str | None = None,
) -> Iterator[PageImage | PageFailure]:
    """Yields the pages of a source, decoding each when it is asked for.

    A TIFF or PDF gives all its pages; one that cannot be read gives its error in its place, and
    the next page follows. After ``options.max_pages`` one error stands for the rest. An animation
    gives its first frame and a warning.

    Args:
        source: see `Source`.
        options: limits, and the resolution of PDF pages.
        first: the page to begin with, counted from 0; those before it are not decoded.
        sha256: of the source's bytes, if known: a long document that is read a few pages at a
            time is then not hashed each time, nor read as a whole, nor a TIFF searched for its
            pages. A file that is named so must not change meanwhile.
        name: of the pages; by default `name_of` the source.

    Raises:
        UnreadableImage: at the first ``next``, if the source as a whole cannot be read.
    """
    name = name_of(source) if name is None else name
    try:
        digest, pictures = _open_source(source, options, first, sha256, name)
        with closing(pictures):
            for index, picture in enumerate(pictures, first):
                if isinstance(picture, Unusable):
                    error = UnreadableImage(name, str(picture), index)
                    yield PageFailure(name, index, error)
                    continue
                own = digest or hashlib.sha256(picture.pixels.data).hexdigest()
                yield PageImage(name, index, picture.pixels, own, picture.warnings, picture.printed)
    except Unusable as error:
        raise UnreadableImage(name, str(error)) from error.__cause__


def pages_of(source: Source, options: ImageOptions) -> Iterator[PageImage | PageFailure]:
    """Yields the pages of a source; what cannot be read yields a `PageFailure` in its place."""
    index = 0
    try:
        for page in open_pages(source, options):
            yield page
            index += 1
    except MemoryError as error:
        failure = UnreadableImage(
            name_of(source), "decoding it takes more memory than there is", index
        )
        failure.__cause__ = error
        yield PageFailure(name_of(source), index, failure)
    except OcrError as error:
        yield PageFailure(name_of(source), None, error)
    except Exception as error:  # a decoder's own defect must not end the run; it is reported
        yield PageFailure(name_of(source), index, error)


def first_page(source: Source, options: ImageOptions | None = None) -> PageImage:
    """Returns the first page of a source.

    Raises:
        UnreadableImage: it cannot be read.
    """
    page = next(open_pages(source, options or ImageOptions()))
    if isinstance(page, PageFailure):
        raise page.error
    return page


def has_more_pages(data: bytes, limit: int, name: str = "<bytes>") -> bool:
    """Returns whether `open_pages` would give more pages than a limit; decodes none.

    Args:
        data: an encoded file.
        limit: a number of pages.
        name: of the file, for the error.

    Raises:
        UnreadableImage: the file as a whole cannot be read.
    """
    try:
        image = identified(data, name)
        if image is None:
            from ocr_plugin.pages.pdf import pdf_page_count

            return pdf_page_count(data) > limit
        if image.format != "TIFF":
            return limit < 1
        # Not beyond the limit: a page may take only a few bytes, and a file have millions.
        return len(list(islice(page_offsets(data), limit + 1))) > limit
    except Unusable as error:
        raise UnreadableImage(name, str(error)) from error.__cause__


def _open_source(
    source: Source, options: ImageOptions, first: int, sha256: str | None, name: str
) -> tuple[str | None, Pictures]:
    """Returns the SHA-256 of the source's bytes, if it has any, and a generator of its pages."""
    if isinstance(source, np.ndarray):
        return None, _only(first, lambda: picture_of_array(source, options.max_pixels))
    if isinstance(source, Image.Image):
        return None, _only(first, lambda: current_frame(source, options.max_pixels))
    if sha256 and isinstance(source, Path):
        # It is opened again for every few pages, and only these are read.
        if is_pdf(source):
            return sha256, _pdf_pages(source, options, first)
        if is_tiff(source):
            return sha256, tiff_pages(source, options, first, sha256)
    data = bytes_of(source, options.max_bytes)
    digest = sha256 or hashlib.sha256(data).hexdigest()
    image = identified(data, name)
    if image is None:
        return digest, _pdf_pages(data, options, first)
    if image.format == "TIFF":
        return digest, tiff_pages(data, options, first, sha256)
    return digest, _only(first, lambda: first_frame(image, data, options.max_pixels))


def _pdf_pages(source: bytes | Path, options: ImageOptions, first: int) -> Pictures:
    from ocr_plugin.pages.pdf import pdf_pages  # PDFium, which most runs do not need

    return pdf_pages(source, options, first)


def _only(first: int, picture: Callable[[], Picture]) -> Pictures:
    if first == 0:
        yield picture()

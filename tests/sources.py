"""Pictures and documents as sources of pages, and what is read of them."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.decode import open_pages
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import Source
from ocr_plugin.protocols import RGB

OPTIONS = ImageOptions()
TINY = ImageOptions(max_pixels=100)


def pages(source: Source, options: ImageOptions = OPTIONS) -> list[PageImage | PageFailure]:
    return list(open_pages(source, options))


def page(source: Source, options: ImageOptions = OPTIONS) -> PageImage:
    (only,) = pages(source, options)
    assert isinstance(only, PageImage)
    assert only.pixels.dtype == np.uint8 and only.pixels.ndim == 3 and only.pixels.shape[2] == 3
    assert only.pixels.flags.c_contiguous and only.pixels.flags.writeable
    return only


def refusal(source: Source, options: ImageOptions = OPTIONS) -> str:
    with pytest.raises(UnreadableImage) as caught:
        pages(source, options)
    assert caught.value.page_index is None
    assert "\n" not in str(caught.value)
    return caught.value.reason


def failure_of(page: PageImage | PageFailure) -> UnreadableImage:
    """Why a page could not be read."""
    assert isinstance(page, PageFailure) and isinstance(page.error, UnreadableImage)
    assert page.error.page_index == page.page_index
    return page.error


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 60, height: int = 40) -> Image.Image:
    values = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def plain(colour: str, size: tuple[int, int] = (8, 6), mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", size, colour).convert(mode)


def colour_of(pixels: RGB) -> tuple[int, ...]:
    """The one colour of a picture."""
    assert (pixels == pixels[0, 0]).all()
    return tuple(int(level) for level in pixels[0, 0])


def tiff_of(*images: Image.Image, **options: Any) -> bytes:
    return encoded(images[0], "TIFF", save_all=True, append_images=images[1:], **options)


def pdf_of(
    *sizes: tuple[float, float], draw: Callable[[pypdfium2.PdfDocument], None] | None = None
) -> bytes:
    buffer = io.BytesIO()
    with pypdfium2.PdfDocument.new() as document:
        for width, height in sizes:
            document.new_page(width, height).close()
        if draw is not None:
            draw(document)
        document.save(buffer)
    return buffer.getvalue()

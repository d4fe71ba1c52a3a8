"""Decoded pages, and the failures of those that cannot be decoded."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from ocr_plugin.errors import one_line
from ocr_plugin.protocols import RGB, Points
from ocr_plugin.schema import Component, PageError


@cache
def text_layer() -> Component:
    """Returns what read a page whose own text was taken."""
    return Component(name="pdf_text_layer", version=version("pypdfium2"))


@dataclass(frozen=True)
class PrintedWord:
    """A word that a document itself tells, without white space.

    Attributes:
        text: at least one character.
        polygon: (4, 2) float32 page pixels, clockwise from the text's top-left corner.
    """

    text: str
    polygon: Points


@dataclass(frozen=True)
class PrintedLine:
    """Words that stand in a line, in the order in which they are read; at least one.

    Attributes:
        words: the words.
        polygon: (4, 2) float32 page pixels around them, as a word's.
    """

    words: tuple[PrintedWord, ...]
    polygon: Points


@dataclass(frozen=True)
class PageImage:
    """One page, as a person sees it.

    Attributes:
        name: of the source, by `name_of`.
        page_index: counted from 0 within the source.
        pixels: (H, W, 3) uint8 RGB, contiguous, upright, transparent ones laid on paper by
            `paper.on_paper`.
        sha256: of the source's bytes in hexadecimal; of `pixels` where the source was an array
            or a Pillow image.
        warnings: for the user, one line each.
        printed: what the document itself says is on the page, which is taken instead of reading
            it; None where it is to be read.
    """

    name: str
    page_index: int
    pixels: RGB
    sha256: str
    warnings: tuple[str, ...] = ()
    printed: tuple[PrintedLine, ...] | None = None


@dataclass(frozen=True)
class PageFailure:
    """A page that could not be read, yielded in its place.

    Attributes:
        name: of the source.
        page_index: counted from 0; None where the source as a whole failed.
        error: why, with its cause chained.
    """

    name: str
    page_index: int | None
    error: Exception

    def as_error(self) -> PageError:
        """Returns its public record."""
        return PageError(
            name=self.name,
            page_index=self.page_index,
            kind=type(self.error).__name__,
            message=one_line(self.error),
        )


class Unusable(Exception):
    """Why a source or a page cannot be read; `open_pages` adds its name."""


@dataclass(frozen=True)
class Picture:
    """A page's pixels, (H, W, 3) uint8 RGB, warnings, and its own text as `PageImage` has them."""

    pixels: RGB
    warnings: tuple[str, ...] = ()
    printed: tuple[PrintedLine, ...] | None = None


Pictures = Generator[Picture | Unusable]


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raises `Unusable` for a (width, height) without pixels or with too many."""
    width, height = size
    if width < 1 or height < 1:
        raise Unusable(f"the image has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise Unusable(
            f"{width} x {height} pixels are more than the limit of {max_pixels} (max_pixels)"
        )


def too_many_pages(max_pages: int) -> Unusable:
    """Returns the error that stands for all pages after the first `max_pages`."""
    return Unusable(f"pages after the first {max_pages} were not read (max_pages)")

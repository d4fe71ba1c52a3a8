"""Decoded pages, and the failures of those that cannot be decoded."""

from collections.abc import Generator
from dataclasses import dataclass

from ocr_plugin.errors import one_line
from ocr_plugin.protocols import RGB
from ocr_plugin.schema import PageError


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
    """

    name: str
    page_index: int
    pixels: RGB
    sha256: str
    warnings: tuple[str, ...] = ()


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
    """A page's pixels, (H, W, 3) uint8 RGB, and warnings about them, one line each."""

    pixels: RGB
    warnings: tuple[str, ...] = ()


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

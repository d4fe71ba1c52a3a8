"""A page with the outlines of its words."""

from dataclasses import dataclass
from pathlib import Path

from ocr_plugin.images import PageImage, open_pages
from ocr_plugin.options import ImageOptions
from ocr_plugin.protocols import RGB, Points


@dataclass(frozen=True)
class LabelledWord:
    """A word as labelled.

    Attributes:
        polygon: (N, 2) float32 page pixels, N >= 3.
        text: what it says, or None where the labels do not tell.
        ignore: whether it counts neither way: illegible, or not sure to be a word.
    """

    polygon: Points
    text: str | None = None
    ignore: bool = False


@dataclass(frozen=True)
class LabelledPage:
    """A page's file, and its words."""

    path: Path
    words: tuple[LabelledWord, ...]

    def pixels(self) -> RGB:
        """Returns the page, (H, W, 3) uint8 RGB, upright as a person sees it.

        Raises:
            UnreadableImage: the file does not decode.
        """
        page = next(open_pages(self.path, ImageOptions()))
        if not isinstance(page, PageImage):
            raise page
        return page.pixels

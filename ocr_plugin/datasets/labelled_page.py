"""A page with the outlines of its words."""

from dataclasses import dataclass
from pathlib import Path

from ocr_plugin.pages.decode import first_page
from ocr_plugin.protocols import RGB, Points


@dataclass(frozen=True)
class LabelledWord:
    """A word as labelled.

    Attributes:
        polygon: (N, 2) float32 page pixels, N >= 3.
        text: its text, or None if not labelled.
        ignore: whether it is left out of scores: illegible, or not certainly a word.
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
        return first_page(self.path).pixels

"""Whether a PDF page's own text is taken instead of reading its picture, and which of it.

It is sound if it says what a person sees. That is judged by the page rendered once more without
any text: where a word makes no difference it cannot be seen, and marks of the size of letters that
are still there are not in the text. docs/decisions/0013 has the reasons.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pypdfium2
from numpy.typing import NDArray
from pypdfium2 import raw

from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.pdf_text import PageText, text_of
from ocr_plugin.pages.raster import PrintedLine, Unusable
from ocr_plugin.protocols import RGB, Points

# Most characters without a meaning: the share of them, 0 to 1.
_MOST_UNKNOWN = 0.02
# So many characters may be lines of their own, such as numbers of pages, or half of them.
_FEW_ALONE = 8
# Grey levels by which a pixel differs that a word has drawn, and by which a mark stands out.
_VISIBLE, _MARKED = 24, 48
# Marks of letters' size that are not in the text: so few are bullets and signs, or less is lost
# with them, as a share of the text's characters, than reading the page would lose.
_FEW_MARKS, _MOST_MARKS = 12, 0.005
# Height of such marks, in heights of the page's usual word; width, in their own heights.
_LOWEST, _HIGHEST, _WIDEST = 0.3, 3.0, 8.0
# As small as can be, so that few letters that stand close become one mark.
_NEAR = np.ones((2, 2), np.uint8)

Chosen = tuple[tuple[PrintedLine, ...] | None, tuple[str, ...]]
"""The lines of a page, or None if it is to be read from its picture; and warnings."""


def chosen_layer(
    page: pypdfium2.PdfPage, pixels: RGB, options: ImageOptions, render: Callable[[], RGB]
) -> Chosen:
    """Returns the text that is taken for a page.

    Args:
        page: PDFium's; its text is made invisible where it is judged.
        pixels: (H, W, 3) uint8 RGB, the rendered page.
        options: `pdf_text` says what to take.
        render: renders the page again, at the same size.

    Raises:
        Unusable: only the page's own text is wanted, and it has none although it is not blank.
    """
    if options.pdf_text == "ocr":
        return None, ()
    size = (pixels.shape[1], pixels.shape[0])
    if options.pdf_text == "layer":
        return _as_it_is(text_of(page, size), pixels)
    try:
        found = text_of(page, size)
        return _judged(page, found, pixels, render) if found.lines else (None, ())
    except (Unusable, pypdfium2.PdfiumError) as error:
        return None, (_not_taken(str(error)),)


def _as_it_is(found: PageText, pixels: RGB) -> Chosen:
    if not found.lines and (pixels != pixels[0, 0]).any():
        raise Unusable("the PDF page has no text of its own; read it with pdf_text auto or ocr")
    if found.unknown_share > _MOST_UNKNOWN:
        return found.lines, (_unknown(found),)
    return found.lines, ()


def _judged(
    page: pypdfium2.PdfPage, found: PageText, pixels: RGB, render: Callable[[], RGB]
) -> Chosen:
    if found.unknown_share > _MOST_UNKNOWN:
        return None, (_not_taken(_unknown(found)),)
    if _stand_apart(found.lines):
        return None, (_not_taken("its letters stand apart"),)
    for text in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]):
        raw.FPDFTextObj_SetTextRenderMode(text, raw.FPDF_TEXTRENDERMODE_INVISIBLE)
    blank = render()
    changed = cv2.absdiff(pixels, blank).max(axis=2) > _VISIBLE
    lines = tuple(line for each in found.lines if (line := _visible(each, changed)) is not None)
    if not lines:
        return None, (_not_taken("none of it is visible"),)
    words = [word for line in lines for word in line.words]
    height = float(np.median([_height(word.polygon) for word in words]))
    marks, characters = _marks(blank, height), sum(len(word.text) for word in words)
    if marks > max(_FEW_MARKS, _MOST_MARKS * characters):
        reason = f"the page has about {marks} marks of letters' size besides"
        return None, (_not_taken(reason),)
    return lines, ()


def _not_taken(reason: str) -> str:
    return f"the PDF's own text was not taken: {reason}"


def _unknown(found: PageText) -> str:
    return f"{found.unknown_share:.0%} of its characters have no meaning"


def _stand_apart(lines: tuple[PrintedLine, ...]) -> bool:
    """Returns whether most characters are lines of their own, as those of vertical writing are."""
    texts = [[word.text for word in line.words] for line in lines]
    alone = sum(len(words) == 1 and len(words[0]) == 1 for words in texts)
    characters = sum(len(word) for words in texts for word in words)
    return alone > max(_FEW_ALONE, characters / 2)


def _visible(line: PrintedLine, changed: NDArray[np.bool_]) -> PrintedLine | None:
    """Returns a line with the words that can be seen; None if none can.

    Args:
        line: of the page.
        changed: (H, W), the pixels that any text has drawn.
    """
    words = tuple(word for word in line.words if _is_seen(word.polygon, changed))
    return PrintedLine(words, line.polygon) if words else None


def _is_seen(polygon: Points, changed: NDArray[np.bool_]) -> bool:
    left, top = np.maximum(np.floor(polygon.min(axis=0)), 0).astype(int)
    right, bottom = np.ceil(polygon.max(axis=0)).astype(int)
    return bool(changed[top:bottom, left:right].any())


def _height(polygon: Points) -> float:
    return float(np.linalg.norm(polygon[3] - polygon[0]))


def _marks(blank: RGB, height: float) -> int:
    """Returns how many marks of the size of letters a page without its text has.

    Args:
        blank: (H, W, 3) uint8 RGB.
        height: of the page's usual word, in pixels.
    """
    grey = cv2.cvtColor(blank, cv2.COLOR_RGB2GRAY)
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, _NEAR) > _MARKED
    _, _, found, _ = cv2.connectedComponentsWithStats(edges.astype(np.uint8), connectivity=8)
    # The first is what lies between the marks.
    widths, heights = found[1:, cv2.CC_STAT_WIDTH], found[1:, cv2.CC_STAT_HEIGHT]
    sized = (heights >= _LOWEST * height) & (heights <= _HIGHEST * height)
    sized &= widths <= _WIDEST * heights
    # Letters that touch are one mark, which counts as many times as it is wider than high.
    return int(np.maximum(widths[sized] / heights[sized], 1).sum())

"""Pages as a searchable PDF: their pictures under an invisible text layer.

Written with fpdf2 (extra ``pdf``). The text layer uses a generated font that has exactly the
characters needed, all empty, so that any script can be searched and copied.
"""

import io
import math
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.protocols import RGB
from ocr_plugin.schema import Page, Word

if TYPE_CHECKING:
    from fpdf import FPDF

_POINTS_PER_INCH = 72
_FONT = "unseen"
_UNITS = 1000
_ADVANCE = 500
"""Width of every character, in thousandths of the font's size."""

_QUALITY = 85
_WIDEST = 14_400
"""Points; the longest side of a page that the PDF specification allows."""

_LONGEST = 65_500
"""Pixels; the longest side of a JPEG."""


def picture(page: Page, pixels: RGB) -> bytes:
    """Returns the picture of a page for `render`, as a JPEG to save memory.

    Args:
        page: the result.
        pixels: (H, W, 3) uint8 RGB, what it was read from.

    Raises:
        ValueError: the picture has another size than the page.
    """
    size = (page.source.width, page.source.height)
    if pixels.shape[1::-1] != size:
        raise ValueError(f"the page is {size} pixels, but the picture {pixels.shape[1::-1]}")
    image = Image.fromarray(pixels)
    if max(size) > _LONGEST:
        shares = [side * _LONGEST / max(size) for side in size]
        image = image.resize((max(1, round(shares[0])), max(1, round(shares[1]))))
    coded = io.BytesIO()
    image.save(coded, "JPEG", quality=_QUALITY)
    return coded.getvalue()


def render(pages: Sequence[tuple[Page, bytes]], dpi: float = 200) -> bytes:
    """Returns a PDF of pages and their pictures.

    Args:
        pages: each with its `picture`.
        dpi: of the pictures; it decides the size on paper. A page larger than PDF allows is made
            as large as PDF allows.

    Raises:
        ConfigurationError: fpdf2 is not installed.
    """
    try:
        from fpdf import FPDF
        from fpdf.enums import TextMode
    except ImportError as error:
        raise ConfigurationError("PDF output needs pip install 'ocr-plugin[pdf]'") from error
    pdf = FPDF(unit="pt")
    pdf.set_creator("ocr-plugin")
    texts = [word.text for page, _ in pages for word in page.words]
    if texts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "unseen.ttf")
            path.write_bytes(_invisible_font(" ".join(["", *texts])))
            pdf.add_font(_FONT, fname=path)
    for page, coded in pages:
        size = (page.source.width, page.source.height)
        scale = min(_POINTS_PER_INCH / dpi, _WIDEST / max(size))
        width, height = (side * scale for side in size)
        pdf.add_page(format=(width, height))
        pdf.image(io.BytesIO(coded), 0, 0, width, height)
        with pdf.local_context(text_mode=TextMode.INVISIBLE):
            for line in page.lines:
                for word in line.words[:-1]:
                    _add_word(pdf, word, scale, " ")
                _add_word(pdf, line.words[-1], scale)
    return bytes(pdf.output())


def _add_word(pdf: "FPDF", word: Word, scale: float, after: str = "") -> None:
    """Sets a word and the text after it, scaled and rotated to the word's box."""
    top, _, (x1, y1), (x0, y0) = [(scale * point.x, scale * point.y) for point in word.polygon.quad]
    length = math.hypot(x1 - x0, y1 - y0)  # along the bottom
    height = math.hypot(top[0] - x0, top[1] - y0)
    if length <= 0 or height <= 0:
        return
    pdf.set_font(_FONT, size=height)
    natural = len(word.text) * height * _ADVANCE / _UNITS
    pdf.set_stretching(100 * length / natural)
    # Clockwise as the page is seen, with y downwards; fpdf2 turns the other way.
    with pdf.rotation(-math.degrees(math.atan2(y1 - y0, x1 - x0)), x0, y0):
        pdf.text(x0, y0, word.text + after)


def _invisible_font(characters: Iterable[str]) -> bytes:
    """Returns a TrueType font in which every character is a stroke without width.

    The strokes span the whole character: PDFium skips text without extent.
    """
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((_ADVANCE, _UNITS))
    pen.closePath()
    stroke = pen.glyph()
    codes = sorted(set(map(ord, characters)))
    names = [".notdef", *(f"u{code:05X}" for code in codes)]
    builder = FontBuilder(_UNITS, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(dict(zip(codes, names[1:], strict=True)))
    builder.setupGlyf(dict.fromkeys(names, stroke))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (_ADVANCE, 0)))
    # The baseline is the word's lower edge, without descenders.
    builder.setupHorizontalHeader(ascent=_UNITS, descent=0)
    builder.setupNameTable({"familyName": _FONT, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=_UNITS, sTypoDescender=0, usWinAscent=_UNITS, usWinDescent=0)
    builder.setupPost()
    written = io.BytesIO()
    builder.save(written)
    return written.getvalue()

"""The text that a PDF page carries: its characters, joined into words and lines with their places.

PDFium gives characters in the order of the page's content, with spaces and line ends where it
guesses them. Places are in pixels of the rendered page.
"""

import ctypes
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from pypdfium2 import raw

from ocr_plugin.pages.raster import PrintedLine, PrintedWord, Unusable
from ocr_plugin.protocols import Points, steers

# A page of more characters is none that a person reads.
_MOST_CHARACTERS = 200_000
# Above and below the base line, in font sizes: what a word covers at the least.
_ASCENT, _DESCENT = 0.72, 0.22
# A font size this many times the tallest glyph's height is not that of the glyphs.
_MOST_SIZES = 6
# Words of a line are no further apart along it than this, in font sizes; nor across it.
_APART, _OFF_LINE = 1.2, 0.5
# Cosine of the angle beyond which two glyphs do not run alike.
_ALIKE = 0.985
# How PDFium tells a hyphen that ends a line, and the soft one.
_HYPHENS = ("\x02", "\ufffe", "\xad")
# PDFium answers in whole pixels: it is asked for a page so many times larger.
_FINER = 16

_Vector = NDArray[np.float64]


@dataclass(frozen=True)
class PageText:
    """What a page carries.

    Attributes:
        lines: in the order of the page's content.
        unknown_share: of its characters, those that no text is known for, 0 to 1.
    """

    lines: tuple[PrintedLine, ...]
    unknown_share: float


@dataclass(frozen=True)
class _Glyph:
    """A printed character.

    Attributes:
        text: empty where it is not known.
        along: unit vector in which its text runs, page pixels.
        size: of the font, in pixels.
        base: of its base line, pixels along `across`.
        start, end, top, bottom: of its ink, along `along` and `across`.
    """

    text: str
    along: _Vector
    size: float
    base: float
    start: float
    end: float
    top: float
    bottom: float

    @property
    def across(self) -> _Vector:
        """Unit vector from the top of the glyph to its bottom."""
        return np.array([-self.along[1], self.along[0]])

    def follows(self, other: "_Glyph") -> bool:
        """Returns whether both may stand in the same line."""
        size = max(self.size, other.size)
        return (
            float(self.along @ other.along) > _ALIKE
            and abs(self.base - other.base) <= _OFF_LINE * size
            # On either side: some scripts run to the left.
            and max(self.start - other.end, other.start - self.end) <= _APART * size
        )


@dataclass
class _Row:
    """Words of a line, each with its glyphs."""

    words: list[list[_Glyph]] = field(default_factory=list)

    @property
    def last(self) -> _Glyph | None:
        return self.words[-1][-1] if self.words else None


def text_of(page: pypdfium2.PdfPage, size: tuple[int, int]) -> PageText:
    """Returns the text that lies on a page.

    Args:
        page: PDFium's.
        size: width and height of the rendered page, in pixels.

    Raises:
        Unusable: it cannot be told, or is too long.
    """
    try:
        with closing(page.get_textpage()) as textpage:
            count = textpage.count_chars()
            if count > _MOST_CHARACTERS:
                raise Unusable(f"the PDF page's text has more than {_MOST_CHARACTERS} characters")
            glyphs = list(_glyphs(textpage, count, *_to_pixels(page, size)))
    except pypdfium2.PdfiumError as error:
        raise Unusable("the PDF page's text is damaged") from error
    printed = [glyph for glyph in glyphs if isinstance(glyph, _Glyph)]
    unknown = sum(not glyph.text for glyph in printed)
    lines = tuple(line for row in _rows(glyphs) if (line := _line_of(row, size)) is not None)
    return PageText(lines, unknown / len(printed) if printed else 0.0)


def _to_pixels(page: pypdfium2.PdfPage, size: tuple[int, int]) -> tuple[_Vector, _Vector]:
    """Returns what takes a place x, y of the page to its pixel: a (2, 2) matrix and an offset."""
    x, y = ctypes.c_int(), ctypes.c_int()
    reach, places = 1000.0, []
    for at in ((0.0, 0.0), (reach, 0.0), (0.0, reach)):
        width, height = (side * _FINER for side in size)
        raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, *at, x, y)
        places.append(np.array([x.value, y.value]) / _FINER)
    origin, right, up = places
    return np.stack([right - origin, up - origin], axis=1) / reach, origin


def _glyphs(
    textpage: pypdfium2.PdfTextPage, count: int, matrix: _Vector, offset: _Vector
) -> Iterator[_Glyph | str]:
    """Yields the printed characters of a page, and white space between them as text."""
    placed = raw.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    for index in range(count):
        code = raw.FPDFText_GetUnicode(textpage, index)
        letter = chr(code) if code <= 0x10FFFF else ""
        if letter in _HYPHENS:
            letter = "-"
        if letter.isspace() or raw.FPDFText_IsGenerated(textpage, index) == 1:
            yield letter
            continue
        if not raw.FPDFText_GetMatrix(textpage, index, placed):
            continue
        raw.FPDFText_GetCharOrigin(textpage, index, x, y)
        origin = matrix @ (x.value, y.value) + offset
        along, upwards = matrix @ (placed.a, placed.b), matrix @ (placed.c, placed.d)
        length = float(np.hypot(*along))
        if not length:
            continue
        size = raw.FPDFText_GetFontSize(textpage, index) * float(np.hypot(*upwards))
        left, bottom, right, top = textpage.get_charbox(index)
        corners = np.array([(left, bottom), (right, top)]) @ matrix.T + offset
        is_known = raw.FPDFText_HasUnicodeMapError(textpage, index) != 1 and _is_known(letter)
        yield _glyph(letter if is_known else "", origin, along / length, size, corners)


def _is_known(letter: str) -> bool:
    """Returns whether a character says something: not a control, a private or no character."""
    return (
        bool(letter)
        and letter != "\ufffd"
        and unicodedata.category(letter) not in _NO_TEXT
        and not steers(letter)
    )


_NO_TEXT = {"Co", "Cs", "Cn"}


def _glyph(text: str, origin: _Vector, along: _Vector, size: float, box: _Vector) -> _Glyph:
    """Returns a glyph; `box` are two opposite corners of the upright rectangle around its ink."""
    across = np.array([-along[1], along[0]])
    wide, high = np.abs(box[1] - box[0])
    cosine, sine = np.abs(along)
    # The upright rectangle around a turned one has the same middle; its sides give the sides of
    # the turned one, unless it stands at 45 degrees, where they tell only the sum.
    turn = float(cosine**2 - sine**2)
    if abs(turn) > 0.2:
        width, height = (cosine * wide - sine * high) / turn, (cosine * high - sine * wide) / turn
    else:
        width = height = (wide + high) / (cosine + sine) / 2
    width, height = max(float(width), 0.0), max(float(height), 0.0)
    middle = box.mean(axis=0)
    x, y = float(middle @ along), float(middle @ across)
    return _Glyph(
        text, along, size, float(origin @ across),
        x - width / 2, x + width / 2, y - height / 2, y + height / 2,
    )  # fmt: skip


def _rows(glyphs: Sequence[_Glyph | str]) -> list[_Row]:
    """Returns the glyphs as words of lines."""
    rows, inside = [_Row()], False
    for glyph in glyphs:
        if isinstance(glyph, str):
            inside = False
            if glyph in "\r\n":
                rows.append(_Row())
            continue
        last = rows[-1].last
        if last is not None and not glyph.follows(last):
            rows.append(_Row())
            inside = False
        if not inside:
            rows[-1].words.append([])
        rows[-1].words[-1].append(glyph)
        inside = True
    return [row for row in rows if row.words]


def _line_of(row: _Row, page: tuple[int, int]) -> PrintedLine | None:
    """Returns the words of a row that stand on a page of width, height; None if none does."""
    words = [word for glyphs in row.words if (word := _word_of(glyphs, page)) is not None]
    if not words:
        return None
    first = row.words[0][0]
    axes = np.stack([first.along, first.across])
    places = np.concatenate([word.polygon for word in words]) @ axes.T
    return PrintedLine(tuple(words), _quad(axes, *places.min(axis=0), *places.max(axis=0)))


def _word_of(glyphs: Sequence[_Glyph], page: tuple[int, int]) -> PrintedWord | None:
    text = "".join(glyph.text or "\ufffd" for glyph in glyphs)
    # Ligatures in full, as they are read; and accents that are glyphs of their own.
    text = "".join(
        unicodedata.normalize("NFKC", each) if "\ufb00" <= each <= "\ufb06" else each
        for each in unicodedata.normalize("NFC", text)
    )
    first = glyphs[0]
    tallest = max(glyph.bottom - glyph.top for glyph in glyphs)
    sizes = [min(glyph.size, _MOST_SIZES * tallest) for glyph in glyphs]
    tops = [
        min(glyph.top, glyph.base - _ASCENT * size)
        for glyph, size in zip(glyphs, sizes, strict=True)
    ]
    bottoms = [
        max(glyph.bottom, glyph.base + _DESCENT * size)
        for glyph, size in zip(glyphs, sizes, strict=True)
    ]
    start, end = min(glyph.start for glyph in glyphs), max(glyph.end for glyph in glyphs)
    if not (end > start and max(bottoms) > min(tops)):
        return None
    axes = np.stack([first.along, first.across])
    quad = _quad(axes, start, min(tops), end, max(bottoms))
    middle = quad.mean(axis=0)
    inside = bool((middle >= 0).all() and (middle < page).all())
    return PrintedWord(text, quad) if inside else None


def _quad(axes: _Vector, x0: float, y0: float, x1: float, y1: float) -> Points:
    """Returns a rectangle in the frame of two unit vectors as corners in page pixels, (4, 2)."""
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) @ axes
    return corners.astype(np.float32)

"""Draws a page's result over its picture."""

import math

from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.protocols import RGB
from ocr_plugin.schema import Page, Polygon, Word

_Colour = tuple[int, int, int]
_Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""

_BLACK: _Colour = (0, 0, 0)
_WHITE: _Colour = (255, 255, 255)
_LINE: _Colour = (70, 130, 255)

# The brighter of the two channels stays at full strength, so that the middle is a clear yellow.
_BRIGHT = 255

# Labels are a little smaller than the words they stand above, but stay legible and in proportion.
_LABEL_HEIGHT = 0.6
_SMALLEST_LABEL = 12
_LARGEST_LABEL = 48

# Pixels of the picture's longer side for each pixel of a thin stroke's width.
_SIDE_PER_STROKE = 800


def draw(page: Page, pixels: RGB) -> Image.Image:
    """Returns the picture with the page's lines, words and readings drawn over it.

    A line is a thin blue outline; a word is an outline from red (confidence 0.5 or less) through
    yellow to green (1). Each word is labelled with its number in reading order, from 1, and its
    text: above it, else below, else inside, or not at all where other labels leave no room. A
    character that Pillow's built-in font lacks is shown as an empty box.

    Args:
        page: the result.
        pixels: (H, W, 3) uint8 RGB, the page it was read from; not changed.

    Raises:
        ValueError: the picture has another size than the page.
    """
    size = (page.source.width, page.source.height)
    picture = Image.fromarray(pixels).copy()
    if picture.size != size:
        raise ValueError(
            f"the page is {size[0]} x {size[1]} pixels, but the picture "
            f"{picture.size[0]} x {picture.size[1]}"
        )
    canvas = ImageDraw.Draw(picture)
    thin = max(1, round(max(size) / _SIDE_PER_STROKE))
    for line in page.lines:
        _outline(canvas, line.polygon, _LINE, thin)
    for word in page.words:
        # A dark rim keeps the colour visible on a background of the same colour.
        _outline(canvas, word.polygon, _BLACK, 4 * thin)
        _outline(canvas, word.polygon, _colour(word.confidence), 2 * thin)
    labels = _Labels(canvas, picture.size)
    # After all outlines, so that none runs through a label.
    for number, word in enumerate(page.words, start=1):
        labels.add(number, word)
    return picture


def _outline(canvas: ImageDraw.ImageDraw, polygon: Polygon, colour: _Colour, width: int) -> None:
    points = [(point.x, point.y) for point in polygon.points]
    # The second point is repeated so that the first corner is joined like the others.
    canvas.line([*points, *points[:2]], fill=colour, width=width, joint="curve")


def _colour(confidence: float) -> _Colour:
    share = min(max(2 * confidence - 1, 0.0), 1.0)
    return round(_BRIGHT * min(1, 2 - 2 * share)), round(_BRIGHT * min(1, 2 * share)), 0


class _Fonts:
    """Pillow's built-in font in the sizes asked for, each loaded once."""

    def __init__(self) -> None:
        self._loaded: dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def fitting(
        self, text: str, height: float, width: float
    ) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, int]:
        """Returns a font, and its size in which the text fits these bounds, if still legible."""
        size = _legible(height)
        needed = self._of(size).getlength(text)
        size = _legible(size * min(1.0, width / needed))
        return self._of(size), size

    def _of(self, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        if size not in self._loaded:
            self._loaded[size] = ImageFont.load_default(size=size)
        return self._loaded[size]


def _legible(height: float) -> int:
    return min(max(round(height), _SMALLEST_LABEL), _LARGEST_LABEL)


class _Labels:
    """Labels of a picture's words, none of which covers another."""

    def __init__(self, canvas: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        self._canvas, self._size = canvas, size
        self._fonts = _Fonts()
        self._taken: list[_Box] = []

    def add(self, number: int, word: Word) -> None:
        """Draws the label of a word where there is room for it."""
        points = word.polygon.points
        x0, y0, x1, y1 = word.polygon.box
        text = f"{number} {word.text}"
        # A polygon runs from the top left clockwise: its last point is the bottom left. A word
        # that runs downwards is as long as it is high.
        font, height = self._fonts.fitting(
            text, _LABEL_HEIGHT * math.dist(points[0], points[-1]), max(x1 - x0, y1 - y0)
        )
        rim = max(1, height // 10)
        left, top, right, bottom = self._canvas.textbbox(
            (0, 0), text, font=font, anchor="lt", stroke_width=rim
        )
        x = max(min(x0, self._size[0] - (right - left)), 0)
        above, inside, below = y0 - (bottom - top) - rim, max(y0, 0), y1 + rim
        last = self._size[1] - (bottom - top)
        for y in (above if above >= 0 else inside, below if below <= last else inside, inside):
            box = (x, y, x + right - left, y + bottom - top)
            if not any(_overlap(box, other) for other in self._taken):
                break
        else:
            return
        self._taken.append(box)
        self._canvas.text(
            (x - left, y - top),
            text,
            fill=_WHITE,
            font=font,
            anchor="lt",
            stroke_width=rim,
            stroke_fill=_BLACK,
        )


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

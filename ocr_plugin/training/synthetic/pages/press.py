"""Printed sheets of paper, and their photos on a table."""

import random
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocr_plugin.protocols import RGB
from ocr_plugin.training.synthetic.pages import paint as painting
from ocr_plugin.training.synthetic.pages.canvas import Canvas, Colour
from ocr_plugin.training.synthetic.pages.lettering import Coverage, TextStyle, length_of, quad
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.planes import Matrix, moved, shift, view
from ocr_plugin.training.synthetic.pages.surfaces import paper, surface
from ocr_plugin.training.synthetic.pages.typefaces import spelled


@dataclass
class Press:
    """A sheet of paper, and what it is printed with.

    Attributes:
        canvas: the paper.
        style: of the running text.
        ink: its colour.
        materials: fonts and phrases.
        rng: source of randomness.
    """

    canvas: Canvas
    style: TextStyle
    ink: Colour
    materials: Materials
    rng: random.Random

    @property
    def pitch(self) -> float:
        """Pixels from line to line."""
        return self.style.leading * self.style.size

    def spelled(self, words: list[str]) -> list[str]:
        """Returns words as the font can spell them."""
        return [spelled(word, self.style.font) for word in words]

    def width(self, words: list[str], style: TextStyle | None = None) -> float:
        """Returns pixels that words take on a line."""
        return length_of(words, style or self.style)

    def write(self, words: list[str], x: float, y: float, style: TextStyle | None = None) -> float:
        """Writes words on the baseline `y`; returns where they end."""
        style = style or self.style
        words = [spelled(word, style.font) for word in words]
        return self.canvas.write(words, x, y, style, self.ink)

    def fitted(self, words: list[str], room: float, style: TextStyle | None = None) -> list[str]:
        """Returns as many of the words as fit."""
        words = self.spelled(words)
        while words and self.width(words, style) > room:
            words = words[:-1]
        return words

    def right(self, words: list[str], x: float, y: float) -> None:
        """Writes words that end at `x`."""
        words = self.spelled(words)
        self.write(words, x - self.width(words), y)

    def centred(self, words: list[str], x: float, y: float, style: TextStyle) -> None:
        """Writes words around `x`."""
        words = [spelled(word, style.font) for word in words]
        self.write(words, x - self.width(words, style) / 2, y, style)

    def rule(self, x0: float, y0: float, x1: float, y1: float, thick: int = 1) -> None:
        """Draws a straight line; both ends are counted in pixels."""
        start, end = (round(x0), round(y0)), (round(x1), round(y1))
        cv2.line(self.canvas.pixels, start, end, self.ink, thick)


def fresh_press(
    materials: Materials,
    rng: random.Random,
    size: tuple[int, int],
    height: float,
    monospaced: bool = False,
) -> Press:
    """Returns a fresh sheet, its text of a capital height in pixels."""
    canvas = Canvas(paper(*size, rng))
    luma, rough = painting.ground(canvas, (0, 0, size[1], size[0]))
    style = replace(
        materials.style(rng, height), spacing=0.0, stroke=0, leading=rng.uniform(1.05, 1.7)
    )
    if monospaced:
        style = replace(style, font=materials.typefaces.monospaced(rng), gap=0.55)
    ink = painting.contrasting(luma, rough + 0.2, rng)
    if luma > 0.5 and rng.random() < 0.6:
        ink = painting.colour_of(rng.uniform(0, 0.3), rng.uniform(0, 0.3), rng)
    return Press(canvas, style, ink, materials, rng)


def on_a_table(sheet: Canvas, rng: random.Random) -> Canvas:
    """Returns a sheet lying on something, seen at an angle, and perhaps not the whole of it."""
    height, width = (
        round(min(max(side * rng.uniform(0.85, 1.3), 500), 1300))
        for side in (sheet.height, sheet.width)
    )
    under = Canvas(surface(height, width, rng))
    centre = (width / 2 + rng.gauss(0, 0.04) * width, height / 2 + rng.gauss(0, 0.04) * height)
    matrix = view(sheet.width, sheet.height, centre, rng, turn=7, tilt=0.35)
    pixels, seen = _seen(sheet.pixels, matrix, (height, width))
    if rng.random() < 0.6:
        fallen = cv2.GaussianBlur(seen, (0, 0), 6).astype(np.uint8)
        under.blend(fallen, rng.randint(-6, 6), rng.randint(2, 8), (0, 0, 0), rng.uniform(0.3, 0.7))
    under.blend(seen, 0, 0, pixels.astype(np.float32))
    for word in sheet.words:
        under.label(moved(word.polygon, matrix), word.text, word.ignore)
    return under


def _seen(pixels: RGB, matrix: Matrix, size: tuple[int, int]) -> tuple[RGB, Coverage]:
    """Returns a sheet as it lies on the page, and where it does."""
    centres = shift(-0.5, -0.5) @ matrix @ shift(0.5, 0.5)
    target = (size[1], size[0])
    laid = cv2.warpPerspective(pixels, centres, target, borderMode=cv2.BORDER_REPLICATE)
    whole = np.zeros(size, np.uint8)
    corners = moved(quad((0, 0, pixels.shape[1], pixels.shape[0])), matrix)
    cv2.fillConvexPoly(whole, np.rint(corners * 8).astype(np.int32), (255,), cv2.LINE_AA, 3)
    return np.asarray(laid, np.uint8), whole

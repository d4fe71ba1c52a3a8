"""Words as coverage masks, drawn with FreeType through Pillow."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ocr_plugin.training.synthetic.fonts import SIZE, face

_SPACED, _BOLD, _JUMPING = 0.12, 0.12, 0.04
"""Shares of words that are letter-spaced, emboldened, and off the baseline."""


@dataclass(frozen=True)
class Mask:
    """A word as drawn.

    Attributes:
        coverage: (H, W) uint8, 255 where there is ink.
        aspect: width over height of the picture before it was brought to H x W.
    """

    coverage: npt.NDArray[np.uint8]
    aspect: float


def draw_mask(text: str, font: Path, size: tuple[int, int], rng: random.Random) -> Mask:
    """Returns a word in its box, the box loose or tight, brought to a fixed size.

    Args:
        text: at least one character, all of which the font has.
        font: a file.
        size: height and width of the mask, in pixels; the aspect ratio is not kept.
        rng: source of randomness.
    """
    drawn = _lettering(text, font, rng)
    width, height = drawn.size
    # Detectors and annotators leave margins of their own; some cut into the letters.
    top, bottom, left, right = (
        round(height * (rng.uniform(-0.03, 0.06) if rng.random() < 0.6 else rng.uniform(0, 0.25)))
        for _ in range(4)
    )
    framed = Image.new("L", (max(width + left + right, 1), max(height + top + bottom, 1)))
    framed.paste(drawn, (left, top))
    picture = framed.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return Mask(np.asarray(picture), framed.width / framed.height)


def _lettering(text: str, font: Path, rng: random.Random) -> Image.Image:
    """Returns the word, white on black, cut to its ink."""
    stroke = rng.randint(1, 2) if rng.random() < _BOLD else 0
    opened = face(font)
    spacing = rng.uniform(0.05, 0.5) * SIZE if rng.random() < _SPACED else 0.0
    jump = rng.uniform(0.03, 0.12) * SIZE if rng.random() < _JUMPING else 0.0
    if not spacing and not jump:
        left, top, right, bottom = opened.getbbox(text, stroke_width=stroke)
        size = (max(int(right - left), 1), max(int(bottom - top), 1))
        picture = Image.new("L", size)
        pen = ImageDraw.Draw(picture)
        pen.text((-left, -top), text, 255, opened, stroke_width=stroke)
        return picture
    margin = SIZE // 2  # italics reach over their own width
    advances = [opened.getlength(character) + spacing for character in text]
    picture = Image.new("L", (int(sum(advances)) + 2 * margin, 3 * SIZE))
    pen = ImageDraw.Draw(picture)
    position = float(margin)
    for character, advance in zip(text, advances, strict=True):
        place = (position, SIZE + rng.uniform(-jump, jump))
        pen.text(place, character, 255, opened, stroke_width=stroke)
        position += advance
    return picture.crop(picture.getbbox() or (0, 0, 1, 1))

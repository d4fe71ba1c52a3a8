"""A sheet of synthetic pages with their outlines, to look at before training."""

import random

import numpy as np
from PIL import Image, ImageDraw

from ocr_plugin.training.synthetic.pages.pages import SyntheticPages

_COLUMNS, _GAP = 4, 4


def sheet(pages: SyntheticPages, count: int, seed: int, side: int = 320) -> Image.Image:
    """Returns a contact sheet of `count` pages, their words outlined, ignored ones in grey.

    Args:
        pages: where they come from.
        count: how many, at least 1.
        seed: the same seed gives the same sheet.
        side: pixels that the longer side of each page is shrunk to.
    """
    cell = side + _GAP
    rows = -(-count // _COLUMNS)
    whole = Image.new("RGB", (min(count, _COLUMNS) * cell, rows * cell), "white")
    for number in range(count):
        pixels, page = pages.draw(random.Random(f"{seed}:{number}"), [])
        scale = side / max(pixels.shape[:2])
        small = Image.fromarray(pixels).resize(
            (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)),
            Image.Resampling.BOX,
        )
        pen = ImageDraw.Draw(small)
        for word in page.words:
            outline = [tuple(map(float, point)) for point in np.round(word.polygon * scale, 1)]
            colour = "grey" if word.ignore else "red"
            pen.line([*outline, outline[0]], colour)
            if not word.ignore:  # where the text begins
                x, y = outline[0]
                pen.rectangle((x - 1, y - 1, x + 1, y + 1), "lime")
        whole.paste(small, (number % _COLUMNS * cell, number // _COLUMNS * cell))
    return whole

"""A sheet of synthetic words with their labels, to look at before training."""

import random

import numpy as np
import torch
from PIL import Image, ImageDraw

from ocr_plugin.training.synthetic.words import SyntheticWords

_COLUMNS, _GAP, _CAPTION = 8, 4, 12


def contact_sheet(
    words: SyntheticWords, count: int, size: tuple[int, int], seed: int
) -> tuple[Image.Image, dict[str, str]]:
    """Returns `count` words as the network would see them, their labels below them.

    And the photos that do not decode, by name, with the reason.

    Args:
        words: where they come from.
        count: how many, at least 1.
        size: height and width of each, in pixels.
        seed: the same seed gives the same sheet.
    """
    drawn = words.draw(count, size, random.Random(seed))
    images = words.compose(drawn, torch.Generator().manual_seed(seed))
    pixels = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    height, width = size[0] + _CAPTION + _GAP, size[1] + _GAP
    rows = -(-count // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * width, rows * height), "white")
    pen = ImageDraw.Draw(sheet)
    for index, (picture, label) in enumerate(zip(pixels, drawn.labels, strict=True)):
        left, top = index % _COLUMNS * width, index // _COLUMNS * height
        sheet.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, top))
        pen.text((left, top + size[0]), label, "black")
    return sheet, {record.name: record.reason for record in drawn.passed_over}

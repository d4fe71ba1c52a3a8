"""Pictures of text drawn for the tests, with where their words stand."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.protocols import RGB, Points


@dataclass(frozen=True)
class Drawn:
    """A picture and the box x0, y0, x1, y1 of each of its words."""

    pixels: RGB
    words: dict[str, tuple[float, float, float, float]]


def draw_lines(
    lines: list[tuple[int, int, str]],
    *,
    size: tuple[int, int] = (640, 320),
    height: int = 36,
    ink: tuple[int, int, int] = (20, 20, 30),
    paper: tuple[int, int, int] = (245, 243, 238),
) -> Drawn:
    """Draws lines of words, each at its x, y; words must differ from each other."""
    picture = Image.new("RGB", size, paper)
    canvas = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=height)
    words = {}
    for x, y, text in lines:
        place = float(x)
        for word in text.split(" "):
            x0, y0, x1, y1 = canvas.textbbox((place, y), word, font=font)
            words[word] = (float(x0), float(y0), float(x1), float(y1))
            canvas.text((place, y), word, font=font, fill=ink)
            place += font.getlength(word + " ")
    return Drawn(np.array(picture), words)


def opened(path: Path) -> RGB:
    """Returns a picture's pixels."""
    return np.asarray(Image.open(path).convert("RGB"))


def draw_crop(text: str) -> RGB:
    """Draws one line, cut off behind its last word."""
    drawn = draw_lines([(6, 4, text)], size=(600, 52))
    end = max(box[2] for box in drawn.words.values())
    return np.ascontiguousarray(drawn.pixels[:, : int(end) + 8])


def in_perspective(pixels: RGB, corners: Points, size: tuple[int, int]) -> RGB:
    """Draws a picture onto a grey page of (width, height) so that its corners come to `corners`."""
    height, width = pixels.shape[:2]
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source - 0.5, corners - np.float32(0.5))
    page = np.full((size[1], size[0], 3), 128, np.uint8)
    warped = cv2.warpPerspective(
        pixels, matrix, size, dst=page, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT
    )
    return np.asarray(warped, dtype=np.uint8)


def along_arc(pixels: RGB, radius: float, size: tuple[int, int], paper: int = 245) -> RGB:
    """Bends a picture of a line upwards around the middle of a page of (width, height)."""
    height, width = pixels.shape[:2]
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    x, y = columns - size[0] / 2, rows - size[1] / 2 - radius / 2
    distance = np.hypot(x, y)
    angle = np.arctan2(x, -y)
    map_x: NDArray[np.float32] = (angle * radius + width / 2).astype(np.float32)
    map_y: NDArray[np.float32] = (radius + height / 2 - distance).astype(np.float32)
    bent = cv2.remap(
        pixels,
        map_x,
        map_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(paper, paper, paper),
    )
    return np.asarray(bent, dtype=np.uint8)


FEW_BITS = "grey values up to 1000 were taken for 10 bits"
"""The warning of `few_bits`."""


def few_bits() -> bytes:
    """Returns a small PNG of 16 bits that uses fewer."""
    levels = np.linspace(0, 1000, 600).astype(np.uint16).reshape(20, 30)
    return cv2.imencode(".png", levels)[1].tobytes()

"""Documents pasted together from real word crops."""

import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.word_sets import BadRecord, WordImage, WordSet
from ocr_plugin.protocols import RGB
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.lettering import quad
from ocr_plugin.training.synthetic.pages.materials import Materials
from ocr_plugin.training.synthetic.pages.surfaces import paper

_MOST_WORDS = 130
_LEAST_HEIGHT = 400
_RULED = 0.12
_EVENED = 0.6


def collage(materials: Materials, rng: random.Random, passed_over: list[BadRecord]) -> Canvas:
    """Returns a page of consecutive crops of a set, which come from few documents."""
    words = _word_set(rng.choice(materials.crops))
    start = rng.randrange(len(words))
    crops = []
    for offset in range(min(_MOST_WORDS, len(words))):
        record = words.record((start + offset) % len(words))
        if isinstance(record, BadRecord):
            passed_over.append(record)
        elif _is_usable(record):
            crops.append(record)
    typical = float(np.median([crop.pixels.shape[0] for crop in crops])) if crops else 16.0
    scale = rng.uniform(11, 30) / typical
    ground = _own_papers([crop.pixels for crop in crops])
    page = (rng.randint(700, 1200), rng.randint(520, 1000))
    canvas = Canvas(np.full((*page, 3), ground, np.uint8))
    end = _lay_out(canvas, crops, scale, scale * typical, ground, rng)
    # What is left empty below is cut off, mostly.
    height = min(page[0], max(round(end + rng.uniform(0, 120)), _LEAST_HEIGHT))
    canvas.pixels = _shaded(canvas.pixels[:height], rng)
    return canvas


def _lay_out(
    canvas: Canvas,
    crops: Sequence[WordImage],
    scale: float,
    line: float,
    ground: NDArray[np.float32],
    rng: random.Random,
) -> float:
    """Pastes crops line by line, with tabs, indents and rules; returns where the last one ends."""
    margin = rng.uniform(0.02, 0.1) * canvas.width
    pitch, gap = line * rng.uniform(1.15, 1.9), line * rng.uniform(0.2, 0.5)
    x, y = margin, margin + pitch / 2
    tabs = [margin + rng.random() * (canvas.width - 2 * margin) for _ in range(3)]
    for crop in crops:
        pixels = _matched(crop.pixels, scale, line, ground)
        height, width = pixels.shape[:2]
        chance = rng.random()
        if chance < 0.06:
            x = max([x + line, *(tab for tab in tabs if tab > x + line)][-1], x)
        if x + width > canvas.width - margin or chance > 0.96:
            x, y = margin + (rng.choice((0, 0, 2 * line))), y + pitch
            if rng.random() < _RULED:
                level = round(y - pitch / 2)
                cv2.line(canvas.pixels, (0, level), (canvas.width, level), (70, 70, 70), 1)
        if y > canvas.height:
            break
        left, top = round(x), round(y - height / 2)
        whole = np.full((height, width), 255, np.uint8)
        canvas.blend(whole, left, top, pixels)
        canvas.label(quad((left, top, left + width, top + height)), crop.label)
        x += width + gap * rng.uniform(0.9, 1.1)
    return y + pitch / 2


def _is_usable(crop: WordImage) -> bool:
    height, width = crop.pixels.shape[:2]
    upright = height > 1.5 * width and len(crop.label) > 2
    return height >= 6 and width >= 4 and not upright and bool(crop.label.strip())


def _matched(
    crop: RGB, scale: float, line: float, ground: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Returns a crop, enlarged, its own paper made that of the page."""
    height, width = crop.shape[:2]
    # Crops come from scans of many resolutions; their differences in height are lessened.
    scale = min(scale * (line / (scale * height)) ** _EVENED, 1.8 * line / height)
    size = (max(round(width * scale), 3), max(round(height * scale), 3))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(crop, size, interpolation=way).astype(np.float32)
    gain = ground / np.maximum(_own_paper(crop), 1)
    return np.asarray(np.clip(resized * gain, 0, 255), np.float32)


def _own_paper(crop: RGB) -> NDArray[np.float32]:
    """Returns the colour of what a word stands on: its crop's brighter pixels at the border."""
    border = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    return np.asarray(np.percentile(border, 60, axis=0), np.float32)


def _own_papers(crops: Sequence[RGB]) -> NDArray[np.float32]:
    if not crops:
        return np.array([240, 240, 240], np.float32)
    return np.asarray(np.median([_own_paper(crop) for crop in crops], axis=0), np.float32)


def _shaded(pixels: RGB, rng: random.Random) -> RGB:
    """Returns a page in the light and with the grain of some paper."""
    height, width = pixels.shape[:2]
    sheet = paper(height, width, rng).astype(np.float32)
    if sheet.mean() < 128:  # the crops' ink is dark, so their paper is not
        sheet = 255 - sheet
    tone = sheet / max(float(sheet.max()), 1.0)
    return np.clip(pixels * tone, 0, 255).astype(np.uint8)


@lru_cache(maxsize=32)
def _word_set(path: Path) -> WordSet:
    """Returns a set, opened when first drawn from: each process does so for itself."""
    return WordSet(path)

"""Photos to write on, and the text that stands in them already."""

import random
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.detectors.dbnet import DBNet
from ocr_plugin.protocols import RGB, Points
from ocr_plugin.regions import geometry
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.photo_files import decoded, photos_in, small_photo

_SIDE = 1000
_PLACES = 6
_SOFTNESS = 0.45  # sigma in pixels of the photo: as soft as its own text is
_FAINTEST, _FAINTEST_PIXEL = 0.2, 0.12
"""Text of which the detector is less sure than usual must not count as no text either."""

_AROUND = 0.12
"""Share of its height by which a region is grown: the detector may cut off its ends."""


class Photos:
    """Photos of a folder."""

    def __init__(self, folder: Path | None) -> None:
        """Lists them; opens none.

        Raises:
            ConfigurationError: there are none in the folder.
        """
        self.paths = photos_in(folder)

    def canvas(
        self,
        size: tuple[int, int],
        rng: random.Random,
        passed_over: list[BadRecord],
        zoom: float,
        clear: bool = False,
    ) -> Canvas:
        """Returns a piece of a photo, its text noted as not to be counted.

        Args:
            size: height and width of the piece.
            rng: source of randomness.
            passed_over: photos that do not decode are added to it.
            zoom: the most that a piece is smaller than its photo.
            clear: whether to look for a piece with little text in it.

        Raises:
            ConfigurationError: no photo decodes.
        """
        start = rng.randrange(len(self.paths))
        path, photo = decoded(self.paths, start, _SIDE, passed_over)
        rows, columns = photo.shape[:2]
        height, width = size
        share = min(rows / height, columns / width) / rng.uniform(1, zoom)
        places = [
            (rng.uniform(0, columns - share * width), rng.uniform(0, rows - share * height))
            for _ in range(_PLACES if clear else 1)
        ]
        reach = np.array([share * width, share * height], np.float32)
        left, top = min(places, key=lambda place: _text_within(path, place, reach))
        matrix = np.array([(share, 0, left), (0, share, top)], np.float64)
        matrix[:, 2] += 0.5 * share - 0.5  # OpenCV counts pixels from their centres
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        pixels = cv2.warpAffine(
            photo, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        canvas = Canvas(np.asarray(pixels, np.uint8))
        canvas.softness = _SOFTNESS / share
        offset = np.array([left, top], np.float32)
        for region in _regions(path):
            polygon = (region - offset) / np.float32(share)
            if (polygon.max(axis=0) > 0).all() and (polygon.min(axis=0) < (width, height)).all():
                canvas.label(polygon, None, ignore=True)
                canvas.take(polygon)
        return canvas


@lru_cache(maxsize=4096)
def _regions(path: Path) -> tuple[Points, ...]:
    """Returns the outlines of the text in a photo of at most `_SIDE` pixels."""
    photo = small_photo(path, _SIDE)
    if isinstance(photo, BadRecord):
        return ()
    found = []
    # Dim letters show only once the contrast around them is raised, and some show only before.
    for seen in _detector().detect([photo, _stretched(photo)]):
        for region in seen.polygons:
            _, height = geometry.quad_size(geometry.min_area_quad(region))
            found.append(geometry.grown(region, _AROUND * height))
    return tuple(region for region in found if len(region))


def _stretched(photo: RGB) -> RGB:
    """Returns a photo with more contrast everywhere."""
    lightness, *colour = cv2.split(cv2.cvtColor(photo, cv2.COLOR_RGB2LAB))
    equal = cv2.createCLAHE(4.0, (6, 6)).apply(lightness)
    return np.asarray(cv2.cvtColor(cv2.merge([equal, *colour]), cv2.COLOR_LAB2RGB), np.uint8)


def _text_within(path: Path, place: tuple[float, float], reach: Points) -> float:
    """Returns how much of a piece of a photo the boxes around its text cover, in pixels."""
    low = np.array(place, np.float32)
    seen = [
        np.clip(region, low, low + reach).max(axis=0)
        - np.clip(region, low, low + reach).min(axis=0)
        for region in _regions(path)
    ]
    return sum(float(width * height) for width, height in seen)


@lru_cache(maxsize=1)
def _detector() -> DBNet:
    return DBNet(threads=1, min_confidence=_FAINTEST, threshold=_FAINTEST_PIXEL)

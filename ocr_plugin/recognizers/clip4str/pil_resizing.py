"""Resizes crops to the network's size on the host, by Pillow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ocr_plugin.protocols import RGB


def resized_by_pil(crops: Sequence[RGB], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Returns crops at one size, (N, 3, height, width) uint8, by Pillow's bicubic filter.

    Args:
        crops: (h, w, 3) uint8 each, of any size from 1x1; at least one.
        size: height, width in pixels; the aspect ratio is not kept.
    """
    height, width = size
    resized = [
        np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BICUBIC))
        for crop in crops
    ]
    return np.stack(resized).transpose(0, 3, 1, 2)

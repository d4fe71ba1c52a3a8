"""Transparent pictures: on which paper they are laid, so that what is drawn on them shows."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ocr_plugin.pages.bands import bands

# Grey levels of the papers, the first of which is taken where it shows as much as any other does.
# Of black and of white text together all is read on the middle greys, half on black or white.
_PAPERS = (255, 0, 128, 64, 192, 96, 160, 32, 224)
# A step of so many grey levels is as good as any: text is read from 25 levels on.
_ENOUGH = 48
# Where opacity changes by more than this within three pixels, something drawn ends.
_OUTLINE = 64
# A paper is as good as another one that shows at most this much more.
_AS_GOOD = 1.02
_NEAR = np.ones((3, 3), np.uint8)

_Levels = NDArray[np.uint8]


def paper_of(image: Image.Image) -> int:
    """Returns the grey level of the paper on which most of a picture's outlines show.

    White is taken where it shows as much as any: for dark text, for opaque pictures, and where
    nothing is drawn.

    Args:
        image: of a mode that can be converted to RGBA.
    """
    shown = np.zeros(len(_PAPERS))
    for _, rows in bands(image):
        band = np.asarray(rows.convert("RGBA"), np.uint8)
        opacity = band[:, :, 3]
        ends = _steps(opacity) > _OUTLINE
        if ends.any():
            grey = np.asarray(cv2.cvtColor(band, cv2.COLOR_RGBA2GRAY), np.uint8)
            shown += _shown(grey, opacity, ends)
    enough = shown.max() / _AS_GOOD
    return next(paper for paper, own in zip(_PAPERS, shown, strict=True) if own >= enough)


def on_paper(image: Image.Image, paper: int) -> Image.Image:
    """Returns a picture of mode RGBA, laid on paper; opaque pixels stay as they are.

    Args:
        image: of a mode that can be converted to RGBA.
        paper: its grey level, as `paper_of` gives it.
    """
    ground = Image.new("RGBA", image.size, (paper, paper, paper, 255))
    return Image.alpha_composite(ground, image.convert("RGBA"))


def _shown(grey: _Levels, opacity: _Levels, ends: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns how much of the outlines each paper shows.

    Args:
        grey: (H, W), of what is drawn.
        opacity: (H, W).
        ends: (H, W), where the outlines are.
    """
    drawn = cv2.multiply(grey, opacity, scale=1 / 255)
    clear = 255 - opacity
    sums = []
    for paper in _PAPERS:
        laid = cv2.addWeighted(drawn, 1, clear, paper / 255, 0)
        steps = _steps(np.asarray(laid, np.uint8))[ends]
        sums.append(float(np.minimum(steps, _ENOUGH).sum(dtype=np.int64)))
    return np.array(sums)


def _steps(levels: _Levels) -> _Levels:
    """Returns the difference between the highest and the lowest level around each pixel."""
    return np.asarray(cv2.morphologyEx(levels, cv2.MORPH_GRADIENT, _NEAR), np.uint8)

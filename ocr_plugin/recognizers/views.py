"""Other views of a word's crop, in which it may be read better."""

from collections.abc import Iterator

import numpy as np

from ocr_plugin.protocols import RGB

# A crop taller than this many times its width may hold a word that runs up or down.
_TALL = 1.2
# Of the crop's height: what a margin adds on each side.
_MARGIN = 0.2


def turned(crop: RGB) -> Iterator[RGB]:
    """Yields a tall crop turned by a quarter, both ways; nothing for other crops.

    Args:
        crop: (h, w, 3) uint8 RGB.
    """
    height, width = crop.shape[:2]
    if height > _TALL * width:
        for quarters in (1, -1):
            yield np.ascontiguousarray(np.rot90(crop, quarters))


def with_margin(crop: RGB) -> RGB:
    """Returns a crop with a margin of repeated border pixels, for letters cut at its edges.

    Args:
        crop: (h, w, 3) uint8 RGB.
    """
    margin = max(1, round(_MARGIN * crop.shape[0]))
    return np.pad(crop, ((margin, margin), (margin, margin), (0, 0)), mode="edge")

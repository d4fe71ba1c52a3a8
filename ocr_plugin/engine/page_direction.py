"""The direction in which most of a page is read, and who must agree with it.

A region alone cannot always tell which way up it is: digits read as well upside down, and a lone
"1" is taken for a line on its side. The page as a whole knows.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.layout.words import ReadRegion
from ocr_plugin.protocols import Points
from ocr_plugin.regions import geometry
from ocr_plugin.regions.strips import Strip, plane_strip

# Who votes: regions this sure, of three letters and more, clearly wider than high. Where there are
# none, those of at least two characters of any kind.
_SURE = 0.7
_LETTERS, _CHARACTERS = 3, 2
_WIDE = 2.0
# Least share of the votes; a page of many directions has none of its own.
_MAJORITY = 0.7
_SAME = np.cos(np.pi / 4)
_BLOCK = 512
# What a reading along the page must have, and by how much it may be less sure than the other, for
# texts of up to so many characters and for longer ones.
_LEAST = 0.5
_SHORT, _SHORT_LOSS, _LOSS = 3, 0.5, 0.2


def page_direction(regions: Sequence[ReadRegion]) -> NDArray[np.float64] | None:
    """Returns the unit vector along which a page's text runs, (2,); None if it is not clear."""
    voters = [each for each in regions if _is_voter(each) and _letters(each) >= _LETTERS]
    if not voters:
        voters = [each for each in regions if _is_voter(each) and len(_text(each)) >= _CHARACTERS]
    if not voters:
        return None
    vectors = np.stack([_direction(each.outline) for each in voters])
    weights = np.array([len(_text(each)) * each.confidence for each in voters])
    # A block of voters at a time: of all at once the memory grows with the square of the page.
    votes = np.concatenate(
        [
            np.where(vectors[start : start + _BLOCK] @ vectors.T > _SAME, 1.0, 0.0) @ weights
            for start in range(0, len(voters), _BLOCK)
        ]
    )
    elected = int(np.argmax(votes))
    if votes[elected] < _MAJORITY * weights.sum():
        return None
    near = vectors @ vectors[elected] > _SAME
    total: NDArray[np.float64] = (vectors[near] * weights[near, None]).sum(axis=0)
    return total / np.linalg.norm(total)


def disagrees(region: ReadRegion, direction: NDArray[np.float64]) -> bool:
    """Returns whether a region was read in another direction; curved ones have none."""
    outline = region.outline
    if outline.curved or outline.stacked:
        return False
    return bool(_direction(outline) @ direction < _SAME)


def along(polygon: Points, direction: NDArray[np.float64]) -> Strip:
    """Returns a region's strip that runs most nearly along a direction.

    Args:
        polygon: (N, 2) float32 page pixels.
        direction: unit vector, (2,).
    """
    quad = polygon if len(polygon) == 4 else geometry.min_area_quad(polygon)
    turned = [plane_strip(np.roll(quad, -turn, axis=0)) for turn in range(4)]
    return max(turned, key=lambda strip: float(_direction(strip) @ direction))


def is_preferred(along_page: ReadRegion, before: ReadRegion) -> bool:
    """Returns whether a reading along the page is to be believed rather than the one before."""
    loss = _SHORT_LOSS if len(_text(before)) <= _SHORT else _LOSS
    return along_page.confidence >= max(_LEAST, before.confidence - loss)


def _is_voter(region: ReadRegion) -> bool:
    width, height = region.outline.size
    is_level = not region.outline.curved and not region.outline.stacked
    return is_level and region.confidence >= _SURE and width >= _WIDE * height


def _text(region: ReadRegion) -> str:
    return "".join(each.text for each in region.readings if each is not None).replace(" ", "")


def _letters(region: ReadRegion) -> int:
    return sum(character.isalpha() for character in _text(region))


def _direction(strip: Strip) -> NDArray[np.float64]:
    ends = (strip.top[-1] + strip.bottom[-1] - strip.top[0] - strip.bottom[0]).astype(np.float64)
    length = float(np.linalg.norm(ends))
    return ends / length if length > 0 else np.array([1.0, 0.0])

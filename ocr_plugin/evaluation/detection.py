"""Found words against labelled ones: one to one, by how far they cover each other.

The rule is that of ICDAR-2015 (https://rrc.cvc.uab.es/?ch=4&com=evaluation): two words match
where the intersection is more than half of the union; what lies by more than half in a region that
is to be ignored counts neither way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.protocols import Points

_SAME, _IGNORED = 0.5, 0.5

Shapes = NDArray[np.object_]
"""Shapely geometries, (N,)."""


@dataclass(frozen=True)
class Counts:
    """How many words were found, and how many of them are words; may be added up.

    Attributes:
        hits: pairs of a labelled word and a found one.
        labelled: words that count.
        found: found words that count.
    """

    hits: int = 0
    labelled: int = 0
    found: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.hits + other.hits, self.labelled + other.labelled, self.found + other.found
        )

    @property
    def recall(self) -> float:
        """Share of the labelled words that were found."""
        return self.hits / max(self.labelled, 1)

    @property
    def precision(self) -> float:
        """Share of what was found that is labelled."""
        return self.hits / max(self.found, 1)

    @property
    def f(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.hits / max(self.labelled + self.found, 1)


def matched(
    labels: Sequence[LabelledWord], found: Sequence[Points]
) -> tuple[Counts, dict[int, int]]:
    """Returns the counts of one page, and which found word is which labelled one.

    Labelled words take in turn, as they stand, the found one that covers them best.

    Args:
        labels: the page's words.
        found: outlines, (N, 2) float32 each, in the same pixels.
    """
    outlines = shapes(found)
    cared = [index for index, word in enumerate(labels) if not word.ignore]
    ious = _ious(shapes([labels[index].polygon for index in cared]), outlines)
    pairs: dict[int, int] = {}
    for row, index in enumerate(cared):
        best = int(np.argmax(ious[row])) if ious.shape[1] else -1
        if best >= 0 and ious[row, best] > _SAME:
            pairs[index] = best
            ious[:, best] = 0
    excused = to_ignore(labels, outlines)
    excused[list(pairs.values())] = False
    return Counts(len(pairs), len(cared), len(found) - int(excused.sum())), pairs


def shapes(polygons: Sequence[Points]) -> Shapes:
    """Returns outlines as valid geometries; what encloses nothing becomes an empty one."""
    found = np.empty(len(polygons), object)
    for index, polygon in enumerate(polygons):
        found[index] = shapely.Polygon(polygon if len(polygon) > 2 else None).buffer(0)
    return found


def shared_areas(labelled: Shapes, found: Shapes) -> NDArray[np.float64]:
    """Returns the areas that labelled and found words share, (labelled, found)."""
    shared = np.zeros((len(labelled), len(found)))
    if shared.size:
        rows, columns = shapely.STRtree(found).query(labelled, predicate="intersects")
        shared[rows, columns] = shapely.area(shapely.intersection(labelled[rows], found[columns]))
    return shared


def to_ignore(labels: Sequence[LabelledWord], found: Shapes) -> NDArray[np.bool_]:
    """Returns which found words count neither way unless they are labelled ones, (found,).

    They lie by more than half in one region that is to be ignored, or enclose nothing.
    """
    areas = shapely.area(found)
    ignored = shapes([word.polygon for word in labels if word.ignore])
    shares = shared_areas(ignored, found) / np.maximum(areas, 1e-9)
    excused: NDArray[np.bool_] = (shares > _IGNORED).any(axis=0) | (areas == 0)
    return excused


def _ious(labelled: Shapes, found: Shapes) -> NDArray[np.float64]:
    """Returns intersection over union of all pairs, (labelled, found)."""
    shared = shared_areas(labelled, found)
    union = shapely.area(labelled)[:, None] + shapely.area(found)[None, :] - shared
    ratios: NDArray[np.float64] = shared / np.maximum(union, 1e-9)
    return ratios

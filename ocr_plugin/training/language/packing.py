"""From the counts of several parts to one table of n-grams."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.language.ngrams import MOST, NO_MASS, STEP, Level, NgramTable
from ocr_plugin.training.language.counting import Counts, kept

_BYTE = np.uint64(255)


def pack(
    parts: Sequence[Sequence[Counts]], thresholds: Sequence[float], alphabet: str
) -> NgramTable:
    """Returns a table of the n-grams that gain more than a part's threshold."""
    masks = [kept(levels, t) for levels, t in zip(parts, thresholds, strict=True)]
    longest = max(len(levels) for levels in parts)
    roots = np.array([int(mask[0].sum()) for mask in masks], np.uint8)
    packed = []
    for order in range(longest):
        pieces = [
            _level(levels, mask, order)
            for levels, mask in zip(parts, masks, strict=True)
            if order < len(levels)
        ]
        packed.append(Level(*(np.concatenate(each) for each in zip(*pieces, strict=True))))
    return NgramTable(alphabet, roots, packed)


def _level(
    levels: Sequence[Counts], masks: Sequence[NDArray[np.bool_]], order: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    level, mask = levels[order], masks[order]
    children = np.zeros(len(level.keys), np.uint8)
    if order + 1 < len(levels):
        parents = levels[order + 1].parents[masks[order + 1]]
        children = np.bincount(parents, minlength=len(level.keys)).astype(np.uint8)
    steps = np.rint(-np.log(np.maximum(level.masses, 1e-300)) / STEP)
    # Rounding up must not make the masses after a context more than one together.
    sums = np.bincount(level.parents[mask], weights=np.exp(-STEP * steps[mask]))
    steps[mask] += sums[level.parents[mask]] > MOST
    masses = np.where(steps < NO_MASS, steps, NO_MASS).astype(np.uint8)
    return (level.keys[mask] & _BYTE).astype(np.uint8), children[mask], masses[mask]

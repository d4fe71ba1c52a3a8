"""From DBNet's probability map to text regions.

Differentiable Binarization (Liao et al., AAAI 2020, arXiv 1911.08947) predicts, for every pixel,
how likely it lies in the shrunk core of a text region. The cores are cut out at a threshold,
scored by their mean probability, and grown back by polygon offset. Different from the usual
post-processing, a bent core becomes a band with smooth edges instead of its bounding rectangle.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ocr_plugin import geometry
from ocr_plugin.options import Options
from ocr_plugin.protocols import Points, Regions

_EDGE = 0.2
"""Pixels from a core's contour to its edge: a half where that is level, less where it is ragged."""

ProbabilityMap = NDArray[np.uint8]
"""(H, W) uint8, or (M, H, W) for several maps: probability times 255."""


class RegionOptions(Options):
    """How regions are cut from a probability map."""

    threshold: float = Field(default=0.3, gt=0, lt=1, description="Of a pixel to be text.")
    min_confidence: float = Field(default=0.5, ge=0, le=1, description="Of a region to be kept.")
    unclip_ratio: float = Field(
        default=1.6, ge=0, le=4, description="Growth: offset = area * ratio / perimeter."
    )
    shrink_ratio: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="How far cores were shrunk in training, which is undone exactly; null to grow"
        " by unclip_ratio.",
    )
    min_core: float = Field(
        default=3.0, ge=0, description="Pixels of the map; thinner cores are left out."
    )
    curved: bool = Field(default=True, description="Give polygons, not quads, for curved text.")
    straight_tolerance: float = Field(
        default=0.12,
        ge=0,
        description="Share of its height by which the middle of a straight line may be off.",
    )
    side_points: int = Field(
        default=16, ge=3, le=64, description="Points on each long side of a curved region."
    )


class WordRegionOptions(RegionOptions):
    """How words are cut from a map of the project's own training."""

    threshold: float = Field(default=0.5, gt=0, lt=1, description="Of a pixel to be text.")
    min_confidence: float = Field(default=0.75, ge=0, le=1, description="Of a word to be kept.")
    shrink_ratio: float | None = 0.6
    min_core: float = Field(
        default=1.0, ge=0, description="Pixels of the map; thinner cores are left out."
    )


def find_regions(probabilities: ProbabilityMap, options: RegionOptions) -> Regions:
    """Returns the text lines of a map, in pixels of the map."""
    polygons, confidences = [], []
    for core in _cores(probabilities, options):
        confidence = _mean_inside(probabilities, core)
        if confidence < options.min_confidence:
            continue
        polygon = _outline(core, options)
        if polygon is not None:
            polygons.append(polygon)
            confidences.append(confidence)
    return Regions(polygons, np.array(confidences, np.float32), kind="line")


def _cores(probabilities: ProbabilityMap, options: RegionOptions) -> Iterator[Points]:
    """Yields the outline of each connected core, (N, 2) float32."""
    mask = (probabilities > options.threshold * 255).astype(np.uint8)
    if options.shrink_ratio is None:  # as PaddleOCR does, for whose network that is right
        mask = np.asarray(cv2.dilate(mask, np.ones((2, 2), np.uint8)), np.uint8)
    # Two-level retrieval also finds text that stands inside a ring of text.
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for index, contour in enumerate(contours):
        is_hole = hierarchy[0][index][3] >= 0
        if is_hole or len(contour) < 3:
            continue
        if min(cv2.minAreaRect(contour)[1]) >= options.min_core:
            yield contour[:, 0].astype(np.float32)


def _mean_inside(probabilities: ProbabilityMap, outline: Points) -> float:
    """Returns the mean probability within an outline."""
    x0, y0 = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    x1, y1 = np.ceil(outline.max(axis=0)).astype(int) + 1
    window = probabilities[y0:y1, x0:x1]
    mask = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(outline - (x0, y0)).astype(np.int32)], (1,))
    return float(cv2.mean(window, mask)[0]) / 255


def _outline(core: Points, options: RegionOptions) -> Points | None:
    """Returns the whole text's outline around a core: a quad, or a polygon where it is curved."""
    grown = _grown(core, options)
    if len(grown) == 0:
        return None
    if options.curved:
        band = geometry.ribbon(grown)
        if band is not None and band.sagitta > options.straight_tolerance * band.height:
            return band.polygon(options.side_points)
    rectangle = _grown(geometry.min_area_quad(core), options)
    return geometry.min_area_quad(rectangle if len(rectangle) else grown)


def _grown(core: Points, options: RegionOptions) -> Points:
    if options.shrink_ratio is None:
        return geometry.unclip(core, options.unclip_ratio)
    # A contour runs through the middles of a core's outermost pixels.
    return geometry.unshrink(geometry.grown(core, _EDGE), options.shrink_ratio)

"""From DBNet's probability map to text regions.

Differentiable Binarization (Liao et al., AAAI 2020, arXiv 1911.08947) predicts, for every pixel,
how likely it lies in the shrunk core of a text region. The cores are cut out at a threshold,
scored by their mean probability, and grown back by polygon offset. Unlike in the usual
post-processing, a bent core becomes a band with smooth edges instead of its bounding rectangle.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ocr_plugin.options import Options
from ocr_plugin.protocols import Points, Regions
from ocr_plugin.regions import geometry, ribbons

_EDGE = 0.2
"""Pixels from a core's contour to its edge: 0.5 for straight edges, less for ragged ones."""

ProbabilityMap = NDArray[np.uint8]
"""(H, W) uint8, or (M, H, W) for several maps: probability times 255."""


class RegionOptions(Options):
    """How regions are cut from a probability map."""

    threshold: float = Field(default=0.3, gt=0, lt=1, description="Probability of a text pixel.")
    min_confidence: float = Field(
        default=0.5, ge=0, le=1, description="Regions of less confidence are left out."
    )
    unclip_ratio: float = Field(
        default=1.6, ge=0, le=4, description="Growth: offset = area * ratio / perimeter."
    )
    shrink_ratio: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="How far cores were shrunk in training, to undo that exactly; null to grow by"
        " unclip_ratio.",
    )
    min_core: float = Field(
        default=3.0, ge=0, description="Pixels of the map; thinner cores are left out."
    )
    curved: bool = Field(default=True, description="Give polygons, not quads, for curved text.")
    straight_tolerance: float = Field(
        default=0.12,
        ge=0,
        description="Share of its height by which a straight line may bend in the middle.",
    )
    curved_margin: float = Field(
        default=0.06,
        ge=0,
        le=1,
        description="Margin in IoU by which a bent band must fit a curved region better than a"
        " rectangle does.",
    )
    side_points: int = Field(
        default=16, ge=3, le=64, description="Points on each long side of a curved region."
    )


class WordRegionOptions(RegionOptions):
    """How words are cut from the word map of this project's own network."""

    threshold: float = Field(default=0.5, gt=0, lt=1, description="Probability of a text pixel.")
    min_confidence: float = Field(
        default=0.75, ge=0, le=1, description="Words of less confidence are left out."
    )
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
    if options.shrink_ratio is None:  # as PaddleOCR does for its own networks
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
    rectangle = _grown(geometry.min_area_quad(core), options)
    straight = geometry.min_area_quad(rectangle if len(rectangle) else grown)
    bent = _bent(grown, options) if options.curved else None
    if bent is None:
        return straight
    # A short, ragged core seems bent too, but a band fits it no better than a rectangle.
    gain = geometry.iou(bent, grown) - geometry.iou(straight, grown)
    return bent if gain > options.curved_margin else straight


def _bent(grown: Points, options: RegionOptions) -> Points | None:
    """Returns the bent band that an outline seems to be, or None where it seems straight."""
    band = ribbons.ribbon(grown)
    if band is None or band.sagitta <= options.straight_tolerance * band.height:
        return None
    return band.polygon(options.side_points)


def _grown(core: Points, options: RegionOptions) -> Points:
    if options.shrink_ratio is None:
        return geometry.unclip(core, options.unclip_ratio)
    # A contour runs through the middles of a core's outermost pixels.
    return geometry.unshrink(geometry.grown(core, _EDGE), options.shrink_ratio)

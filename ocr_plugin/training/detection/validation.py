"""Validation during a run: how well words are found on held-back pages."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.detectors.map_detector import regions_on
from ocr_plugin.detectors.probability_map import WordRegionOptions
from ocr_plugin.detectors.word_network import MULTIPLE, TextNetwork
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.evaluation.detection import Counts, matched
from ocr_plugin.protocols import RGB
from ocr_plugin.training.detection.targets import SHRINK_RATIO

_SHORT_SIDE, _LONGEST = 832, 2400


@dataclass(frozen=True)
class HeldPages:
    """Pages to validate on."""

    name: str
    pages: Sequence[LabelledPage]


def held_pages(
    name: str, pages: Sequence[LabelledPage], most: int
) -> tuple[HeldPages, list[BadRecord]]:
    """Returns up to `most` pages to validate on, and those of them that do not decode."""
    kept, bad = [], []
    for page in pages[:most]:
        try:
            page.pixels()
        except UnreadableImage as error:
            bad.append(BadRecord(str(page.path), error.reason))
        else:
            kept.append(page)
    return HeldPages(name, kept), bad


@torch.inference_mode()
def word_counts(
    network: TextNetwork, held: HeldPages, device: torch.device, bfloat16: bool
) -> Counts:
    """Returns how many words of some pages are found, at the engine's size and threshold."""
    total = Counts()
    for page in held.pages:
        pixels = page.pixels()
        resized = _network_sized(pixels)
        batch = torch.from_numpy(resized).to(device)[None].permute(0, 3, 1, 2).float()
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            logits = network(batch / 127.5 - 1)[0, 0]
        probabilities = (logits.float().sigmoid() * 255).round().byte().cpu().numpy()
        found = regions_on(pixels, probabilities, WordRegionOptions(shrink_ratio=SHRINK_RATIO))
        total += matched(page.words, found.polygons)[0]
    return total


def _network_sized(pixels: RGB) -> RGB:
    height, width = pixels.shape[:2]
    scale = min(max(_SHORT_SIDE / min(height, width), 1.0), _LONGEST / max(height, width))
    size = [max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in (width, height)]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)

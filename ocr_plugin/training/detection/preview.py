"""A sheet of training pieces with their targets, to look at before training."""

import random

import numpy as np
from PIL import Image

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.protocols import RGB
from ocr_plugin.training.detection.batches import PageBatches
from ocr_plugin.training.detection.options import DetectorTrainingOptions
from ocr_plugin.training.detection.sources import TrainingPages
from ocr_plugin.training.detection.targets import Target

_COLUMNS, _SHOWN = 6, 320
_CORE, _GAP = np.array((0, 220, 0)), np.array((240, 0, 0))


def target_sheet(
    options: DetectorTrainingOptions, count: int, seed: int
) -> tuple[Image.Image, list[BadRecord]]:
    """Returns pieces as the network would see them, and pages that were drawn and do not decode.

    Cores are green, gaps that weigh more red; what does not count is dark.

    Raises:
        ConfigurationError: the recipe's data are unusable.
    """
    data = options.data.below(options.machine.data)
    sets = [TrainingPages(entry) for entry in data.sets]
    batches = PageBatches(data, sets, options.objective, 1, count, seed)
    passed_over: list[BadRecord] = []
    rows = -(-count // _COLUMNS)
    sheet = Image.new("RGB", (min(count, _COLUMNS) * _SHOWN, rows * _SHOWN), "white")
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        ((piece, target),) = batches.drawn(number, rng, passed_over)
        shown = Image.fromarray(painted(piece.pixels, target)).resize((_SHOWN, _SHOWN))
        sheet.paste(shown, (number % _COLUMNS * _SHOWN, number // _COLUMNS * _SHOWN))
    return sheet, passed_over


def painted(pixels: RGB, target: Target) -> RGB:
    """Returns a piece with its target painted in, (side, side, 3) uint8."""
    shown = pixels.astype(np.float32)
    shown[target.weights == 0] *= 0.4
    for colour, where in (
        (_CORE, target.cores > 0),
        (_GAP, (target.weights > 1) & (target.cores == 0)),
    ):
        shown[where] = 0.45 * shown[where] + 0.55 * colour
    return shown.astype(np.uint8)

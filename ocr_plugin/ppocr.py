"""PP-OCR text-line recognition: the recognizer that needs no download.

The model is PP-OCRv6 small recognition (PaddleOCR, Apache-2.0) as the ``rapidocr`` wheel ships
it. It reads whole lines, with spaces, by CTC.
"""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ocr_plugin.ctc import best_path
from ocr_plugin.errors import CheckpointError
from ocr_plugin.hashes import sha256_of
from ocr_plugin.onnx import OnnxModel, OnnxPrecision, bundled_model, onnx_name
from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB, Reading, Unit
from ocr_plugin.schema import Component

BUNDLED_MODEL = "PP-OCRv6_rec_small.onnx"
"""The file that is read with where none is named, as `onnx.bundled_model` finds it."""

_HEIGHT = 48
# Columns of a batch. ONNX Runtime keeps the memory of the largest batch there ever was, and long
# lines are as fast one by one.
_MOST_COLUMNS = 8 * 512
# The power of the characters' geometric mean that best tells how often a text is right, fitted on
# words of the ICDAR-2015 training part: a mean of 0.80 was right in 41 % of cases, 0.95 in 78 %.
_CALIBRATION = 4


class PPOcrOptions(Options):
    """Options of `PPOcrRecognizer`."""

    model_path: Path | None = Field(
        default=None, description="An ONNX file; by default PP-OCRv6 small of the rapidocr wheel."
    )
    batch_size: int = Field(default=8, ge=1, description="Crops read at once, of like width.")
    width_step: int = Field(
        default=32,
        ge=8,
        multiple_of=8,
        description="Pixels; crops are padded to a multiple of this before they are read.",
    )
    min_width: int = Field(
        default=160, ge=8, description="Pixels to which narrower crops are padded."
    )
    max_width: int = Field(
        default=3200, ge=8, description="Pixels at height 48; wider crops are squeezed to this."
    )
    precision: OnnxPrecision = Field(
        default="float32",
        description="Numbers that the network reckons with. bfloat16 is run by OpenVINO (extra"
        " openvino), on CPUs that have it.",
    )
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 takes one a core.")


class PPOcrRecognizer:
    """Reads text lines with a PP-OCR CTC model.

    A crop is padded to a width that depends on the crop alone and batched only with crops of that
    width, so its reading does not depend on its neighbours.
    """

    unit: Unit = "line"

    def __init__(self, **options: Any) -> None:
        self.options = PPOcrOptions.parse(options)
        path = self.options.model_path or bundled_model(BUNDLED_MODEL)
        precision = self.options.precision
        self._model = OnnxModel(path, threads=self.options.threads, precision=precision)
        characters = self._model.metadata.get("character")
        if characters is None:
            raise CheckpointError(f"{path}: this ONNX file does not name its characters")
        # Class 0 is the CTC blank; the space comes last and is not listed in the file.
        self._characters = ["", *characters.split("\n"), " "]
        self.component = Component(
            name=onnx_name("ppocr", path, precision),
            version=version("ocr-plugin"),
            weights_sha256=sha256_of(path),
        )

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the reading of each crop, in order; see `protocols.Recognizer`."""
        inputs = [self._input(crop) for crop in crops]
        readings: dict[int, Reading] = {}
        for batch in self._batches([image.shape[1] for image, _ in inputs]):
            images = np.stack([inputs[index][0] for index in batch])
            probabilities = self._model.run(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
            if probabilities.shape[2] != len(self._characters):
                raise CheckpointError(
                    f"{self._model.path}: {probabilities.shape[2]} classes but "
                    f"{len(self._characters)} characters"
                )
            for index, steps in zip(batch, probabilities, strict=True):
                readings[index] = self._decode(steps, inputs[index][1])
        return [readings[index] for index in range(len(inputs))]

    def _input(self, crop: RGB) -> tuple[NDArray[np.float32], float]:
        """Returns the network's (48, W, 3) input and the share of W that the crop fills."""
        options = self.options
        height, width = crop.shape[:2]
        filled = int(np.clip(np.ceil(_HEIGHT * width / height), 1, options.max_width))
        padded = max(-(-filled // options.width_step) * options.width_step, options.min_width)
        shrinks = height > _HEIGHT
        resized = cv2.resize(
            crop,
            (filled, _HEIGHT),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC,
        )
        image = np.zeros((_HEIGHT, padded, 3), np.float32)
        # The network was trained on blue-first images, scaled to -1..1 and padded with 0.
        image[:, :filled] = resized[:, :, ::-1].astype(np.float32) / 127.5 - 1
        return image, filled / padded

    def _batches(self, widths: Sequence[int]) -> Iterator[list[int]]:
        """Yields lists of indices of equal width, none longer or larger than a batch may be."""
        order = sorted(range(len(widths)), key=widths.__getitem__)
        for width, group in groupby(order, key=widths.__getitem__):
            same = list(group)
            size = max(1, min(self.options.batch_size, _MOST_COLUMNS // width))
            for start in range(0, len(same), size):
                yield same[start : start + size]

    def _decode(self, steps: NDArray[np.float32], filled: float) -> Reading:
        """Returns the best path's reading.

        Args:
            steps: (T, C) float32 class probabilities.
            filled: share of the T steps that the crop covers; the rest is padding.
        """
        path = best_path(steps)
        text = [self._characters[emission.id] for emission in path]
        confidences = [emission.confidence for emission in path]
        scale = 1 / (len(steps) * filled)
        extents = [(min(e.first * scale, 1.0), min(e.last * scale, 1.0)) for e in path]
        return _trimmed(text, confidences, extents)


def _trimmed(
    text: list[str], confidences: list[float], extents: list[tuple[float, float]]
) -> Reading:
    """Returns a reading without the spaces at its ends and without repeated ones."""
    keep = [
        index
        for index, character in enumerate(text)
        if not character.isspace() or (index > 0 and not text[index - 1].isspace())
    ]
    while keep and text[keep[-1]].isspace():
        keep.pop()
    if not keep:
        return Reading(text="", confidence=0.0)
    whole = "".join(text[index] for index in keep)
    kept = tuple(confidences[index] for index in keep)
    return Reading(
        text=whole,
        confidence=_calibrated(kept),
        character_confidences=kept,
        character_extents=tuple(extents[index] for index in keep),
        word_confidences=tuple(
            _calibrated(kept[slice(*match.span())]) for match in re.finditer(r"\S+", whole)
        ),
    )


def _calibrated(confidences: Sequence[float]) -> float:
    """Returns how likely characters of these confidences are all right."""
    return float(np.exp(_CALIBRATION * np.log(np.maximum(confidences, 1e-9)).mean()))

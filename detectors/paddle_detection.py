"""PaddleOCR's text detection: any PP-OCR detection model, on any engine of PaddleX.

Needs the extra `paddle`; the engine `paddle` also needs paddlepaddle.
"""

import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from ocr_plugin.errors import BrokenPlugin, ConfigurationError, ModelUnavailable
from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB, Regions
from ocr_plugin.runtime.paddlex_models import DETECTION, model_folder, no_probe
from ocr_plugin.runtime.weights import offline
from ocr_plugin.schema import Component


class PaddleDetectionOptions(Options):
    """Options of `PaddleDetection`; those that are null are PaddleOCR's own defaults."""

    model_name: str = Field(
        default=DETECTION,
        description="PaddleOCR's name of the model; PP-OCRv6_small_det needs no download.",
    )
    model_dir: Path | None = Field(
        default=None, description="A folder with inference.yml; null to let PaddleX download it."
    )
    engine: Literal["onnxruntime", "paddle", "paddle_static", "transformers"] = Field(
        default="onnxruntime", description="PaddleX's inference engine."
    )
    device: str | None = Field(default=None, description="PaddleX's device, such as gpu:0.")
    limit_side_len: int | None = Field(
        default=None, ge=32, description="Pixels that the side of a page is scaled to."
    )
    limit_type: Literal["min", "max"] | None = Field(
        default=None, description="Whether that is the least short side or the longest long side."
    )
    thresh: float | None = Field(default=None, gt=0, lt=1, description="Least score of a pixel.")
    box_thresh: float | None = Field(
        default=None, gt=0, lt=1, description="Least score of a region."
    )
    unclip_ratio: float | None = Field(
        default=None, gt=0, description="How far a region grows beyond the text's core."
    )


class PaddleDetection:
    """Finds text lines with `paddleocr.TextDetection`; quads, whose sides may slant.

    Raises:
        ConfigurationError: a bad option, or PaddleOCR refuses the model.
        BrokenPlugin: PaddleOCR is not installed.
        ModelUnavailable: the model would have to be downloaded, and downloads are off.
    """

    def __init__(self, **options: Any) -> None:
        self.options = PaddleDetectionOptions.parse(options)
        values = self.options.model_dump(exclude_none=True)
        name, folder = values["model_name"], values.pop("model_dir", None)
        if folder is None and name == DETECTION and self.options.engine == "onnxruntime":
            folder = model_folder(DETECTION)
        if folder is None and offline():
            raise ModelUnavailable(f"{name} is not here and downloads are off; give its model_dir")
        if folder is not None:
            values["model_dir"] = str(folder)
        no_probe()
        try:
            from paddleocr import TextDetection
        except ModuleNotFoundError as error:
            message = f"{error.name} is not installed: pip install 'ocr-plugin[paddle]'"
            raise BrokenPlugin(message) from error
        try:
            self._model = TextDetection(**values)
        except Exception as error:  # PaddleX raises bare exceptions of many kinds
            raise ConfigurationError(f"PaddleOCR cannot use {name}: {error}") from error
        # One predictor keeps state while it runs.
        self._lock = threading.Lock()
        self.component = Component(name=f"paddle:{name}", version=version("paddleocr"))

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        """Returns the lines of each page; see `protocols.Detector`."""
        with self._lock:
            # One at a time: PaddleX pads the pages of a batch to one size.
            return [self._regions(page) for page in pages]

    def _regions(self, page: RGB) -> Regions:
        (found,) = self._model.predict([np.ascontiguousarray(page[..., ::-1])])
        polygons = [np.asarray(polygon, np.float32) for polygon in found["dt_polys"]]
        return Regions(polygons, np.asarray(found["dt_scores"], np.float32), kind="line")

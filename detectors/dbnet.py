"""DBNet text-line detection: on ONNX Runtime or OpenVINO, or in PyTorch on a GPU.

The network is PP-OCRv6 small detection (PaddleOCR, Apache-2.0) as the ``rapidocr`` wheel ships
it, the same file for all; what is made of its output is `ocr_plugin.detectors.db_regions`.
"""

from importlib.metadata import version
from typing import Any

from ocr_plugin.detectors.db_regions import ProbabilityMap
from ocr_plugin.detectors.map_detector import MapDetector, MapOptions, regions_on
from ocr_plugin.hashes import sha256_of
from ocr_plugin.onnx import bundled_model, onnx_name
from ocr_plugin.protocols import RGB, Regions
from ocr_plugin.schema import Component


class DBNetOptions(MapOptions):
    """Options of `DBNet`; without `model_path`, PP-OCRv6 small of the rapidocr wheel."""


class DBNet(MapDetector):
    """Finds text lines, straight or curved.

    Raises:
        ConfigurationError: a bad option, a device that is not there, or the extra is missing.
        ModelError: the file is missing or no good.
    """

    def __init__(self, **options: Any) -> None:
        self.options = DBNetOptions.parse(options)
        path = self.options.model_path or bundled_model("PP-OCRv6_det_small.onnx")
        super().__init__(path, self.options)
        self.component = Component(
            name=onnx_name("dbnet", path, self.options.precision),
            version=version("ocr-plugin"),
            weights_sha256=sha256_of(path),
        )

    def _regions(self, page: RGB, maps: ProbabilityMap) -> Regions:
        return regions_on(page, maps[0], self.options)

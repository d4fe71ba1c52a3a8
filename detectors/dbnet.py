"""DBNet text-line detection: on ONNX Runtime or OpenVINO, or in PyTorch on a GPU.

The network is PP-OCRv6 small detection (PaddleOCR, Apache-2.0) from the ``rapidocr`` wheel, the
same file for all backends; `ocr_plugin.detectors.probability_map` turns its output into regions.
"""

from importlib.metadata import version
from typing import Any

from ocr_plugin.detectors.map_detector import MapDetector, MapOptions, regions_on, runtime_defaults
from ocr_plugin.detectors.probability_map import ProbabilityMap
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.protocols import RGB, Regions
from ocr_plugin.runtime.networks import onnx_name
from ocr_plugin.runtime.weights import bundled_model
from ocr_plugin.schema import Component


class DBNetOptions(MapOptions):
    """Options of `DBNet`; without `model_path`, PP-OCRv6 small of the rapidocr wheel."""


class DBNet(MapDetector):
    """Finds text lines, straight or curved.

    Raises:
        ConfigurationError: a bad option, an unavailable device, or the extra is missing.
        ModelError: the file is missing or unusable.
    """

    def __init__(self, runtime: RuntimeOptions | None = None, **options: Any) -> None:
        self.options = DBNetOptions.parse(runtime_defaults(runtime or RuntimeOptions()) | options)
        path = self.options.model_path or bundled_model("PP-OCRv6_det_small.onnx")
        super().__init__(path, self.options)
        self.component = Component(
            name=onnx_name("dbnet", path, self.options.precision),
            version=version("ocr-plugin"),
            weights_sha256=self._network.sha256,
        )

    def _regions(self, page: RGB, maps: ProbabilityMap) -> Regions:
        return regions_on(page, maps[0], self.options)

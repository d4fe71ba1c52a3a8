"""Word detection: one network with a word map and a line map, trained by this project.

Training started from PP-OCRv6 small detection (PaddleOCR, Apache-2.0); docs/word-detector.md says
how it was trained and where it fails. Words and lines are cut out of their maps, and each word is
assigned to a line.
"""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from ocr_plugin.detectors.map_detector import MapDetector, MapOptions, regions_on, runtime_defaults
from ocr_plugin.detectors.probability_map import ProbabilityMap, WordRegionOptions
from ocr_plugin.errors import CheckpointError
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.protocols import RGB, Points, Regions
from ocr_plugin.regions import geometry
from ocr_plugin.runtime.networks import onnx_name
from ocr_plugin.schema import Component

# Share of a word that must lie in a line for it to belong to that line.
_LEAST_SHARE = 0.5


class WordLineOptions(MapOptions):
    """Options of `WordLine`: the scale of pages, and how lines and words are cut out."""

    words: WordRegionOptions = Field(
        default=WordRegionOptions(), description="How words are cut out; all else is for lines."
    )


class WordLine(MapDetector):
    """Finds words, straight or curved, and the lines they belong to.

    A word in no line becomes a line of its own; a line without words is kept, for the recognizer
    to split.

    Raises:
        ConfigurationError: a bad option, an unavailable device, or the extra is missing.
        ModelError: the file is missing or unusable.
    """

    def __init__(self, runtime: RuntimeOptions | None = None, **options: Any) -> None:
        self.options = WordLineOptions.parse(
            runtime_defaults(runtime or RuntimeOptions()) | options
        )
        path = self.options.model_path or bundled_weights()
        super().__init__(path, self.options)
        if self._maps() != 2:
            raise CheckpointError(f"{path}: not a network of word and line maps; try dbnet for it")
        self.component = Component(
            name=onnx_name("word_line", path, self.options.precision),
            version=version("ocr-plugin"),
            weights_sha256=self._network.sha256,
        )

    def _maps(self) -> int:
        """Returns the number of the network's maps, by running it on a tiny page."""
        return int(self._network.run(np.zeros((1, 3, 32, 32), np.float32)).shape[1])

    def _regions(self, page: RGB, maps: ProbabilityMap) -> Regions:
        words = regions_on(page, maps[0], self.options.words)
        lines = regions_on(page, maps[1], self.options)
        return joined(words, lines)


def bundled_weights() -> Path:
    """Returns the path of the bundled network."""
    return Path(str(files("ocr_plugin.detectors"))) / "weights" / "word_line.onnx"


def joined(words: Regions, lines: Regions) -> Regions:
    """Returns lines with their words; a word in no line becomes a line of its own."""
    homes = _homes(words.polygons, lines.polygons)
    members: list[list[Points]] = [[] for _ in lines.polygons]
    alone = []
    for index, home in enumerate(homes):
        if home < 0:
            alone.append(index)
        else:
            members[home].append(words.polygons[index])
    return Regions(
        [*lines.polygons, *(words.polygons[index] for index in alone)],
        np.concatenate([lines.confidences, words.confidences[alone]]).astype(np.float32),
        kind="line",
        words=[*members, *([words.polygons[index]] for index in alone)],
    )


def _homes(words: Sequence[Points], lines: Sequence[Points]) -> list[int]:
    """Returns for each word the index of the line that contains most of it, or -1."""
    if not words:
        return []
    homes = [-1] * len(words)
    outlines = [geometry.shape(word) for word in words]
    held = [0.0] * len(words)
    bands = [geometry.shape(line) for line in lines]
    tree = shapely.STRtree(bands)
    for word, line in zip(*tree.query(outlines, predicate="intersects").tolist(), strict=True):
        outline = outlines[word]
        share = outline.intersection(bands[line]).area / max(outline.area, 1e-6)
        if share > max(held[word], _LEAST_SHARE):
            homes[word], held[word] = line, share
    return homes

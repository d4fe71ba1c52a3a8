"""Word detection: one network with a map of words and a map of lines, the project's own training.

It began as PP-OCRv6 small detection (PaddleOCR, Apache-2.0); docs/word-detector.md says how it was
trained and where it fails. The words are cut out of their map, and stand in the lines of theirs.
"""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from ocr_plugin import geometry
from ocr_plugin.detectors.db_regions import ProbabilityMap, WordRegionOptions
from ocr_plugin.detectors.map_detector import MapDetector, MapOptions, regions_on
from ocr_plugin.errors import CheckpointError
from ocr_plugin.hashes import sha256_of
from ocr_plugin.onnx import onnx_name
from ocr_plugin.protocols import RGB, Points, Regions
from ocr_plugin.schema import Component

# Share of a word that must lie in a line for it to stand there.
_STANDS_IN = 0.5


class WordLineOptions(MapOptions):
    """Options of `WordLine`: how large it sees a page, and how lines and words are cut out."""

    words: WordRegionOptions = Field(
        default=WordRegionOptions(), description="How words are cut out; all others are of lines."
    )


class WordLine(MapDetector):
    """Finds words, straight or curved, and the lines that they stand in.

    A word that stands in no line is a line of its own; a line in which no word is seen is left as
    it is, for the reader to cut.

    Raises:
        ConfigurationError: a bad option, a device that is not there, or the extra is missing.
        ModelError: the file is missing or no good.
    """

    def __init__(self, **options: Any) -> None:
        self.options = WordLineOptions.parse(options)
        path = self.options.model_path or bundled_weights()
        super().__init__(path, self.options)
        if self._maps() != 2:
            raise CheckpointError(f"{path}: no map of words and of lines: train one, or use dbnet")
        self.component = Component(
            name=onnx_name("word_line", path, self.options.precision),
            version=version("ocr-plugin"),
            weights_sha256=sha256_of(path),
        )

    def _maps(self) -> int:
        """Returns how many maps the network draws, by running it on next to nothing."""
        return int(self._network.run(np.zeros((1, 3, 32, 32), np.float32)).shape[1])

    def _regions(self, page: RGB, maps: ProbabilityMap) -> Regions:
        words = regions_on(page, maps[0], self.options.words)
        lines = regions_on(page, maps[1], self.options)
        return joined(words, lines)


def bundled_weights() -> Path:
    """Returns where the network lies that comes with the package."""
    return Path(str(files("ocr_plugin.detectors"))) / "weights" / "word_line.onnx"


def joined(words: Regions, lines: Regions) -> Regions:
    """Returns lines with the words that stand in them; a word that stands in none is one itself."""
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
    """Returns for each word the number of the line that holds most of it, or -1."""
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
        if share > max(held[word], _STANDS_IN):
            homes[word], held[word] = line, share
    return homes

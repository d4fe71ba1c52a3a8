"""Labels by agreement: a word is where two readers read the same with confidence.

This makes training pages of those without labels, or with words left unlabelled. What the readers
do not agree on is ignored in training.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.datasets.labels import reduced
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError, UnreadableImage
from ocr_plugin.evaluation.detection import shapes, shared_areas
from ocr_plugin.protocols import RGB, Detector, Points, Recognizer
from ocr_plugin.regions import rectify, strips

_PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}

_KNOWN = 0.3
"""Share of a found word that a labelled one may cover for it to be another."""


@dataclass(frozen=True)
class Agreement:
    """Labels pages with a detector and two readers.

    Attributes:
        detector: finds words, or lines that are not divided.
        readers: both are asked for every word.
        sure: confidence that both need.
    """

    detector: Detector
    readers: tuple[Recognizer, Recognizer]
    sure: float = 0.9

    def labelled(self, page: LabelledPage) -> LabelledPage:
        """Returns a page with the words that were agreed on added to its labels.

        A word that is to be ignored counts where the readers agree on it; a word that is found and
        not labelled counts where they agree, and is to be ignored where they do not.

        Raises:
            UnreadableImage: the page does not decode.
        """
        pixels = page.pixels()
        (found,) = self.detector.detect([pixels])
        outlines = (
            [word for line in found.words for word in line] if found.words else found.polygons
        )
        new = _unlabelled(page.words, outlines)
        doubtful = [word for word in page.words if word.ignore]
        asked = [*doubtful, *(LabelledWord(outline, ignore=True) for outline in new)]
        settled = self._agreed(pixels, asked)
        return replace(page, words=(*(word for word in page.words if not word.ignore), *settled))

    def label_all(
        self, pages: Iterable[LabelledPage]
    ) -> tuple[list[LabelledPage], list[BadRecord]]:
        """Returns the pages with their labels, and those that do not decode."""
        labelled, undecodable = [], []
        for page in pages:
            try:
                labelled.append(self.labelled(page))
            except UnreadableImage as error:
                undecodable.append(BadRecord(str(page.path), error.reason))
        return labelled, undecodable

    def _agreed(self, pixels: RGB, words: Sequence[LabelledWord]) -> Iterator[LabelledWord]:
        cut = [_crop(pixels, word.polygon) for word in words]
        answers = [reader.recognize(cut) for reader in self.readers]
        for word, one, other in zip(words, *answers, strict=True):
            same = reduced(one.text, 36) == reduced(other.text, 36) != ""
            if same and " " not in one.text and min(one.confidence, other.confidence) >= self.sure:
                yield replace(word, text=one.text, ignore=False)
            else:
                yield word


def _unlabelled(words: Sequence[LabelledWord], outlines: Sequence[Points]) -> list[Points]:
    """Returns the outlines that match no labelled word."""
    found = shapes(outlines)
    covered = shared_areas(shapes([word.polygon for word in words]), found).sum(axis=0)
    areas = np.array([outline.area for outline in found])
    return [
        outline
        for outline, shared, area in zip(outlines, covered, areas, strict=True)
        if area > 0 and shared <= _KNOWN * area
    ]


def _crop(pixels: RGB, polygon: Points) -> RGB:
    return rectify.rectify(pixels, next(strips.orientations(np.asarray(polygon, np.float32))))


def pages_in(path: Path) -> Sequence[LabelledPage]:
    """Returns the pages of a labelled set, or of a folder that has pictures alone.

    Raises:
        ConfigurationError: neither is there.
    """
    pictures = sorted(
        file for file in path.glob("*") if file.suffix.lower() in _PICTURES and file.is_file()
    )
    if pictures and len(pictures) == sum(file.is_file() for file in path.iterdir()):
        return [LabelledPage(file, ()) for file in pictures]
    return PageSet(path).pages


def write_labels(pages: Sequence[LabelledPage], path: Path) -> None:
    """Writes pages as ``labels.jsonl``, with paths from its folder.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    written = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(_entry(page, path.parent), ensure_ascii=False) for page in pages)
        written.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        written.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error


def _entry(page: LabelledPage, folder: Path) -> dict[str, Any]:
    words = [
        {
            "polygon": [[round(float(x), 1), round(float(y), 1)] for x, y in word.polygon],
            "text": word.text,
            "ignore": word.ignore,
        }
        for word in page.words
    ]
    image = os.path.relpath(page.path.absolute(), folder.absolute())
    return {"image": Path(image).as_posix(), "words": words}

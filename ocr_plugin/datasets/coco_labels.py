"""Labels in COCO's layout, and in that of COCO-Text and TextOCR.

* COCO: ``images``, and ``annotations`` with ``segmentation`` or ``bbox``. Text is in ``text``,
  ``transcription`` or ``utf8_string``, of the annotation or of its ``attributes``; ``iscrowd``, a
  true ``ignore``, ``illegible`` or ``difficult``, or a category of such a name marks a word that
  does not count. A word in several parts becomes one outline around them all. CVAT rotates boxes
  by ``attributes.rotation``, in degrees around their middle.
* COCO-Text: ``imgs``, and ``anns`` with ``mask`` (version 2), ``polygon`` (version 1) or ``bbox``;
  ``legibility`` marks words that do not count. Pictures of its test set, which has no labels, are
  left out. TextOCR has ``points``, and ``.`` for illegible text.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.label_files import (
    Pictures,
    list_of,
    marked_word,
    name_of,
    naming,
    not_counted,
    object_of,
    quad_of,
    turned,
    words_of,
)
from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord

_TEXTS = ("text", "transcription", "utf8_string")
_MARKS = ("ignore", "ignored", "illegible", "difficult", "iscrowd")
_OUTLINES = ("mask", "polygon", "points")

_Outline = NDArray[np.float64]


def is_coco(labels: Any) -> bool:
    """Returns whether a value of JSON has COCO's layout."""
    return isinstance(labels, dict) and all(
        isinstance(labels.get(name), list) for name in ("images", "annotations")
    )


def is_coco_text(labels: Any) -> bool:
    """Returns whether a value of JSON has COCO-Text's layout."""
    return isinstance(labels, dict) and all(
        isinstance(labels.get(name), dict) for name in ("imgs", "anns")
    )


def read_coco(path: Path, labels: dict[str, Any]) -> list[LabelledPage]:
    """Returns the pages of a file.

    Args:
        path: the file.
        labels: its value.

    Raises:
        ConfigurationError: an invalid entry, or one whose picture is missing.
    """
    pages = _Pages(path)
    ignored = set()
    with naming(f"{path}: categories"):
        for category in map(object_of, list_of(labels.get("categories", []))):
            if not_counted(category.get("name")):
                ignored.add(category["id"])
    for number, image in enumerate(labels["images"]):
        pages.add(image, f"image {_id(image, number)}")
    for number, entry in enumerate(labels["annotations"]):
        place = f"{path}: annotation {_id(entry, number)}"
        with naming(place):
            word = _word(object_of(entry), entry.get("category_id") in ignored)
            pages.of(entry["image_id"]).append(word)
    return pages.all()


def read_coco_text(path: Path, labels: dict[str, Any]) -> list[LabelledPage]:
    """Returns the pages of a file; otherwise as `read_coco`."""
    pages = _Pages(path)
    owners: dict[str, str] = {}
    with naming(f"{path}: imgToAnns"):
        for image_id, entries in object_of(labels.get("imgToAnns", {})).items():
            owners.update((str(entry), image_id) for entry in list_of(entries))
    for key, image in labels["imgs"].items():
        # The set `test` has secret labels; that does not mean pictures without words.
        if not isinstance(image, dict) or image.get("set") != "test":
            pages.add(image, f"image {key}")
    for key, entry in labels["anns"].items():
        with naming(f"{path}: annotation {key}"):
            word = _scene_word(object_of(entry))
            image_id = entry["image_id"] if "image_id" in entry else owners[key]
            pages.of(image_id).append(word)
    return pages.all()


class _Pages:
    """The pages of a file, in its order; their words are added one by one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pictures = Pictures(path)
        self._pages: dict[str, tuple[Path, list[LabelledWord | None]]] = {}

    def add(self, image: Any, which: str) -> None:
        with naming(f"{self._path}: {which}"):
            number = str(object_of(image)["id"])
            if number in self._pages:
                raise ValueError(f"a second picture of id {number}")
            self._pages[number] = self._pictures.path(name_of(image["file_name"])), []

    def of(self, image_id: Any) -> list[LabelledWord | None]:
        if str(image_id) not in self._pages:
            raise ValueError(f"no picture of id {image_id}")
        return self._pages[str(image_id)][1]

    def all(self) -> list[LabelledPage]:
        return [LabelledPage(path, words_of(words)) for path, words in self._pages.values()]


def _id(entry: Any, number: int) -> str:
    known = entry.get("id") if isinstance(entry, dict) else None
    return f"at place {number + 1}" if known is None else str(known)


def _word(entry: dict[str, Any], ignore: bool) -> LabelledWord | None:
    attributes = entry.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    sources = (entry, attributes)
    text = next((source[name] for source in sources for name in _TEXTS if source.get(name)), None)
    ignore = ignore or any(_true(source.get(name)) for source in sources for name in _MARKS)
    ignore = ignore or any(not_counted(source.get("legibility")) for source in sources)
    return marked_word(_outline(entry, attributes.get("rotation") or 0), text, ignore)


def _scene_word(entry: dict[str, Any]) -> LabelledWord | None:
    text = entry.get("utf8_string")
    outline = next((entry[name] for name in _OUTLINES if entry.get(name)), None)
    if text == "." and entry.get("points"):
        text = "###"
    points = _box(entry["bbox"]) if outline is None else _pairs(outline)
    return marked_word(points, text, not_counted(entry.get("legibility")))


def _true(value: Any) -> bool:
    return value.casefold() in ("true", "yes", "1") if isinstance(value, str) else bool(value)


def _outline(entry: dict[str, Any], degrees: Any) -> _Outline:
    parts = entry.get("segmentation")
    if isinstance(parts, list) and parts:
        if isinstance(parts[0], list):
            return _around([_pairs(part) for part in parts])
        return _pairs(parts)
    box = _box(entry["bbox"])
    return turned(box, degrees, box.mean(axis=0))


def _around(parts: list[_Outline]) -> _Outline:
    if len(parts) == 1:
        return parts[0]
    hull = cv2.convexHull(np.concatenate(parts).astype(np.float32))
    return np.asarray(hull[:, 0], np.float64)


def _box(values: Any) -> _Outline:
    x, y, width, height = map(float, list_of(values))
    return quad_of(x, y, x + width, y + height)


def _pairs(values: Any) -> _Outline:
    return np.asarray(values, np.float64).reshape(-1, 2)

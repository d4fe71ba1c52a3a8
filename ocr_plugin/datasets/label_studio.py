"""Labels exported by Label Studio as "JSON".

A list of tasks. Words are the regions of types ``rectanglelabels``, ``polygonlabels``,
``rectangle`` and ``polygon``; results of other types with a region's id describe it: ``textarea``
its text, ``labels`` and ``choices`` its kind, of which ``ignore``, ``illegible`` and the like mark
a word that does not count. Coordinates are percentages of the picture; a rectangle is rotated
around its top left corner, in degrees clockwise.

Of several annotations of a task the one marked as ground truth is taken, or else the latest.
Cancelled annotations are ignored; a task without annotation is left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import parse_qs, unquote, urlsplit

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

_RECTANGLES = ("rectanglelabels", "rectangle")
_POLYGONS = ("polygonlabels", "polygon")
# An error, since skipping such a region would make its text background.
_NOT_READ = re.compile(r"(brush|bitmask|ellipse|vector)(labels)?")
_PICTURE = re.compile(r".+\.(bmp|gif|jpe?g|png|tiff?|webp)", re.IGNORECASE)
_UPLOAD = re.compile(r"[0-9a-f]{8}-(?=.)")


def is_label_studio(labels: Any) -> bool:
    """Returns whether a value of JSON is such an export."""
    return _all_have(labels, "data") and _any_has(labels, "annotations", "completions")


def is_label_studio_min(labels: Any) -> bool:
    """Returns whether a JSON value is an export as "JSON-MIN", which lacks the picture's size."""
    return _all_have(labels, "annotation_id") and not _any_has(labels, "data")


def read_label_studio(path: Path, tasks: list[dict[str, Any]]) -> list[LabelledPage]:
    """Returns the pages of an export.

    Args:
        path: the file.
        tasks: its value.

    Raises:
        ConfigurationError: an invalid task, or one whose picture is missing.
    """
    pages, pictures = [], Pictures(path)
    for number, task in enumerate(tasks, 1):
        known = task.get("id")
        place = f"{path}: task {f'at place {number}' if known is None else known}"
        with naming(place):
            annotation = _annotation(task)
            if annotation is None:
                continue
            words = _words(list_of(annotation["result"]), place)
            pages.append(LabelledPage(_picture(task, pictures), words))
    return pages


def _all_have(labels: Any, name: str) -> bool:
    return (
        isinstance(labels, list)
        and bool(labels)
        and all(isinstance(task, dict) and name in task for task in labels)
    )


def _any_has(labels: list[dict[str, Any]], *names: str) -> bool:
    return any(name in task for task in labels for name in names)


def _annotation(task: dict[str, Any]) -> dict[str, Any] | None:
    entries = map(object_of, list_of(task.get("annotations", task.get("completions", []))))
    kept = [entry for entry in entries if not entry.get("was_cancelled")]
    return max(kept, key=_rank, default=None)


def _rank(annotation: dict[str, Any]) -> tuple[bool, str]:
    time = annotation.get("updated_at") or annotation.get("created_at")
    return bool(annotation.get("ground_truth")), str(time or "")


def _words(results: list[Any], place: str) -> tuple[LabelledWord, ...]:
    regions: dict[str, list[dict[str, Any]]] = {}
    for number, result in enumerate(map(object_of, results), 1):
        regions.setdefault(str(result.get("id") or f"at place {number}"), []).append(result)
    words = []
    for key, region in regions.items():
        with naming(f"{place}, region {key}"):
            words.append(_word(region))
    return words_of(words)


def _word(region: list[dict[str, Any]]) -> LabelledWord | None:
    outlines = [outline for outline in map(_outline, region) if outline is not None]
    if not outlines:
        return None  # a result about the picture as a whole
    texts = [text for result in region for text in _values(result, "textarea", "text")]
    ignore = any(not_counted(name) for result in region for name in _names(result))
    return marked_word(outlines[0], " ".join(texts), ignore)


def _outline(result: dict[str, Any]) -> NDArray[np.float64] | None:
    kind = result.get("type")
    if isinstance(kind, str) and _NOT_READ.fullmatch(kind):
        raise ValueError(f"{kind} is not supported; use rectangles or polygons")
    if kind not in (*_RECTANGLES, *_POLYGONS):
        return None
    if result.get("image_rotation"):
        raise ValueError("labelled on a rotated picture; rotate the file itself instead")
    value = object_of(result["value"])
    size = np.array([result["original_width"], result["original_height"]], np.float64) / 100
    if not (np.isfinite(size) & (size > 0)).all():
        raise ValueError(f"not a picture's size: {size * 100}")
    if kind in _POLYGONS:
        return np.asarray(value["points"], np.float64) * size
    corner = np.array([value["x"], value["y"]], np.float64) * size
    extent = np.array([value["width"], value["height"]], np.float64) * size
    return turned(quad_of(*corner, *(corner + extent)), value.get("rotation") or 0, corner)


def _names(result: dict[str, Any]) -> Iterator[str]:
    kind = str(result.get("type"))
    if kind.endswith("labels") or kind == "choices":
        yield from _values(result, kind, kind)


def _values(result: dict[str, Any], kind: str, name: str) -> list[str]:
    if result.get("type") != kind:
        return []
    found = object_of(result["value"]).get(name, [])
    return [found] if isinstance(found, str) else [str(each) for each in list_of(found)]


def _picture(task: dict[str, Any], pictures: Pictures) -> Path:
    names = [_file_name(source) for source in _sources(task)]
    if not names:
        raise ValueError("no picture named")
    names += [unquote(name) for name in names]
    # Label Studio puts a number before the names of uploaded files.
    return pictures.path(*names, *map(_without_upload, names))


def _sources(task: dict[str, Any]) -> list[str]:
    data = object_of(task["data"])
    named = [name_of(data[key]) for key in ("image", "ocr") if data.get(key)][:1]
    if not named:
        named = [each for each in data.values() if _is_picture(each)]
    if len(named) > 1:
        raise ValueError(f"several pictures named: {', '.join(named)}")
    upload = task.get("file_upload")
    return [*named, upload] if _is_picture(upload) else named


def _is_picture(value: Any) -> TypeGuard[str]:
    # The upload may have been a list of tasks.
    return isinstance(value, str) and _PICTURE.fullmatch(_file_name(value)) is not None


def _file_name(source: str) -> str:
    parts = urlsplit(source)
    if parts.path.endswith("/local-files/"):  # ?d=folder/picture.jpg
        return "".join(parse_qs(parts.query)["d"])
    # Anything but a URL is a path, in which ``?`` and ``#`` are ordinary characters.
    return (parts.path if "://" in source else source).lstrip("/")


def _without_upload(name: str) -> str:
    folders, slash, last = name.rpartition("/")
    return folders + slash + _UPLOAD.sub("", last, count=1)

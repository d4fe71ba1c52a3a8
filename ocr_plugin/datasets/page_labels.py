"""Labels of pages, in the layouts of public sets and labelling tools.

* ``labels.jsonl``: one object per line, ``image`` (a path) and ``words``, each with ``polygon``
  ([[x, y], ...]), ``text`` and ``ignore``; or ``lines`` of that form, if words are not labelled;
* a text file for each picture, as in ICDAR and Total-Text: `picture_labels`, `icdar_labels`,
  `total_text_labels`;
* an export of Label Studio, as JSON: `label_studio`;
* JSON of COCO, COCO-Text and TextOCR: `coco_labels`;
* PaddleOCR's ``Label.txt``: `paddle_labels`.

Pictures are beside the labels or in ``images`` there; if the labels are in a folder called
``annotations``, ``gt`` or ``labels``, also beside that folder.

Coordinates are pixels of the upright page, as `LabelledPage.pixels` returns it, with the EXIF
orientation applied. Label Studio does the same; for labels from a tool that does not, rotate the
files themselves.

Outlines are returned clockwise. Those that enclose nothing are left out: large sets have a few.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ocr_plugin.datasets.coco_labels import is_coco, is_coco_text, read_coco, read_coco_text
from ocr_plugin.datasets.json_line_labels import read_json_lines
from ocr_plugin.datasets.label_files import json_of, text_of
from ocr_plugin.datasets.label_studio import (
    is_label_studio,
    is_label_studio_min,
    read_label_studio,
)
from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.datasets.paddle_labels import is_paddle, read_paddle
from ocr_plugin.datasets.picture_labels import PictureLabels
from ocr_plugin.errors import ConfigurationError

_Reader = Callable[[], list[LabelledPage]]

_OURS = "labels.jsonl"
_KNOWN = (
    "labels.jsonl, a text file for each picture, Label.txt of PaddleOCR,"
    " or JSON of Label Studio, COCO or COCO-Text"
)


def read_labels(path: Path) -> Sequence[LabelledPage]:
    """Returns the pages of a set; opens no picture.

    Args:
        path: the folder, or the file of labels itself.

    Raises:
        ConfigurationError: no labels, labels of several sets, or invalid labels; one line that
            names the file, and the line or the entry.
    """
    if path.is_dir():
        readers = dict(_readers(path))
    elif path.is_file():
        reader = _reader(path) or _single(path)
        readers = {} if reader is None else {path.name: reader}
    else:
        raise ConfigurationError(f"{path}: no such file or folder")
    if not readers:
        raise ConfigurationError(f"{path}: no labels found; supported are {_KNOWN}")
    if len(readers) > 1:
        names = ", ".join(readers)
        raise ConfigurationError(f"{path}: labels of several sets: {names}; give one of the files")
    return next(iter(readers.values()))()


def _readers(folder: Path) -> Iterator[tuple[str, _Reader]]:
    """Yields the names of all labels of a folder, and their readers."""
    for place in (folder, folder / "annotations"):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            # Other JSON Lines files may hold anything.
            if path.suffix.lower() != ".jsonl" or path.name == _OURS:
                reader = _reader(path) if path.is_file() else None
                if reader is not None:
                    yield str(path.relative_to(folder)), reader
    labels = PictureLabels(folder)
    if labels.are_labels():
        yield str(labels.paths[0].relative_to(folder)), labels.read


def _reader(path: Path) -> _Reader | None:
    """Returns the reader of a file of labels of many pictures; None if it is not one."""
    match path.suffix.lower():
        case ".jsonl":
            return partial(read_json_lines, path)
        case ".json":
            return _json_reader(path)
        case ".txt" if is_paddle(_first_line(path)):
            return partial(read_paddle, path)
    return None


def _json_reader(path: Path) -> _Reader | None:
    labels = json_of(path)
    if is_label_studio(labels):
        return partial(read_label_studio, path, labels)
    if is_coco(labels):
        return partial(read_coco, path, labels)
    if is_coco_text(labels):
        return partial(read_coco_text, path, labels)
    if is_label_studio_min(labels):
        raise ConfigurationError(f"{path}: is JSON-MIN of Label Studio; export it as JSON")
    return None


def _single(path: Path) -> _Reader | None:
    """Returns the reader of a file of labels of one picture."""
    labels = PictureLabels(path.parent, [path.name])
    return labels.read if labels.are_labels() else None


def _first_line(path: Path) -> str:
    try:
        return text_of(path).lstrip().partition("\n")[0]
    except ConfigurationError:
        return ""  # not necessarily labels

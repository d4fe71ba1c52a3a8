"""Labelled word images in the layouts in which scene-text sets are handed around.

* LMDB as of the deep-text-recognition benchmark: ``num-samples``, ``image-%09d``, ``label-%09d``;
* a folder with ``labels.jsonl``: one object a line with ``image`` (a path) and ``text``;
* a folder with ICDAR's ``gt.txt``: one ``word_1.png, "Text"`` a line.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ocr_plugin.errors import ConfigurationError, UnreadableImage
from ocr_plugin.images import PageImage, open_pages
from ocr_plugin.options import ImageOptions
from ocr_plugin.protocols import RGB

_ICDAR_LINE = re.compile(r'\s*(?P<image>[^,]+?)\s*,\s*"(?P<text>.*)"\s*')


@dataclass(frozen=True)
class WordImage:
    """A word as it stands in a picture.

    Attributes:
        name: where it came from, for messages.
        pixels: (h, w, 3) uint8 RGB.
        label: what it says, as labelled.
    """

    name: str
    pixels: RGB
    label: str


@dataclass(frozen=True)
class BadRecord:
    """A record that holds no word image: which one, and why."""

    name: str
    reason: str


def open_word_set(path: Path) -> Iterator[WordImage | BadRecord]:
    """Yields the records of a set in its own order; one that cannot be used yields what is wrong.

    Raises:
        ConfigurationError: `path` holds none of the known layouts; raised by the first ``next``.
    """
    if (path / "data.mdb").is_file():
        yield from _lmdb_records(path)
    elif (path / "labels.jsonl").is_file():
        yield from _listed_records(path, "labels.jsonl", _jsonl_entry)
    elif (path / "gt.txt").is_file():
        yield from _listed_records(path, "gt.txt", _icdar_entry)
    elif not path.is_dir():
        raise ConfigurationError(f"{path}: no such folder")
    else:
        raise ConfigurationError(f"{path}: neither data.mdb nor labels.jsonl nor gt.txt is there")


def _lmdb_records(path: Path) -> Iterator[WordImage | BadRecord]:
    try:
        import lmdb
    except ImportError as error:
        raise ConfigurationError(
            f"{path}: reading LMDB needs pip install 'ocr-plugin[eval]'"
        ) from error
    try:
        environment = lmdb.open(str(path), readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise ConfigurationError(f"{path}: damaged LMDB: {error}") from error
    with environment, environment.begin() as transaction:
        try:
            count = int(transaction.get(b"num-samples", b""))
        except ValueError:
            raise ConfigurationError(f"{path}: the LMDB has no num-samples") from None
        for number in range(1, count + 1):
            name = f"{path}#{number}"
            image = transaction.get(b"image-%09d" % number)
            label = transaction.get(b"label-%09d" % number)
            if image is None or label is None:
                yield BadRecord(name, "has no image" if image is None else "has no label")
                continue
            try:
                text = bytes(label).decode("utf-8")
            except UnicodeDecodeError:
                yield BadRecord(name, "its label is not UTF-8")
                continue
            yield _record(name, bytes(image), text)


def _listed_records(
    folder: Path, list_name: str, entry: Callable[[str], tuple[str, str]]
) -> Iterator[WordImage | BadRecord]:
    lines = (folder / list_name).read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name = f"{folder / list_name}:{number}"
        try:
            image, text = entry(line)
        except (ValueError, KeyError, TypeError) as error:
            yield BadRecord(name, f"not a labelled image: {error}")
            continue
        yield _record(name, folder / image, text)


def _jsonl_entry(line: str) -> tuple[str, str]:
    values = json.loads(line)
    image, text = values["image"], values["text"]
    if not isinstance(image, str) or not isinstance(text, str):
        raise TypeError("image and text must be strings")
    return image, text


def _icdar_entry(line: str) -> tuple[str, str]:
    match = _ICDAR_LINE.fullmatch(line)
    if not match:
        raise ValueError('expected: name, "text"')
    return match["image"], match["text"].replace('\\"', '"')


def _record(name: str, source: Path | bytes, label: str) -> WordImage | BadRecord:
    try:
        page = next(open_pages(source, ImageOptions()))
    except UnreadableImage as error:
        return BadRecord(name, error.reason)
    if not isinstance(page, PageImage):
        return BadRecord(name, page.reason)
    return WordImage(name, page.pixels, label)

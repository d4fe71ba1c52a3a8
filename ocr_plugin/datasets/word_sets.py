"""Labelled word images in the usual layouts of scene-text sets.

* LMDB of the deep-text-recognition benchmark: ``num-samples``, ``image-%09d``, ``label-%09d``;
* a folder with ``labels.jsonl``: one object per line with ``image`` (a path) and ``text``;
* a folder with ICDAR's ``gt.txt``: one ``word_1.png, "Text"`` per line.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ocr_plugin.errors import ConfigurationError, UnreadableImage
from ocr_plugin.pages.decode import first_page
from ocr_plugin.protocols import RGB

# LMDB refuses to open a file twice in a process; sets of the same file share its environment.
_ENVIRONMENTS: "WeakValueDictionary[Path, Any]" = WeakValueDictionary()

_ICDAR_LINE = re.compile(r'\s*(?P<image>[^,]+?)\s*,\s*"(?P<text>.*)"\s*')


@dataclass(frozen=True)
class WordImage:
    """A labelled picture of a word.

    Attributes:
        name: of its record, for messages.
        pixels: (h, w, 3) uint8 RGB.
        label: its text, as labelled.
    """

    name: str
    pixels: RGB
    label: str


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used, and why."""

    name: str
    reason: str


class WordSet:
    """A set of labelled word images, read by index.

    A set can be pickled: other processes open it again. It must not be used after a fork, which
    LMDB's memory map does not survive.
    """

    def __init__(self, path: Path) -> None:
        """Opens a set.

        Raises:
            ConfigurationError: `path` has none of the supported layouts, or is damaged.
        """
        self.path = path
        self._entries: _LmdbEntries | _ListedEntries
        if (path / "data.mdb").is_file():
            self._entries = _LmdbEntries(path)
        elif (path / "labels.jsonl").is_file():
            self._entries = _ListedEntries(path, "labels.jsonl", _jsonl_entry)
        elif (path / "gt.txt").is_file():
            self._entries = _ListedEntries(path, "gt.txt", _icdar_entry)
        elif not path.is_dir():
            raise ConfigurationError(f"{path}: no such folder")
        else:
            raise ConfigurationError(
                f"{path}: no word set: neither data.mdb nor labels.jsonl nor gt.txt in it"
            )

    def __len__(self) -> int:
        return len(self._entries)

    def label(self, index: int) -> "str | BadRecord":
        """Returns a record's label, without decoding its picture; counted from 0."""
        try:
            return self._entries.label(index)
        except ValueError as error:
            return BadRecord(self._entries.name(index), str(error))

    def record(self, index: int) -> WordImage | BadRecord:
        """Returns a record, counted from 0, or why it cannot be used."""
        name = self._entries.name(index)
        try:
            label, source = self._entries.label(index), self._entries.source(index)
        except ValueError as error:
            return BadRecord(name, str(error))
        try:
            page = first_page(source)
        except UnreadableImage as error:
            return BadRecord(name, error.reason)
        return WordImage(name, page.pixels, label)


def open_word_set(path: Path) -> Iterator[WordImage | BadRecord]:
    """Yields the records of a set in its own order, or why one cannot be used.

    Raises:
        ConfigurationError: as `WordSet` does; raised by the first ``next``.
    """
    words = WordSet(path)
    for index in range(len(words)):
        yield words.record(index)


class _LmdbEntries:
    """Records of an LMDB; they are numbered from 1 there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._environment: Any = None
        try:
            count = self._value(b"num-samples") or b""
        except ValueError as error:
            raise ConfigurationError(f"{path}: {error}") from error
        if not count.isdigit():
            raise ConfigurationError(f"{path}: the LMDB has no num-samples")
        self._count = int(count)

    def __len__(self) -> int:
        return self._count

    def __getstate__(self) -> dict[str, Any]:  # other processes open the LMDB themselves
        return {**self.__dict__, "_environment": None}

    def name(self, index: int) -> str:
        return f"{self._path}#{index + 1}"

    def label(self, index: int) -> str:
        value = self._value(b"label-%09d" % (index + 1))
        if value is None:
            raise ValueError("has no label")
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("its label is not UTF-8") from None

    def source(self, index: int) -> bytes:
        value = self._value(b"image-%09d" % (index + 1))
        if value is None:
            raise ValueError("has no image")
        return value

    def _value(self, key: bytes) -> bytes | None:
        if self._environment is None:
            self._environment = _open_lmdb(self._path)
        import lmdb

        try:
            with self._environment.begin() as transaction:
                value = transaction.get(key)
        except lmdb.Error as error:
            raise ValueError(f"damaged LMDB: {error}") from error
        return None if value is None else bytes(value)


def _open_lmdb(path: Path) -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise ConfigurationError(
            f"{path}: reading LMDB needs pip install 'ocr-plugin[eval]'"
        ) from error
    environment = _ENVIRONMENTS.get(path.resolve())
    if environment is None:
        try:
            environment = lmdb.open(str(path), readonly=True, lock=False, readahead=False)
        except lmdb.Error as error:
            raise ConfigurationError(f"{path}: damaged LMDB: {error}") from error
        # Reading beyond the end of a mapped file would kill the process.
        needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        if (path / "data.mdb").stat().st_size < needed:
            raise ConfigurationError(f"{path}: damaged LMDB: the file is truncated")
        _ENVIRONMENTS[path.resolve()] = environment
    return environment


class _ListedEntries:
    """Records of a text file, one per line, that names the pictures beside it."""

    def __init__(
        self, folder: Path, list_name: str, entry: Callable[[str], tuple[str, str]]
    ) -> None:
        self._folder = folder
        self._list = folder / list_name
        self._entry = entry
        try:
            content = self._list.read_bytes().removeprefix(codecs.BOM_UTF8)
        except OSError as error:
            raise ConfigurationError(f"{self._list}: cannot be read: {error.strerror}") from error
        # Split as bytes: labels may contain Unicode's other line separators.
        lines = content.splitlines()
        self._lines = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]

    def __len__(self) -> int:
        return len(self._lines)

    def name(self, index: int) -> str:
        return f"{self._list}:{self._lines[index][0]}"

    def label(self, index: int) -> str:
        return self._parsed(index)[1]

    def source(self, index: int) -> Path:
        return self._folder / self._parsed(index)[0]

    def _parsed(self, index: int) -> tuple[str, str]:
        try:
            return self._entry(self._lines[index][1].decode("utf-8"))
        except UnicodeDecodeError:
            raise ValueError("not a labelled image: not UTF-8") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not a labelled image: {error}") from error


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

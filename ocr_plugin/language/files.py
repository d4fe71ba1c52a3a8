"""Language files: a zip of a JSON header and arrays of bytes, safe to load from anyone."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import ConfigurationError, ModelError, one_line
from ocr_plugin.language.mixture import Language, make_language
from ocr_plugin.language.ngrams import MOST_LEVELS, Level, NgramTable

FORMAT = 1
SHIPPED = "latin.language"
_HEADER = "header.json"
_FIELDS = ("characters", "children", "masses")
# RuntimeError: an encrypted file, or one compressed in a way that nobody uses; ArithmeticError: a
# weight too large for a float.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, LookupError, ValueError, TypeError, EOFError,
    RuntimeError, ArithmeticError,
)  # fmt: skip
_LARGEST = 256 << 20  # bytes, packed and unpacked: no file of a sane size has more
_THREADS = 2
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same for every build: the same bytes


def load_language(path: Path | None = None) -> Language:
    """Loads a language file.

    Args:
        path: None for the file that comes with the package.

    Raises:
        ConfigurationError: there is no such file, or it cannot be opened.
        ModelError: it is not a language file, or is damaged.
    """
    with _archive_of(path) as archive:
        header, table = _unpacked(archive)
        return make_language(header["languages"], header["weights"], table)


def read_header(path: Path | None = None) -> dict[str, Any]:
    """Returns a file's metadata: sources, licence, options of its building.

    Args:
        path: None for the file that comes with the package.

    Raises:
        ConfigurationError, ModelError: as `load_language`.
    """
    with _archive_of(path) as archive:
        return _header(archive)


def packed(header: dict[str, Any], table: NgramTable) -> bytes:
    """Returns a language file's bytes: the same for the same contents.

    Args:
        header: ``languages`` and ``weights`` as `make_language` takes them, and any metadata.
        table: of the languages, and of numbers as the last part.
    """
    buffer = io.BytesIO()
    whole = {"format": FORMAT, "alphabet": table.alphabet, "levels": len(table.levels), **header}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:

        def add(name: str, data: bytes) -> None:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data, compresslevel=9)

        add(_HEADER, json.dumps(whole, ensure_ascii=False, indent=1).encode())
        add("roots", table.roots.tobytes())
        for number, level in enumerate(table.levels, 1):
            for field in _FIELDS:
                add(f"{number}.{field}", getattr(level, field).tobytes())
    return buffer.getvalue()


@contextmanager
def _archive_of(path: Path | None) -> Iterator[zipfile.ZipFile]:
    """Opens a language file; whatever is wrong in it is told in one line."""
    name = str(path or SHIPPED)
    try:
        with (path or files("ocr_plugin.language") / "data" / SHIPPED).open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            data = file.read() if size <= _LARGEST else b""
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot be read: {error}") from error
    try:
        if size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST} bytes")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _LARGEST:
                raise ValueError(f"unpacked, it is larger than {_LARGEST} bytes")
            yield archive
    except _BROKEN as error:
        raise ModelError(f"{name}: not a usable language file: {one_line(error)}") from error


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns a file of an archive, of which no more is unpacked than its size says."""
    with archive.open(name) as file:
        return file.read(archive.getinfo(name).file_size)


def _header(archive: zipfile.ZipFile) -> dict[str, Any]:
    header = dict(json.loads(_read(archive, _HEADER)))
    if header["format"] != FORMAT:
        raise ValueError(f"format {header['format']}, not {FORMAT}")
    return header


def _unpacked(archive: zipfile.ZipFile) -> tuple[dict[str, Any], NgramTable]:
    def array(name: str) -> NDArray[np.uint8]:
        return np.frombuffer(_read(archive, name), np.uint8)

    def level(number: int) -> Level:
        return Level(*(array(f"{number}.{field}") for field in _FIELDS))

    header = _header(archive)
    numbers = range(1, min(header["levels"], MOST_LEVELS + 1) + 1)
    with ThreadPoolExecutor(_THREADS) as pool:  # inflating and summing let go of the interpreter
        levels = list(pool.map(level, numbers))
    return header, NgramTable(header["alphabet"], array("roots"), levels)

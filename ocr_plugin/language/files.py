"""Language files: a zip of a JSON header and arrays of bytes, safe to load from anyone."""

import io
import json
import zipfile
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.errors import ConfigurationError, ModelError, one_line
from ocr_plugin.language.mixture import Language, make_language
from ocr_plugin.language.ngrams import Level, NgramTable

FORMAT = 1
SHIPPED = "latin.language"
_HEADER = "header.json"
_FIELDS = ("characters", "children", "masses")
# RuntimeError: an encrypted file; NotImplementedError: compressed in a way that nobody uses.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, EOFError, RuntimeError,
    NotImplementedError,
)  # fmt: skip
_LARGEST = 64 << 20  # bytes of one array: no file of a sane size has more
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same for every build: the same bytes


def load_language(path: Path | None = None) -> Language:
    """Loads a language file.

    Args:
        path: None for the file that comes with the package.

    Raises:
        ConfigurationError: there is no such file, or it cannot be opened.
        ModelError: it is not a language file, or is damaged.
    """
    try:
        data = (
            (files("ocr_plugin.language") / "data" / SHIPPED).read_bytes()
            if path is None
            else path.read_bytes()
        )
    except OSError as error:
        raise ConfigurationError(f"{path or SHIPPED}: cannot be read: {error}") from error
    try:
        header, table = _unpacked(data)
        return make_language(header["languages"], header["weights"], table)
    except _BROKEN as error:
        raise ModelError(
            f"{path or SHIPPED}: not a usable language file: {one_line(error)}"
        ) from error


def read_header(path: Path) -> dict[str, Any]:
    """Returns a file's metadata: sources, licence, options of its building."""
    with zipfile.ZipFile(path) as archive:
        return dict(json.loads(archive.read(_HEADER)))


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


def _unpacked(data: bytes) -> tuple[dict[str, Any], NgramTable]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:

        def read(name: str) -> bytes:
            if archive.getinfo(name).file_size > _LARGEST:
                raise ValueError(f"{name} is larger than {_LARGEST} bytes")
            return archive.read(name)

        def array(name: str) -> NDArray[np.uint8]:
            return np.frombuffer(read(name), np.uint8)

        header = json.loads(read(_HEADER))
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']}, not {FORMAT}")
        levels = [
            Level(*(array(f"{number}.{field}") for field in _FIELDS))
            for number in range(1, header["levels"] + 1)
        ]
        roots = array("roots")
    return header, NgramTable(header["alphabet"], roots, levels)

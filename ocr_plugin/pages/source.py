"""Sources of pages: their types, names and bytes."""

import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ocr_plugin.pages.raster import Unusable

Source = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | NDArray[Any] | Image.Image | BinaryIO
)
"""A path; an encoded file's bytes, or a binary file object read from its current position; a
Pillow image, of which the current frame is taken; or an array (H, W), (H, W, 1), (H, W, 3) RGB or
(H, W, 4) RGBA of uint8, uint16, bool, or float from 0 (black) to 1."""

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""The first bytes of TIFFs and BigTIFFs."""

_BYTES = (bytes, bytearray, memoryview)
# Bytes of a file that are read at once.
_PART = 1 << 20


def name_of(source: Source) -> str:
    """Returns a source's name: its path as text, or a stand-in such as ``<bytes>``."""
    return text_of(_given_name(source))


def _given_name(source: Source) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, _BYTES):
        return "<bytes>"
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "")) or "<image>"
    name = getattr(source, "name", None)
    if isinstance(name, str):
        return name
    return "<file>" if hasattr(source, "read") else f"<{type(source).__name__}>"


def is_pdf(path: Path) -> bool:
    """Returns whether a file begins as PDFs do."""
    return _start_of(path) == b"%PDF-"


def is_tiff(path: Path) -> bool:
    """Returns whether a file begins as TIFFs and BigTIFFs do."""
    return _start_of(path).startswith(TIFF_STARTS)


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(5)


def bytes_of(source: Source, most: int) -> bytes:
    """Returns an encoded file's bytes.

    Args:
        source: no array and no image.
        most: how many bytes a file or a file object may have; what is in memory already may have
            more.

    Raises:
        Unusable: there are none, or too many.
    """
    try:
        data = _read(source, most)
    except FileNotFoundError as error:
        raise Unusable("no such file") from error
    except IsADirectoryError as error:
        raise Unusable("is a directory") from error
    except PermissionError as error:
        raise Unusable("no permission to read it") from error
    except MemoryError as error:
        raise Unusable("the file is larger than the memory") from error
    except (OSError, ValueError) as error:  # ValueError: a closed file, a path with a null byte
        raise Unusable(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not data:
        raise Unusable("the file is empty")
    return data


def _read(source: Source, most: int) -> bytes:
    if isinstance(source, _BYTES):
        # What may change is copied: it is hashed and decoded later.
        return source if isinstance(source, bytes) else bytes(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        mode = path.stat().st_mode
        # A device may have no end, and a pipe never a writer.
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise Unusable("not a regular file; pipe it in and give - for standard input")
        with path.open("rb") as file:
            # A file may claim more than the disk holds, and have more than it claims.
            if os.fstat(file.fileno()).st_size > most:
                raise _too_large(most)
            return read_at_most(file, most)
    if hasattr(source, "read"):
        return read_at_most(cast(BinaryIO, source), most)
    raise Unusable("not a path, bytes, a binary file, an array or a Pillow image")


def read_at_most(file: BinaryIO, most: int) -> bytes:
    """Returns what is left of a file.

    Raises:
        Unusable: it is more than so many bytes; a pipe may have no end.
    """
    held = io.BytesIO()
    while (part := file.read(_PART)) != b"":
        if not isinstance(part, _BYTES):
            raise Unusable("the file object gives text; open it in binary mode")
        held.write(part)
        if held.tell() > most:
            raise _too_large(most)
    return held.getvalue()


def _too_large(most: int) -> Unusable:
    return Unusable(f"the file is larger than the limit of {most} bytes (max_bytes)")


def text_of(name: str) -> str:
    r"""Returns a file's name as text; on most systems it may be any bytes.

    Bytes that are not UTF-8 become ``\xff`` and the like, so that the text is valid anywhere.
    """
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # not a name from the file system
        raw = name.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")

"""Fax compression in TIFFs (CCITT groups 3 and 4): what libtiff says of damaged data.

Where a code word is none, libtiff says so on the standard error and goes on: the rows from there on
are white or wrong, and Pillow returns them as good. The messages are therefore caught. Fax data
have no checksum, so damage that makes other valid code words cannot be told from a picture.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import TiffImagePlugin

_COMPRESSION = 259
_FAX = (2, 3, 4)
_STDERR = 2
_ABOUT_FAX = b"Fax"
# The standard error is the process's, not a thread's.
_lock = threading.Lock()


@contextmanager
def fax_damage(image: TiffImagePlugin.TiffImageFile) -> Iterator[list[str]]:
    """Gives a list that, after the block in which the image is loaded, has a warning or none.

    What others wrote to the standard error meanwhile is written there afterwards.
    """
    warnings: list[str] = []
    if image.tag_v2.get(_COMPRESSION) not in _FAX:
        yield warnings
        return
    written: list[bytes] = []
    with _lock, _caught(written):
        yield warnings
    if damaged := sum(line.startswith(_ABOUT_FAX) for line in written):
        places = "one place" if damaged == 1 else f"{damaged} places"
        warnings.append(f"the fax data are damaged in {places}: rows from there on may be wrong")


@contextmanager
def _caught(lines: list[bytes]) -> Iterator[None]:
    """Appends what is written to the standard error; lines that are not libtiff's go there, too."""
    try:
        outside = os.dup(_STDERR)
    except OSError:  # a service may have none; then libtiff's messages are lost, too
        yield
        return
    with os.fdopen(outside, "wb") as stderr, tempfile.TemporaryFile() as inside:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(inside.fileno(), _STDERR)
        try:
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(outside, _STDERR)
            inside.seek(0)
            lines += inside.read().splitlines(keepends=True)
            stderr.writelines(line for line in lines if not line.startswith(_ABOUT_FAX))

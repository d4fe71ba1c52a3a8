"""Photos of a folder, to write on."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError, UnreadableImage
from ocr_plugin.pages.decode import first_page
from ocr_plugin.protocols import RGB

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def photos_in(folder: Path | None) -> Sequence[Path]:
    """Returns the photos in a folder, in a fixed order; none where there is no folder.

    Raises:
        ConfigurationError: there are none in the folder.
    """
    if folder is None:
        return ()
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise ConfigurationError(f"{folder}: no photos in it")
    return paths


def decoded(
    paths: Sequence[Path], start: int, longest: int, passed_over: list[BadRecord]
) -> tuple[Path, RGB]:
    """Returns a photo by its number; after some that do not decode, the next that does.

    Args:
        paths: of the photos; at least one.
        start: the number.
        longest: the most that its longer side may have, in pixels.
        passed_over: gets those that do not decode.

    Raises:
        ConfigurationError: none decodes.
    """
    for offset in range(len(paths)):
        path = paths[(start + offset) % len(paths)]
        photo = small_photo(path, longest)
        if not isinstance(photo, BadRecord):
            return path, photo
        passed_over.append(photo)
    raise ConfigurationError(f"{paths[start].parent}: no photo in it decodes")


@lru_cache(maxsize=512)
def small_photo(path: Path, longest: int) -> RGB | BadRecord:
    """Returns a photo, its longer side at most so many pixels, or why it does not decode."""
    try:
        page = first_page(path)
    except UnreadableImage as error:
        return BadRecord(str(path), error.reason)
    share = longest / max(page.pixels.shape[:2])
    if share >= 1:
        return page.pixels
    small = cv2.resize(page.pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)

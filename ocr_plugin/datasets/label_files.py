"""Shared by all layouts of labels: files, errors with their place, pictures, words."""

import json
import math
import re
import reprlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_plugin.datasets.labelled_page import LabelledWord
from ocr_plugin.errors import ConfigurationError, one_line
from ocr_plugin.protocols import Points
from ocr_plugin.regions.geometry import clockwise

# Square pixels; rounded to float32, even a line has some area.
_NO_AREA = 0.01
# Folders for labels alone: the pictures lie beside them, or in ``images`` beside them.
_LABEL_FOLDERS = ("annotations", "gt", "labels")
_NOT_COUNTED = re.compile(
    r"\W*difficult\W*|#+"
    r"|(.*[^a-z])?(ignored?|illegible|not legible|unreadable|don'?t ?care)([^a-z].*)?"
)


def text_of(path: Path) -> str:
    """Returns the content of a text file, without a byte order mark.

    Raises:
        ConfigurationError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: cannot be read: not UTF-8") from None


def lines_of(path: Path) -> list[tuple[str, str]]:
    """Returns the lines of a text file that are not blank, as pairs of place and line.

    Only line feeds separate lines: labels may contain Unicode's other separators.

    Raises:
        ConfigurationError: as `text_of`.
    """
    lines = enumerate(text_of(path).split("\n"), 1)
    return [(f"{path}:{number}", line) for number, line in lines if line.strip()]


def json_of(path: Path) -> Any:
    """Returns the value of a JSON file.

    Raises:
        ConfigurationError: it cannot be read, or is not JSON.
    """
    text = text_of(path)
    with naming(str(path)):
        return json.loads(text)


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Turns errors of the body into a ConfigurationError, one line that names the place."""
    try:
        yield
    except KeyError as error:
        raise ConfigurationError(f"{place}: invalid labels: {error} is missing") from error
    except (ValueError, TypeError, ArithmeticError, RecursionError, OSError) as error:
        raise ConfigurationError(f"{place}: invalid labels: {one_line(error)}") from error


def object_of(value: Any) -> dict[str, Any]:
    """Returns a value that must be a JSON object.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, dict):
        raise ValueError(f"not an object: {reprlib.repr(value)}")
    return value


def list_of(value: Any) -> list[Any]:
    """Returns a value that must be a JSON list.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, list):
        raise ValueError(f"not a list: {reprlib.repr(value)}")
    return value


def name_of(value: Any) -> str:
    """Returns a value that must be a picture's name.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(f"not a picture's name: {reprlib.repr(value)}")
    return value


def not_counted(name: Any) -> bool:
    """Returns whether this is a name for words that do not count, such as ``illegible``."""
    if not isinstance(name, str):
        return False
    words = re.sub(r"[\s_-]+", " ", name.casefold()).strip()
    return _NOT_COUNTED.fullmatch(words) is not None


def picture_folders(folder: Path) -> list[Path]:
    """Returns the folders that may hold the pictures for labels in a folder."""
    places = [folder, folder / "images"]
    whole = folder.absolute()
    if whole.name in _LABEL_FOLDERS:
        places += [whole.parent, whole.parent / "images"]
    return places


class Pictures:
    """The pictures that a file of labels names; beside it, or in ``images``.

    Leading folders of a name that do not exist here are dropped one by one until the picture is
    found. Two names must not lead to the same picture.
    """

    def __init__(self, labels: Path) -> None:
        self._folders = picture_folders(labels.parent)
        self._names: dict[Path, str] = {}

    def path(self, name: str, *others: str) -> Path:
        """Returns the path of a picture.

        Args:
            name: as in the labels.
            others: further names that the file may have.

        Raises:
            ValueError: it is missing, or another name leads to it as well.
        """
        for path in (place for each in (name, *others) for place in self._places(each)):
            if path.is_file():
                if self._names.setdefault(path, name) != name:
                    raise ValueError(f"{self._names[path]} and {name} both lead to {path}")
                return path
        raise ValueError(f"picture not found: {name}")

    def _places(self, name: str) -> Iterator[Path]:
        yield self._folders[0] / name
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != ".."]
        for start in range(len(parts)):
            tail = PurePosixPath(*parts[start:])
            if not tail.is_absolute():
                yield from (folder / tail for folder in self._folders)


def polygon_of(points: Any) -> Points:
    """Returns an outline, (N, 2) float32, clockwise.

    Raises:
        ValueError: the points are not a polygon.
    """
    with np.errstate(over="ignore"):
        polygon = np.asarray(points, np.float64).astype(np.float32)
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
        raise ValueError(f"not a polygon: {reprlib.repr(points)}")
    if not np.isfinite(polygon).all():
        raise ValueError(f"not finite: {reprlib.repr(points)}")
    return clockwise(polygon)


def quad_of(x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
    """Returns a rectangle's corners, (4, 2), from two opposite ones.

    Raises:
        ValueError: a number is not finite.
    """
    if not np.isfinite((x0, y0, x1, y1)).all():
        raise ValueError(f"not finite: {x0}, {y0}, {x1}, {y1}")
    (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def turned(
    points: NDArray[np.float64], degrees: Any, centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns points rotated around another one, clockwise as seen on the screen.

    Raises:
        ValueError: not an angle.
    """
    angle = math.radians(float(degrees))
    along, across = math.cos(angle), math.sin(angle)
    x, y = (points - centre).T
    around: NDArray[np.float64] = np.stack([along * x - across * y, across * x + along * y], axis=1)
    return centre + around


def word_of(points: Any, text: Any = None, ignore: bool = False) -> LabelledWord | None:
    """Returns a word, or None if its outline encloses nothing, as a few do in any large set.

    Raises:
        ValueError: the points are not a polygon, or the text is not a string.
    """
    if text is not None and not isinstance(text, str):
        raise ValueError(f"not a text: {reprlib.repr(text)}")
    polygon = polygon_of(points)
    if cv2.contourArea(cv2.convexHull(polygon)) < _NO_AREA:
        return None
    return LabelledWord(polygon, text, ignore)


def marked_word(points: Any, text: Any, ignore: bool = False) -> LabelledWord | None:
    """Returns a word; the text ``###`` marks it as illegible; otherwise as `word_of`."""
    ignore = ignore or text == "###"
    return word_of(points, None if text in ("", "###") else text, ignore)


def words_of(words: Iterable[LabelledWord | None]) -> tuple[LabelledWord, ...]:
    """Returns the words whose outlines enclose something."""
    return tuple(word for word in words if word is not None)

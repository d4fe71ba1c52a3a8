"""What all layouts of labels share: reading a file, naming a fault, finding a picture, a word."""

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
from ocr_plugin.geometry import clockwise
from ocr_plugin.protocols import Points

# In square pixels; float32 leaves a line some area.
_NO_AREA = 0.01
# Folders for labels alone: the pictures lie beside them, or in ``images`` beside them.
_LABEL_FOLDERS = ("annotations", "gt", "labels")
_NOT_COUNTED = re.compile(
    r"\W*difficult\W*|#+"
    r"|(.*[^a-z])?(ignored?|illegible|not legible|unreadable|don'?t ?care)([^a-z].*)?"
)


def text_of(path: Path) -> str:
    """Returns what a text file says, without a byte order mark.

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
    """Returns the lines of a text file that are not blank, each after its place in it.

    What else ends a line in Unicode may stand in a label.

    Raises:
        ConfigurationError: as `text_of`.
    """
    lines = enumerate(text_of(path).split("\n"), 1)
    return [(f"{path}:{number}", line) for number, line in lines if line.strip()]


def json_of(path: Path) -> Any:
    """Returns the value of a JSON file.

    Raises:
        ConfigurationError: it cannot be read, or is no JSON.
    """
    text = text_of(path)
    with naming(str(path)):
        return json.loads(text)


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Makes of what goes wrong inside a ConfigurationError, of one line that names the place."""
    try:
        yield
    except KeyError as error:
        raise ConfigurationError(f"{place}: not understood: there is no {error}") from error
    except (ValueError, TypeError, ArithmeticError, RecursionError, OSError) as error:
        raise ConfigurationError(f"{place}: not understood: {one_line(error)}") from error


def object_of(value: Any) -> dict[str, Any]:
    """Returns a value that must be an object of JSON.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, dict):
        raise ValueError(f"no object: {reprlib.repr(value)}")
    return value


def list_of(value: Any) -> list[Any]:
    """Returns a value that must be a list of JSON.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, list):
        raise ValueError(f"no list: {reprlib.repr(value)}")
    return value


def name_of(value: Any) -> str:
    """Returns a picture's name.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(f"no name of a picture: {reprlib.repr(value)}")
    return value


def not_counted(name: Any) -> bool:
    """Returns whether this is a name for words that do not count, such as ``illegible``."""
    if not isinstance(name, str):
        return False
    words = re.sub(r"[\s_-]+", " ", name.casefold()).strip()
    return _NOT_COUNTED.fullmatch(words) is not None


def picture_folders(folder: Path) -> list[Path]:
    """Returns where the pictures may be whose labels are in a folder."""
    places = [folder, folder / "images"]
    whole = folder.absolute()
    if whole.name in _LABEL_FOLDERS:
        places += [whole.parent, whole.parent / "images"]
    return places


class Pictures:
    """The pictures that a file of labels names; beside it, or in ``images``.

    A name may have more folders in front than there are here: they are left out, one after another,
    until a picture is there. Two names must not lead to one picture that way.
    """

    def __init__(self, labels: Path) -> None:
        self._folders = picture_folders(labels.parent)
        self._names: dict[Path, str] = {}

    def path(self, name: str, *others: str) -> Path:
        """Returns where a picture is.

        Args:
            name: as in the labels.
            others: what else the file may be called.

        Raises:
            ValueError: it is not there, or another name leads there as well.
        """
        for path in (place for each in (name, *others) for place in self._places(each)):
            if path.is_file():
                if self._names.setdefault(path, name) != name:
                    raise ValueError(f"{self._names[path]} and {name} both lead to {path}")
                return path
        raise ValueError(f"picture not there: {name}")

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
        ValueError: these are no points of a polygon.
    """
    with np.errstate(over="ignore"):
        polygon = np.asarray(points, np.float64).astype(np.float32)
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
        raise ValueError(f"no polygon: {reprlib.repr(points)}")
    if not np.isfinite(polygon).all():
        raise ValueError(f"no finite numbers: {reprlib.repr(points)}")
    return clockwise(polygon)


def quad_of(x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
    """Returns a rectangle's corners, (4, 2), from two that are opposite.

    Raises:
        ValueError: a number is not finite.
    """
    if not np.isfinite((x0, y0, x1, y1)).all():
        raise ValueError(f"no finite numbers: {x0}, {y0}, {x1}, {y1}")
    (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def turned(
    points: NDArray[np.float64], degrees: Any, centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns points turned around another one, clockwise as seen on the screen.

    Raises:
        ValueError: that is no angle.
    """
    angle = math.radians(float(degrees))
    along, across = math.cos(angle), math.sin(angle)
    x, y = (points - centre).T
    around: NDArray[np.float64] = np.stack([along * x - across * y, across * x + along * y], axis=1)
    return centre + around


def word_of(points: Any, text: Any = None, ignore: bool = False) -> LabelledWord | None:
    """Returns a word, or None where its outline encloses nothing, as some of any big set do.

    Raises:
        ValueError: these are no points of a polygon, or that is no text.
    """
    if text is not None and not isinstance(text, str):
        raise ValueError(f"no text: {reprlib.repr(text)}")
    polygon = polygon_of(points)
    if cv2.contourArea(cv2.convexHull(polygon)) < _NO_AREA:
        return None
    return LabelledWord(polygon, text, ignore)


def marked_word(points: Any, text: Any, ignore: bool = False) -> LabelledWord | None:
    """Returns a word whose text may be ``###`` instead, for illegible; else as `word_of`."""
    ignore = ignore or text == "###"
    return word_of(points, None if text in ("", "###") else text, ignore)


def words_of(words: Iterable[LabelledWord | None]) -> tuple[LabelledWord, ...]:
    """Returns the words that enclose something."""
    return tuple(word for word in words if word is not None)

"""Labels in a text file for each picture, as in ICDAR's competitions and Total-Text.

For ``img_1.jpg`` the file is called ``gt_img_1.txt``, ``poly_gt_img_1.txt``, ``img_1.txt`` or
``img_1.jpg.txt``. It is beside the picture, or in ``gt`` beside ``images``. A picture without such
a file is not labelled and left out; one with an empty file has no words.
"""

import re
from collections import defaultdict
from pathlib import Path

from ocr_plugin.datasets.icdar_labels import icdar_words, is_icdar
from ocr_plugin.datasets.label_files import lines_of, picture_folders, text_of
from ocr_plugin.datasets.labelled_page import LabelledPage, LabelledWord
from ocr_plugin.datasets.total_text_labels import is_total_text, total_text_words
from ocr_plugin.errors import ConfigurationError

_PREFIX = re.compile(r"(poly_)?gt_(?=.)")
_PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


class PictureLabels:
    """The text files of a folder that each belong to a picture.

    Args:
        folder: of the text files, or of ``gt``.
        names: the files of that folder to consider; None for all.

    Attributes:
        paths: the files.
    """

    def __init__(self, folder: Path, names: list[str] | None = None) -> None:
        self._pictures: dict[Path, dict[str, list[Path]]] = {}
        places = [folder] if names is not None else [folder, folder / "gt"]
        files = [path for place in places for path in _files(place, {".txt"})]
        wanted = [path for path in files if names is None or path.name in names]
        self.paths = [path for path in wanted if self._belongs(path)]

    def are_labels(self) -> bool:
        """Returns whether these are labels, judged by their names and the first of them."""
        if any(_PREFIX.match(path.name) for path in self.paths):
            return True
        # An empty file may be anything.
        first = next(filter(None, map(_first_line, self.paths)), "")
        return _is_label(first)

    def read(self) -> list[LabelledPage]:
        """Returns the pages, in the order of the files.

        Raises:
            ConfigurationError: an invalid line, a picture that is missing or not the only one of
                that name, or a second file for a picture.
        """
        pages: dict[Path, LabelledPage] = {}
        owners: dict[Path, Path] = {}
        for path in self.paths:
            picture = self._picture(path)
            if picture in pages:
                raise ConfigurationError(f"{path}: {picture} has labels in {owners[picture].name}")
            owners[picture] = path
            pages[picture] = LabelledPage(picture, words_in(path))
        return list(pages.values())

    def _belongs(self, path: Path) -> bool:
        # Other text files are ignored.
        known = bool(_PREFIX.match(path.name) or self._pictures_of(path))
        return known or _is_label(_first_line(path))

    def _picture(self, path: Path) -> Path:
        pictures = self._pictures_of(path)
        if not pictures:
            name = _PREFIX.sub("", path.stem, count=1)
            raise ConfigurationError(f"{path}: picture not found: {name}")
        if len(pictures) > 1:
            both = " and ".join(str(picture) for picture in pictures)
            raise ConfigurationError(f"{path}: fits several pictures: {both}")
        return pictures[0]

    def _pictures_of(self, path: Path) -> list[Path]:
        known = self._known(path.parent)
        return known.get(_PREFIX.sub("", path.stem, count=1)) or known.get(path.stem) or []

    def _known(self, folder: Path) -> dict[str, list[Path]]:
        """Returns the pictures for a folder's files, by their names and by these without suffix."""
        if folder not in self._pictures:
            known = defaultdict(list)
            for place in picture_folders(folder):
                for path in _files(place, _PICTURES):
                    known[path.name].append(path)
                    known[path.stem].append(path)
            self._pictures[folder] = known
        return self._pictures[folder]


def words_in(path: Path) -> tuple[LabelledWord, ...]:
    """Returns the words of one file.

    Raises:
        ConfigurationError: an invalid line.
    """
    text = text_of(path)
    return total_text_words(path, text) if is_total_text(text) else icdar_words(lines_of(path))


def _first_line(path: Path) -> str:
    try:
        return next((line for _, line in lines_of(path)), "")
    except ConfigurationError:
        return "?"  # not necessarily labels


def _is_label(line: str) -> bool:
    return is_icdar(line) or is_total_text(line)


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)

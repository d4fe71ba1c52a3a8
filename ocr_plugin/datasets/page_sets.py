"""Sets of pages with the outlines of their words."""

from collections.abc import Sequence
from pathlib import Path

from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.datasets.page_labels import read_labels
from ocr_plugin.errors import ConfigurationError


class PageSet:
    """The labelled pages of a folder or of a file of labels, in the order of the labels.

    Args:
        path: see `page_labels`.

    Raises:
        ConfigurationError: no labels, or invalid ones; one line that names the file, and the line
            or the entry.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name if path.is_dir() else path.stem
        self.pages: Sequence[LabelledPage] = read_labels(path)
        if not self.pages:
            raise ConfigurationError(f"{path}: no labelled page")

    def __len__(self) -> int:
        return len(self.pages)

    def __getitem__(self, index: int) -> LabelledPage:
        return self.pages[index]

    def describe(self) -> str:
        """Returns one line with the numbers of pages and words."""
        words = [word for page in self.pages for word in page.words]
        counted = sum(not word.ignore for word in words)
        return (
            f"{self.name}: {len(self.pages):,} pages, {counted:,} words"
            f" and {len(words) - counted:,} to ignore"
        )

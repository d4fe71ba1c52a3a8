"""Sources of training pages for the word detector."""

import random
from typing import Protocol

from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError, UnreadableImage
from ocr_plugin.protocols import RGB
from ocr_plugin.training.detection.options import PageSetOptions


class PageSource(Protocol):
    """An endless supply of pages; may be passed to other processes."""

    def describe(self) -> str:
        """Returns one line: what there is."""
        ...

    def draw(self, rng: random.Random, passed_over: list[BadRecord]) -> tuple[RGB, LabelledPage]:
        """Returns a page, its pixels first; a function of `rng` alone.

        Args:
            rng: source of randomness.
            passed_over: gets files that were drawn and do not decode.

        Raises:
            ConfigurationError: the source turns out to be unusable.
        """
        ...


class TrainingPages:
    """A set's training pages, and those held back."""

    def __init__(self, options: PageSetOptions) -> None:
        """Reads the labels, and no pictures.

        Raises:
            ConfigurationError: no such set, or nothing in it is learnt from.
        """
        self._path = options.path
        self.scales = options.scales
        self._set = PageSet(options.path)
        self.name = self._set.name
        every = options.hold_back
        self.held_back = [
            page for n, page in enumerate(self._set.pages) if every and n % every == 0
        ]
        self.pages = [page for n, page in enumerate(self._set.pages) if not every or n % every]
        if not self.pages:
            raise ConfigurationError(f"{options.path}: all of its pages are held back")

    def describe(self) -> str:
        """Returns one line: how many pages and words there are."""
        return f"{self._set.describe()}; {len(self.held_back):,} pages held back"

    def draw(self, rng: random.Random, passed_over: list[BadRecord]) -> tuple[RGB, LabelledPage]:
        """Returns a random page; after some that do not decode, the next that does."""
        start = rng.randrange(len(self.pages))
        for offset in range(len(self.pages)):
            page = self.pages[(start + offset) % len(self.pages)]
            try:
                return page.pixels(), page
            except UnreadableImage as error:
                passed_over.append(BadRecord(str(page.path), error.reason))
        raise ConfigurationError(f"{self._path}: no page in it decodes")

"""Writes pages as documents, one per source, or one per page if the format allows no more."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.formats.file_names import FileNames
from ocr_plugin.formats.formats import FORMATS
from ocr_plugin.formats.searchable_pdf import picture
from ocr_plugin.options import ImageOptions
from ocr_plugin.protocols import RGB
from ocr_plugin.schema import Page

DEFAULT_DPI = ImageOptions().pdf_dpi


class DocumentWriter:
    """Takes pages in order and writes a document after its last page.

    Args:
        name: of the format, as in `formats.FORMATS`.
        stream: where documents go without a folder; most formats allow only one there.
        folder: where each document becomes a file; created with the first one.
        dpi: of the pictures, for a format that shows them.
        names: chooses the names of files, which may contain folders.
        wrote: called with each file after it is written.

    Attributes:
        pictured: whether the format shows the pictures.

    Raises:
        ConfigurationError: no such format.
    """

    def __init__(
        self,
        name: str,
        stream: TextIO,
        folder: Path | None,
        dpi: float = DEFAULT_DPI,
        names: FileNames | None = None,
        wrote: Callable[[Path], None] | None = None,
    ) -> None:
        if name not in FORMATS:
            raise ConfigurationError(f"unknown format {name!r}, use one of: {', '.join(FORMATS)}")
        self._name, self._format = name, FORMATS[name]
        self._stream, self._folder = stream, folder
        self._names = names or FileNames()
        self._dpi = dpi
        self._wrote = wrote
        self.pictured = self._format.pictured
        self._pages: list[Page] = []
        self._pictures: list[bytes] = []
        self._written = 0

    def add(self, page: Page, pixels: RGB | None = None) -> None:
        """Takes the next page; may write the document before it, as `finish` does.

        Args:
            page: the result.
            pixels: (H, W, 3) uint8 RGB, what it was read from; needed where `pictured`.

        Raises:
            ConfigurationError: the format shows pictures, and none is given.
            OcrError: the document before it could not be written; the page is taken all the same.
        """
        if self.pictured and pixels is None:
            raise ConfigurationError(
                f"{self._name} needs the pictures, not only results: use read --format {self._name}"
            )
        try:
            if self._pages and (self._format.single or not _continues(self._pages[-1], page)):
                self.finish()
        finally:
            # Also where the document before it could not be written.
            self._pages.append(page)
            if self.pictured and pixels is not None:
                self._pictures.append(picture(page, pixels))

    def finish(self) -> None:
        """Writes the current document, if any.

        Raises:
            ConfigurationError: a second document, and no folder.
            OcrError: the file could not be written.
        """
        if not self._pages:
            return
        pages, self._pages = self._pages, []
        pictures, self._pictures = self._pictures, []
        content = self._format.render(pages, pictures, self._dpi)
        if self._folder is None:
            if self._written and not self._format.joins:
                raise ConfigurationError(
                    f"several {self._name} documents: name a folder with --out"
                )
            self._stream.flush()
            self._stream.buffer.write(content)
            self._stream.buffer.flush()
        else:
            first = pages[0].source
            index = first.page_index if self._format.single else 0
            path = self._folder / self._names.of(first.name, self._format.suffix, index)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError as error:
                raise OcrError(f"{path}: cannot be written: {error.strerror}") from error
            if self._wrote is not None:
                self._wrote(path)
        self._written += 1


def _continues(before: Page, page: Page) -> bool:
    """Returns whether a page belongs to the document of the one before it."""
    first, second = before.source, page.source
    same = (first.name, first.sha256) == (second.name, second.sha256)
    return same and second.page_index > first.page_index

"""Pages as documents: one a source, or one a page where the format holds no more."""

from pathlib import Path
from typing import TextIO

from ocr_plugin.adapters.formats import FORMATS
from ocr_plugin.errors import ConfigurationError, OcrError
from ocr_plugin.file_names import FileNames
from ocr_plugin.schema import Page
from ocr_plugin.streams import say


class DocumentWriter:
    """Takes pages in order and writes a document when its last page is in.

    Args:
        name: of the format, as in `formats.FORMATS`.
        stream: where documents go where no folder is given; there is room for one in most formats.
        folder: where each document becomes a file; made when the first one is written.

    Raises:
        ConfigurationError: no such format.
    """

    def __init__(self, name: str, stream: TextIO, folder: Path | None) -> None:
        if name not in FORMATS:
            raise ConfigurationError(f"no format is called {name!r}: {', '.join(FORMATS)}")
        self._name, self._format = name, FORMATS[name]
        self._stream, self._folder = stream, folder
        self._names = FileNames()
        self._pages: list[Page] = []
        self._written = 0

    def add(self, page: Page) -> None:
        """Takes the next page; may write the document before it, as `finish` does."""
        if self._pages and (self._format.single or not _continues(self._pages[-1], page)):
            self.finish()
        self._pages.append(page)

    def finish(self) -> None:
        """Writes the document that is begun, if any.

        Raises:
            ConfigurationError: a second document, and no folder.
            OcrError: the file could not be written.
        """
        if not self._pages:
            return
        pages, self._pages = self._pages, []
        if self._folder is None:
            if self._written and not self._format.joins:
                raise ConfigurationError(f"several {self._name} documents: name a folder, --out")
            self._stream.write(self._format.render(pages))
            self._stream.flush()
        else:
            first = pages[0].source
            index = first.page_index if self._format.single else 0
            path = self._folder / self._names.of(first.name, self._format.suffix, index)
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                path.write_text(self._format.render(pages), encoding="utf-8", newline="\n")
            except OSError as error:
                raise OcrError(f"{path}: cannot be written: {error.strerror}") from error
            say(f"wrote {path}")
        self._written += 1


def _continues(before: Page, page: Page) -> bool:
    """Returns whether a page belongs to the document of the one before it."""
    first, second = before.source, page.source
    same = (first.name, first.sha256) == (second.name, second.sha256)
    return same and second.page_index > first.page_index

"""Output of ``ocr-plugin read``: text or JSON, overlays, and a progress bar."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ocr_plugin import errors
from ocr_plugin.cli.console import printable, say
from ocr_plugin.errors import ConfigurationError, ExitCode, OcrError, UnreadableImage
from ocr_plugin.formats.file_names import FileNames
from ocr_plugin.schema import Page, PageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from ocr_plugin.formats.writer import DocumentWriter
    from ocr_plugin.pages.raster import PageFailure, PageImage
    from ocr_plugin.protocols import RGB


class ResultWriter:
    """Writes results one by one; warnings and errors go to standard error.

    Args:
        stream: where text and JSON go.
        as_json: whether to print a page's JSON instead of its text.
        overlays: folder for a drawing of each page, or None.
        documents: writes the pages instead, in formats of whole documents.

    Attributes:
        exit_code: of the first failure; OK where there was none.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        as_json: bool,
        overlays: Path | None,
        documents: "DocumentWriter | None" = None,
    ) -> None:
        self.exit_code = ExitCode.OK
        self._stream = stream
        self._as_json = as_json
        self._overlays = overlays
        self._documents = documents
        self._overlay_names = FileNames()
        self._texts = 0

    def show_all(
        self,
        results: "Iterable[Page | PageError]",
        pictures: "Iterable[PageImage | PageFailure]",
        sources: int,
    ) -> None:
        """Writes every result, one behind the engine: only the next tells if there are several.

        Args:
            results: what became of each page, in order.
            pictures: what each was read from, in the same order, where overlays are wanted.
            sources: how many files there are.
        """
        several = sources > 1
        remaining = iter(pictures)
        with _ProgressBar(sources, self._stream) as bar:
            for result, following in _with_next(results):
                several = several or following is not None
                name, index = _place(result)
                next_index = _place(following)[1] if following is not None else None
                is_one_of_many = index is not None and bool(index or next_index)
                label = (
                    f"{name}, page {index + 1}" if index is not None and is_one_of_many else name
                )
                picture = next(remaining, None)
                self._show(result, label, picture, heading=several)
                if self._overlays is not None:
                    self._draw(result, picture, self._overlays)
                bar.advance(source_done=not next_index)
        if self._documents is not None:
            self._write(self._documents.finish)

    def _show(
        self,
        result: Page | PageError,
        label: str,
        picture: "PageImage | PageFailure | None",
        *,
        heading: bool,
    ) -> None:
        if isinstance(result, PageError):
            known = getattr(errors, result.kind, OcrError)
            reason = result.message.removeprefix(f"{result.name}: ")
            self._fail(f"{label}: {reason}", known.exit_code)
            return
        for warning in result.warnings:
            say(f"warning: {label}: {warning}")
        if not result.blocks and not self._as_json:
            say(f"{label}: no text found")
        if (documents := self._documents) is not None:
            shown = documents.pictured
            self._write(
                lambda: documents.add(result, _pixels_of(result, picture) if shown else None)
            )
        elif self._as_json:
            print(result.model_dump_json(), file=self._stream, flush=True)
        elif result.blocks:
            gap = "\n" if self._texts else ""
            title = f"{gap}==> {printable(label)} <==\n" if heading else ""
            print(f"{title}{result.text}", file=self._stream, flush=True)
            self._texts += 1

    def _draw(
        self, result: Page | PageError, picture: "PageImage | PageFailure | None", folder: Path
    ) -> None:
        """Writes a page's overlay as a PNG of its own, and its path on standard error."""
        from ocr_plugin.formats import overlay

        if isinstance(result, PageError):
            return
        source = result.source
        path = folder / self._overlay_names.of(source.name, ".overlay.png", source.page_index)
        try:
            pixels = _pixels_of(result, picture)
            folder.mkdir(parents=True, exist_ok=True)
            overlay.draw(result, pixels).save(path)
        except UnreadableImage as error:
            self._fail(f"{path}: not drawn, {error.reason}", error.exit_code)
        except OSError as error:
            self._fail(f"{path}: {error.strerror or error}", ExitCode.UNEXPECTED)
        else:
            say(f"wrote {path}")

    def _write(self, step: Callable[[], None]) -> None:
        """Runs a step that may write a document; reports one that cannot be written."""
        try:
            step()
        except ConfigurationError:
            raise  # it would stop every further document as well
        except OcrError as error:
            self._fail(str(error), error.exit_code)

    def _fail(self, message: str, exit_code: ExitCode) -> None:
        say(f"error: {message}")
        self.exit_code = self.exit_code or exit_code


class _ProgressBar:
    """A bar on standard error, as soon as there are several pages.

    There is none if standard error is not a terminal, or if results are printed to one.
    """

    def __init__(self, sources: int, results: TextIO) -> None:
        self._wanted = sys.stderr.isatty() and not results.isatty()
        self._sources = sources
        self._sources_done = 0
        self._pages = 0
        self._bar: Progress | None = None

    def __enter__(self) -> "_ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, *, source_done: bool) -> None:
        """Counts one page, and its file with its last page."""
        self._pages += 1
        self._sources_done += source_done
        if self._wanted and (self._sources > 1 or not source_done or self._pages > 1):
            bar = self._bar = self._bar or _started_bar(self._sources)
            bar.update(bar.task_ids[0], completed=self._sources_done, pages=self._pages)


def _started_bar(sources: int) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.completed} of {task.total} files, {task.fields[pages]} pages"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task("", total=sources, pages=0)
    bar.start()
    return bar


def _pixels_of(page: Page, picture: "PageImage | PageFailure | None") -> "RGB":
    """Returns a page's pixels, decoded once more.

    Raises:
        UnreadableImage: it has changed since it was read.
    """
    from ocr_plugin.pages.raster import PageImage

    if not isinstance(picture, PageImage) or picture.sha256 != page.source.sha256:
        raise UnreadableImage(page.source.name, "the image has changed since it was read")
    return picture.pixels


def _with_next(
    results: "Iterable[Page | PageError]",
) -> "Iterator[tuple[Page | PageError, Page | PageError | None]]":
    """Yields each result with the one after it, or None after the last."""
    iterator = iter(results)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current, following
        current = following


def _place(result: Page | PageError) -> tuple[str, int | None]:
    """Returns the name of a result's source, and its page index where it is known."""
    if isinstance(result, Page):
        return result.source.name, result.source.page_index
    return result.name, result.page_index

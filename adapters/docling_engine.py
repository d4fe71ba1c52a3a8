"""An OCR plugin for docling, which finds it by its entry point.

    options = PdfPipelineOptions(allow_external_plugins=True, ocr_options=OcrPluginOptions())

For documents without structure there is a layout that needs no model, `NoLayout`. Needs the extra
`docling`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.base_models import LayoutPrediction
from docling.datamodel.base_models import Page as DoclingPage
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import BaseLayoutOptions, OcrOptions
from docling.datamodel.settings import settings
from docling.models.base_layout_model import BaseLayoutModel
from docling.models.base_ocr_model import BaseOcrModel
from docling.utils.profiling import TimeRecorder
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.page import BoundingRectangle, TextCell
from numpy.typing import NDArray
from pydantic import Field

from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import OcrError
from ocr_plugin.options import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER
from ocr_plugin.schema import Line, Page, PageError, Word


class OcrPluginOptions(OcrOptions):
    """Options of this engine, beside docling's own options of every OCR engine."""

    kind: ClassVar[Literal["ocr_plugin"]] = "ocr_plugin"
    canonicalize_lang: ClassVar[bool] = False

    lang: list[str] = Field(
        default=[], description="Ignored: the recognizer reads all its languages at once."
    )
    detector: str = Field(default=DEFAULT_DETECTOR, description="An installed detector.")
    recognizer: str = Field(default=DEFAULT_RECOGNIZER, description="An installed recognizer.")
    detector_options: dict[str, Any] = Field(default={}, description="The detector's options.")
    recognizer_options: dict[str, Any] = Field(
        default={}, description="The recognizer's, such as model or device."
    )


class OcrPluginModel(BaseOcrModel):
    """Reads the regions that docling asks for, of a batch of pages at once.

    Lines become docling's text line cells and words its word cells, each with its confidence and
    its corners, so that turned text stays turned.
    """

    def __init__(
        self,
        enabled: bool,
        artifacts_path: Path | None,
        options: OcrPluginOptions,
        accelerator_options: AcceleratorOptions,
    ) -> None:
        super().__init__(
            enabled=enabled,
            artifacts_path=artifacts_path,
            options=options,
            accelerator_options=accelerator_options,
        )
        if enabled:
            self._engine = Engine(
                options.detector,
                options.recognizer,
                detector_options=options.detector_options,
                recognizer_options=options.recognizer_options,
            )

    def __call__(
        self, conv_res: ConversionResult, page_batch: Iterable[DoclingPage]
    ) -> Iterable[DoclingPage]:
        """Yields the pages of a batch in order, with the cells that were read.

        Raises:
            OcrError: a region could not be read; docling records the page as failed.
        """
        pages = list(page_batch)
        if not self.enabled:
            yield from pages
            return
        with TimeRecorder(conv_res, "ocr"):
            wanted = [(page, self._regions(page)) for page in pages if _is_valid(page)]
            results = self._engine.read_many(self._pictures(wanted))
            for page, regions in wanted:
                read = [(region, _lines(next(results), page)) for region in regions]
                lines = [self._cell(line, region) for region, own in read for line in own]
                words = [
                    self._cell(word, region)
                    for region, own in read
                    for line in own
                    for word in line.words
                ]
                self.post_process_cells(lines, page, conv_res)
                _add_words(page, words)
                if settings.debug.visualize_ocr:
                    self.draw_ocr_rects_and_cells(conv_res, page, regions)
        yield from pages

    def _regions(self, page: DoclingPage) -> list[BoundingBox]:
        return [region for region in self.get_ocr_rects(page) if region.area() > 0]

    def _pictures(
        self, wanted: list[tuple[DoclingPage, list[BoundingBox]]]
    ) -> Iterator[NDArray[np.uint8]]:
        """Yields every region of every page, (h, w, 3) uint8 RGB, one after the other."""
        for page, regions in wanted:
            for region in regions:
                assert page._backend is not None, "valid pages have one"
                picture = page._backend.get_page_image(self.options.scale, region)
                yield np.asarray(picture.convert("RGB"))

    def _cell(self, item: Line | Word, region: BoundingBox) -> TextCell:
        """Returns a line or a word as a cell, in points of the page."""
        points = np.array(item.polygon.quad) / self.options.scale + (region.l, region.t)
        # docling begins at the text's own bottom left and goes round by its bottom right.
        corners = dict(
            zip(
                ("r_x0", "r_y0", "r_x1", "r_y1", "r_x2", "r_y2", "r_x3", "r_y3"),
                map(float, points[[3, 2, 1, 0]].reshape(-1)),
                strict=True,
            )
        )
        return TextCell(
            index=0,  # docling renumbers them
            text=item.text,
            orig=item.text,
            from_ocr=True,
            confidence=item.confidence,
            rect=BoundingRectangle(**corners, coord_origin=CoordOrigin.TOPLEFT),
        )

    @classmethod
    def get_options_type(cls) -> type[OcrOptions]:
        """Returns the options by which docling knows this engine."""
        return OcrPluginOptions


class NoLayoutOptions(BaseLayoutOptions):
    """Chooses `NoLayout`."""

    kind: ClassVar[str] = "ocr_plugin_no_layout"


class NoLayout(BaseLayoutModel):
    """A layout without regions or model: docling makes a paragraph of every line.

    Needs `OcrMode.FULL_PAGE`: other modes read only regions.
    """

    def __init__(self, **_: Any) -> None:
        pass

    def predict_layout(
        self, conv_res: ConversionResult, pages: Sequence[DoclingPage]
    ) -> Sequence[LayoutPrediction]:
        """Returns that no page has regions."""
        return [LayoutPrediction() for _ in pages]

    @classmethod
    def get_options_type(cls) -> type[BaseLayoutOptions]:
        """Returns the options by which docling knows this layout."""
        return NoLayoutOptions


def layout_engines() -> dict[str, list[type[BaseLayoutModel]]]:
    """Returns what docling's plugin manager asks for."""
    return {"layout_engines": [NoLayout]}


def ocr_engines() -> dict[str, list[type[BaseOcrModel]]]:
    """Returns what docling's plugin manager asks for."""
    return {"ocr_engines": [OcrPluginModel]}


def _is_valid(page: DoclingPage) -> bool:
    return page._backend is not None and page._backend.is_valid()


def _lines(result: Page | PageError, page: DoclingPage) -> tuple[Line, ...]:
    if isinstance(result, PageError):
        raise OcrError(f"page {page.page_no}: {result.message}")
    return result.lines


def _add_words(page: DoclingPage, words: list[TextCell]) -> None:
    """Adds words to those that docling keeps of a page, and renumbers them."""
    parsed = page.parsed_page
    assert parsed is not None, "docling makes one where it places the lines"
    parsed.word_cells = [*parsed.word_cells, *words]
    for index, cell in enumerate(parsed.word_cells):
        cell.index = index
    parsed.has_words = bool(parsed.word_cells)

"""A plugin for OCRmyPDF 17, which finds it by its entry point.

    ocrmypdf --output-type pdf scan.pdf searchable.pdf

Pages that OCRmyPDF processes at once, in threads, are read together by one engine. Worker processes
(``--no-use-threads``) have an engine each. `--ocr-engine tesseract` reads with tesseract in spite
of this plugin. Needs the extra `ocrmypdf`.
"""

import math
import shutil
import threading
from argparse import ArgumentParser
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ocrmypdf import OcrOptions, hookimpl
from ocrmypdf.builtin_plugins import tesseract_ocr
from ocrmypdf.exceptions import ExitCode, ExitCodeException
from ocrmypdf.models.ocr_element import Baseline, BoundingBox, OcrClass, OcrElement
from ocrmypdf.pluginspec import OcrEngine, OrientationConfidence
from pluggy import PluginManager
from pydantic import BaseModel

from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.shared_engine import SharedEngine
from ocr_plugin.errors import OcrError
from ocr_plugin.formats.hocr import render
from ocr_plugin.formats.xml_text import box_of
from ocr_plugin.options import DEFAULT_RECOGNIZER
from ocr_plugin.schema import Line, Page, PageError, Polygon, Word

_RECOGNIZER, _MODEL = "ocr_plugin_recognizer", "ocr_plugin_model"
# tesseract's ISO 639-2 codes of the languages whose letters PP-OCRv6 small has.
_LANGUAGES = (
    "afr aze_latn bos cat ceb ces chi_sim chi_tra cym dan deu eng est eus fao fil fin fra fry gla"
    " gle glg hrv hun ind isl ita jpn lat lav lit ltz mlt msa nld nor oci pol por ron slk slv spa"
    " sqi swa swe tgl tur uzb_latn vie"
)
# With fewer characters, a page's orientation is unknown.
_TELLING = 12
# tesseract's value for a certain page; OCRmyPDF turns pages from 14 on.
_CERTAIN = 30.0
# Lines that slant less than this are skewed by the scan.
_ASKEW = 20.0
# The share of a line's height that is below its base line.
_DESCENT = 0.2


class UnreadablePage(ExitCodeException):
    """A page image that the engine could not read."""

    exit_code = ExitCode.other_error


class OcrPluginEngine(OcrEngine):
    """The engine that OCRmyPDF calls for every page, from many threads."""

    @staticmethod
    def version() -> str:
        """Returns the version of ocr-plugin."""
        return version("ocr-plugin")

    @staticmethod
    def creator_tag(options: OcrOptions) -> str:
        """Returns the creator tag for the PDF's metadata."""
        return str(OcrPluginEngine())

    def __str__(self) -> str:
        return f"ocr-plugin {self.version()}"

    @staticmethod
    def languages(options: OcrOptions) -> set[str]:
        """Returns the languages that are accepted; all are read at once, whichever is chosen."""
        return set(_LANGUAGES.split())

    @staticmethod
    def get_orientation(input_file: Path, options: OcrOptions) -> OrientationConfidence:
        """Returns the text's direction: 0, 90, 180 or 270 degrees clockwise from rightwards."""
        return orientation_of(read(input_file, options))

    @staticmethod
    def get_deskew(input_file: Path, options: OcrOptions) -> float:
        """Returns by how many degrees the page is to be turned counter-clockwise."""
        return skew_of(read(input_file, options))

    @staticmethod
    def supports_generate_ocr() -> bool:
        """Returns True: pages come as trees of elements."""
        return True

    @staticmethod
    def generate_ocr(
        input_file: Path, options: OcrOptions, page_number: int = 0
    ) -> tuple[OcrElement, str]:
        """Returns a page's elements and its text."""
        page = read(input_file, options)
        return element_of(page, page_number), page.text

    @staticmethod
    def generate_hocr(
        input_file: Path, output_hocr: Path, output_text: Path, options: OcrOptions
    ) -> None:
        """Writes a page as hOCR and its text beside it."""
        page = read(input_file, options)
        output_hocr.write_text(render([page]), encoding="utf-8")
        output_text.write_text(page.text, encoding="utf-8")

    @staticmethod
    def generate_pdf(
        input_file: Path, output_pdf: Path, output_text: Path, options: OcrOptions
    ) -> None:
        """Not supported: OCRmyPDF makes the PDF itself, of `generate_ocr` or the hOCR."""
        raise NotImplementedError("ocr-plugin renders no PDFs: use --pdf-renderer fpdf2")


@hookimpl
def initialize(plugin_manager: PluginManager) -> None:
    """Removes tesseract's plugin if tesseract is missing; it would refuse every run."""
    if not _has_tesseract():
        plugin_manager.set_blocked(tesseract_ocr.__name__)


@hookimpl
def register_options() -> dict[str, type[BaseModel]]:
    """Returns tesseract's options in place of its plugin; OCRmyPDF reads them anyway."""
    return {} if _has_tesseract() else {"tesseract": tesseract_ocr.TesseractOptions}


def _has_tesseract() -> bool:
    return shutil.which("tesseract") is not None


@hookimpl
def add_options(parser: ArgumentParser) -> None:
    """Adds this engine's options to OCRmyPDF's command line."""
    group = parser.add_argument_group("ocr-plugin", "Reads the pages")
    group.add_argument(
        "--ocr-plugin-recognizer",
        metavar="NAME",
        default=DEFAULT_RECOGNIZER,
        help="as `ocr-plugin plugins` lists them (default: %(default)s)",
    )
    group.add_argument(
        "--ocr-plugin-model", metavar="NAME", help="the recognizer's model, or its weights file"
    )


@hookimpl
def get_ocr_engine(options: OcrOptions | None) -> OcrEngine | None:
    """Returns this engine, unless another was asked for."""
    chosen = getattr(options, "ocr_engine", "auto")
    return OcrPluginEngine() if chosen == "auto" else None


_engines: dict[tuple[str, str | None], SharedEngine] = {}
_engines_lock = threading.Lock()


def read(picture: Path, options: OcrOptions) -> Page:
    """Returns a page image as read, in batches with those of other threads.

    Raises:
        UnreadablePage: it cannot be read, or there is no engine.
    """
    try:
        (result,) = _engine(options).read(picture)
    except OcrError as error:
        raise UnreadablePage(str(error)) from error
    if isinstance(result, PageError):
        raise UnreadablePage(result.message)
    return result


def _engine(options: OcrOptions) -> SharedEngine:
    chosen = getattr(options, "extra_attrs", {})
    key = (chosen.get(_RECOGNIZER) or DEFAULT_RECOGNIZER, chosen.get(_MODEL))
    with _engines_lock:
        if key not in _engines:
            own: dict[str, Any] = {} if key[1] is None else {"model": key[1]}
            _engines[key] = SharedEngine(Engine(recognizer=key[0], recognizer_options=own))
        return _engines[key]


def element_of(page: Page, number: int = 0) -> OcrElement:
    """Returns a page as OCRmyPDF's tree: paragraphs, lines with their base lines, words."""
    source = page.source
    paragraphs = [
        OcrElement(
            ocr_class=OcrClass.PARAGRAPH,
            bbox=_box(page, block.polygon),
            children=[_line(page, line) for line in block.lines],
        )
        for block in page.blocks
    ]
    return OcrElement(
        ocr_class=OcrClass.PAGE,
        bbox=BoundingBox(0, 0, source.width, source.height),
        page_number=number,
        children=paragraphs,
    )


def _line(page: Page, line: Line) -> OcrElement:
    box = _box(page, line.polygon)
    slanted = abs(line.angle) <= 45
    return OcrElement(
        ocr_class=OcrClass.LINE,
        bbox=box,
        poly=_corners(line.polygon),
        # A line that runs to the right has a base line; any other is turned as a whole.
        baseline=_baseline(line, box) if slanted else None,
        textangle=None if slanted else -line.angle % 360,
        children=[_word(page, word) for word in line.words],
    )


def _word(page: Page, word: Word) -> OcrElement:
    return OcrElement(
        ocr_class=OcrClass.WORD,
        bbox=_box(page, word.polygon),
        poly=_corners(word.polygon),
        text=word.text,
        confidence=word.confidence,
    )


def _baseline(line: Line, box: BoundingBox) -> Baseline:
    """Returns a line's slope, and how far its left end is from the bottom of its box."""
    # Of the whole line: the boxes of single words lean a little, each its own way.
    slope = math.tan(math.radians(line.angle))
    quads = [word.polygon.quad for word in line.words]
    height = fmean(math.dist(quad[0], quad[3]) for quad in quads)
    corners = [corner for quad in quads for corner in quad[2:]]
    left = fmean(y - slope * (x - box.left) for x, y in corners)
    return Baseline(slope=slope, intercept=left - _DESCENT * height - box.bottom)


def _box(page: Page, polygon: Polygon) -> BoundingBox:
    return BoundingBox(*box_of(page, polygon))


def _corners(polygon: Polygon) -> list[tuple[float, float]]:
    return [(point.x, point.y) for point in polygon.points]


def orientation_of(page: Page) -> OrientationConfidence:
    """Returns the direction of most of a page's characters."""
    quarters: Counter[int] = Counter()
    for line in page.lines:
        quarters[round(line.angle / 90) * 90 % 360] += len(line.text)
    if quarters.total() < _TELLING:
        return OrientationConfidence(angle=0, confidence=0.0)
    ((angle, count),) = quarters.most_common(1)
    # 0 if half of the characters disagree, the full value if none does.
    certainty = max(0.0, 2 * count / quarters.total() - 1)
    return OrientationConfidence(angle=angle, confidence=_CERTAIN * certainty)


def skew_of(page: Page) -> float:
    """Returns the angle of most lines, in degrees clockwise; 0 where there are none."""
    angles = [line.angle for line in page.lines for _ in line.text if abs(line.angle) <= _ASKEW]
    return median(angles) if len(angles) >= _TELLING else 0.0

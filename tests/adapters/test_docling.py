"""docling itself, which finds the engine by its entry point.

Its layout models are downloads; with `NoLayout` docling makes a paragraph of every line.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from PIL import Image

from ocr_plugin.protocols import RGB
from tests.pictures import draw_lines

CONVERT = """
import json, sys
from docling.datamodel.base_models import InputFormat
from docling.datamodel.pipeline_options import OcrMode, PdfPipelineOptions
from docling.backend.pypdfium2_backend import PyPdfiumDocumentBackend
from docling.document_converter import DocumentConverter, PdfFormatOption
from ocr_plugin.adapters import docling_engine
from ocr_plugin.adapters.docling_engine import NoLayoutOptions, OcrPluginOptions
from ocr_plugin.engine.engine import Engine

batches = []


class Counting(Engine):
    def read_many(self, sources):
        sources = list(sources)
        batches.append(len(sources))
        return super().read_many(sources)


docling_engine.Engine = Counting
settings = json.loads(sys.argv[2])
options = PdfPipelineOptions(
    allow_external_plugins=True,
    do_ocr=settings.pop("do_ocr", True),
    do_table_structure=False,
    generate_parsed_pages=True,
    layout_options=NoLayoutOptions(),
    ocr_options=OcrPluginOptions(mode=OcrMode.FULL_PAGE, **settings),
)
converter = DocumentConverter(
    format_options={
        InputFormat.PDF: PdfFormatOption(
            pipeline_options=options, backend=PyPdfiumDocumentBackend
        )
    }
)
bad = [converter.convert(path, raises_on_error=False) for path in sys.argv[3:]]
result = converter.convert(sys.argv[1], raises_on_error=False)


def cell(own):
    rect = own.rect
    points = [[getattr(rect, f"r_{axis}{corner}") for axis in "xy"] for corner in range(4)]
    told = {name: getattr(own, name) for name in ("text", "confidence", "from_ocr")}
    return told | {"points": points}


def cells(kind):
    parsed = [page.parsed_page for page in result.pages]
    return [[cell(own) for own in getattr(page, kind)] if page else [] for page in parsed]


print(json.dumps({
    "status": result.status.value,
    "errors": [error.error_message for error in result.errors],
    "markdown": result.document.export_to_markdown(),
    "words": cells("word_cells"),
    "lines": cells("textline_cells"),
    "batches": batches,
    "bad": [[one.status.value, [error.error_message for error in one.errors]] for one in bad],
}))
"""
DPI = 144
LINES = [(90, 120, "Harbour office"), (120, 300, "second floor")]


def converted(site: Path, *pages: RGB, **settings: Any) -> Any:
    """Returns what docling made of pages that are pictures alone."""
    done = run(site, pages, **settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run(
    site: Path, pages: Sequence[RGB], *, bad: Sequence[Path] = (), **settings: Any
) -> subprocess.CompletedProcess[str]:
    sheets = [Image.fromarray(page) for page in pages]
    sheets[0].save(site / "a.pdf", "PDF", resolution=DPI, save_all=True, append_images=sheets[1:])
    settings.setdefault("recognizer", "ppocr")
    return subprocess.run(
        [sys.executable, "-c", CONVERT, str(site / "a.pdf"), json.dumps(settings), *bad],
        capture_output=True,
        text=True,
    )


def sheet() -> RGB:
    return draw_lines(LINES, size=(900, 700)).pixels


def test_a_scanned_page_becomes_markdown(tmp_path: Path) -> None:
    found = converted(tmp_path, sheet(), recognizer="second_opinion")
    assert found["status"] == "success"
    assert found["markdown"].split("\n\n") == ["Harbour office", "second floor"]


@pytest.mark.nightly
def test_words_have_their_places_and_confidences(tmp_path: Path) -> None:
    found = converted(tmp_path, sheet())
    drawn = draw_lines(LINES, size=(900, 700)).words
    (words,), (lines,) = found["words"], found["lines"]
    assert [line["text"] for line in lines] == ["Harbour office", "second floor"]
    assert [word["text"] for word in words] == ["Harbour", "office", "second", "floor"]
    for word in words:
        assert word["from_ocr"] and 0.5 < word["confidence"] <= 1
        points = np.array(word["points"]) * DPI / 72
        x0, y0, x1, y1 = drawn[word["text"]]
        assert points[:, 0].min() == pytest.approx(x0, abs=12)
        assert points[:, 0].max() == pytest.approx(x1, abs=12)
        assert points[:, 1].min() < (y0 + y1) / 2 < points[:, 1].max()
        # From the text's own bottom left, by its bottom right, round to its top left.
        assert points[0][0] < points[1][0] and points[3][1] < points[0][1]


@pytest.mark.nightly
def test_turned_text_stays_turned(tmp_path: Path) -> None:
    page = np.ascontiguousarray(np.rot90(sheet(), -1))
    (words,) = converted(tmp_path, page)["words"]
    assert {word["text"] for word in words} == {"Harbour", "office", "second", "floor"}
    for word in words:
        (x0, y0), (x1, y1) = word["points"][:2]
        assert y1 - y0 > 2 * abs(x1 - x0)  # the text runs down


@pytest.mark.nightly
def test_pages_are_read_together(tmp_path: Path) -> None:
    found = converted(tmp_path, *[sheet()] * 8)
    assert sum(found["batches"]) == 8 and max(found["batches"]) > 1
    assert found["markdown"].count("Harbour office") == 8


@pytest.mark.nightly
def test_a_blank_page_is_empty_and_switched_off_nothing_is_read(tmp_path: Path) -> None:
    blank = np.full((700, 900, 3), 255, np.uint8)
    (tmp_path / "blank").mkdir()
    found = converted(tmp_path / "blank", blank)
    assert (found["status"], found["markdown"], found["words"]) == ("success", "", [[]])
    (tmp_path / "off").mkdir()
    assert converted(tmp_path / "off", sheet(), do_ocr=False)["markdown"] == ""


@pytest.mark.nightly
def test_after_bad_documents_the_next_one_works(tmp_path: Path) -> None:
    corrupt, locked = tmp_path / "corrupt.pdf", tmp_path / "locked.pdf"
    corrupt.write_bytes(b"%PDF-1.7\nnonsense")
    Image.fromarray(sheet()).save(tmp_path / "open.pdf")
    with pikepdf.open(tmp_path / "open.pdf") as document:
        document.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))
    found = converted(tmp_path, sheet(), bad=[corrupt, locked])
    assert [status for status, _ in found["bad"]] == ["failure", "failure"]
    assert all(errors for _, errors in found["bad"])
    assert found["markdown"].split("\n\n") == ["Harbour office", "second floor"]


@pytest.mark.nightly
def test_an_engine_that_cannot_be_had_is_said_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, [sheet()], recognizer="nobody")
    assert done.returncode == 1
    assert "there is no recognizer called 'nobody'" in done.stderr.splitlines()[-1]

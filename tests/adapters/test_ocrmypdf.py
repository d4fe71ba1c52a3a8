"""OCRmyPDF itself, which finds the engine by its entry point."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ocrmypdf
import pypdfium2
import pytest
from ocrmypdf.exceptions import (
    EncryptedPdfError,
    InputFileError,
    MissingDependencyError,
    UnsupportedImageFormatError,
)
from ocrmypdf.models.ocr_element import BoundingBox
from PIL import Image

from ocr_plugin.adapters import ocrmypdf_engine
from ocr_plugin.adapters.ocrmypdf_engine import element_of, orientation_of, skew_of
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.shared_engine import SharedEngine
from ocr_plugin.protocols import RGB
from tests.pictures import draw_lines

pytestmark = pytest.mark.filterwarnings("default")

DPI = 150
LINES = [(90, 120, "Harbour office"), (120, 300, "second floor"), (200, 520, "closed Mondays")]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(recognizer="ppocr")


@pytest.fixture(autouse=True)
def engines_of_this_test() -> Iterator[None]:
    """Leaves no engine to the next test."""
    yield
    for shared in ocrmypdf_engine._engines.values():
        shared.close()
    ocrmypdf_engine._engines.clear()


def sheet(turn: int = 0) -> RGB:
    return np.ascontiguousarray(np.rot90(draw_lines(LINES, size=(900, 1100)).pixels, turn))


def pdf_of(path: Path, *pages: RGB) -> Path:
    sheets = [Image.fromarray(page) for page in pages]
    sheets[0].save(path, "PDF", resolution=DPI, save_all=True, append_images=sheets[1:])
    return path


def searched(source: Path, **options: object) -> pypdfium2.PdfDocument:
    target = source.with_suffix(".out.pdf")
    arguments: dict[str, Any] = {
        "output_type": "pdf",
        "progress_bar": False,
        "ocr_plugin_recognizer": "ppocr",
    }
    arguments.update(options)
    assert ocrmypdf.ocr(source, target, **arguments) == 0
    return pypdfium2.PdfDocument(target)


def places(document: pypdfium2.PdfDocument, index: int, text: str) -> tuple[float, ...]:
    """Returns where a text stands: left, top, right, bottom in pixels of the page picture."""
    page = document[index]
    height = page.get_height()
    layer = page.get_textpage()
    found = layer.search(text, match_case=True).get_next()
    assert found is not None, (text, layer.get_text_bounded())
    boxes = np.array([layer.get_charbox(found[0] + k) for k in range(found[1])])
    left, bottom = boxes[:, :2].min(axis=0)
    right, top = boxes[:, 2:].max(axis=0)
    scale = DPI / 72
    return left * scale, (height - top) * scale, right * scale, (height - bottom) * scale


def test_the_text_of_a_scan_is_found_where_it_stands(tmp_path: Path) -> None:
    document = searched(pdf_of(tmp_path / "scan.pdf", sheet()))
    drawn = draw_lines(LINES, size=(900, 1100)).words
    for _, _, line in LINES:
        for word in line.split():
            left, top, right, bottom = places(document, 0, word)
            x0, y0, x1, y1 = drawn[word]
            assert left == pytest.approx(x0, abs=12) and right == pytest.approx(x1, abs=12)
            assert top < (y0 + y1) / 2 < bottom and bottom - top < 3 * (y1 - y0)
    assert "/ ocr-plugin " in document.get_metadata_value("Creator")


def test_text_that_runs_down_stays_where_it_is(tmp_path: Path) -> None:
    page = np.full((1100, 900, 3), 255, np.uint8)
    page[:900, :300] = np.rot90(draw_lines([(60, 100, "Harbour")], size=(900, 300)).pixels, -1)
    page[900:] = draw_lines([(60, 60, "upright")], size=(900, 200)).pixels
    document = searched(pdf_of(tmp_path / "down.pdf", page))
    left, top, right, bottom = places(document, 0, "Harbour")
    assert bottom - top > 2 * (right - left)
    assert 60 < left < right < 300 and top == pytest.approx(60, abs=20)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_pages_are_turned_upright(tmp_path: Path, engine: Engine, turn: int) -> None:
    document = searched(pdf_of(tmp_path / "turned.pdf", sheet(turn)), rotate_pages=True)
    assert document[0].get_rotation() == {1: 90, 2: 180, 3: 270}[turn]
    shown = engine.read(document[0].render(scale=DPI / 72).to_pil().convert("RGB"))
    assert [line.text for line in shown.lines] == [line for _, _, line in LINES]
    assert all(abs(line.angle) < 2 for line in shown.lines)
    assert document[0].get_textpage().get_text_bounded().split() == shown.text.split()


def test_a_page_scanned_askew_is_straightened(tmp_path: Path, engine: Engine) -> None:
    askew = Image.fromarray(sheet()).rotate(4, fillcolor="white", resample=Image.Resampling.BICUBIC)
    assert skew_of(engine.read(askew)) == pytest.approx(-4, abs=1)
    document = searched(pdf_of(tmp_path / "askew.pdf", np.asarray(askew)), deskew=True)
    picture = document[0].render(scale=DPI / 72).to_pil().convert("RGB")
    assert skew_of(engine.read(picture)) == pytest.approx(0, abs=1)
    assert places(document, 0, "Harbour")


@pytest.mark.nightly
def test_pages_of_many_workers_are_read_together_by_one_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    original = SharedEngine._read

    def noted(self: SharedEngine, tasks: list[object]) -> None:
        batches.append(len(tasks))
        original(self, tasks)  # type: ignore[arg-type]

    monkeypatch.setattr(SharedEngine, "_read", noted)
    source = pdf_of(tmp_path / "many.pdf", *[sheet()] * 12)
    document = searched(source, jobs=6)
    assert sum(batches) == 12 and max(batches) >= 3
    assert len(ocrmypdf_engine._engines) == 1
    for index in range(12):
        assert places(document, index, "Mondays")


def test_the_text_comes_beside_it_and_a_blank_page_is_blank(tmp_path: Path) -> None:
    blank = np.full((1100, 900, 3), 255, np.uint8)
    source = pdf_of(tmp_path / "two.pdf", blank, sheet())
    document = searched(source, sidecar=tmp_path / "two.txt")
    assert document[0].get_textpage().get_text_bounded() == ""
    text = (tmp_path / "two.txt").read_text()
    assert [page.split() for page in text.split("\f")[:2]] == [
        [],
        ["Harbour", "office", "second", "floor", "closed", "Mondays"],
    ]


def test_another_engine_can_still_be_asked_for(tmp_path: Path) -> None:
    document = searched(pdf_of(tmp_path / "none.pdf", sheet()), ocr_engine="none")
    assert document[0].get_textpage().get_text_bounded() == ""


def test_neither_tesseract_nor_anything_else_need_be_installed(tmp_path: Path) -> None:
    source, target = pdf_of(tmp_path / "a.pdf", sheet()), tmp_path / "b.pdf"
    arguments = ["--output-type", "pdf", "--ocr-plugin-recognizer", "ppocr"]
    done = subprocess.run(
        [sys.executable, "-m", "ocrmypdf", *arguments, str(source), str(target)],
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Harbour" in pypdfium2.PdfDocument(target)[0].get_textpage().get_text_bounded()


def test_a_language_without_letters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match="rus"):
        searched(pdf_of(tmp_path / "a.pdf", sheet()), language=["rus"])


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"%PDF-1.7\nnonsense", InputFileError), (b"no document", UnsupportedImageFormatError)],
)
def test_a_corrupt_document_is_refused(
    tmp_path: Path, content: bytes, error: type[Exception]
) -> None:
    (tmp_path / "bad.pdf").write_bytes(content)
    with pytest.raises(error):
        ocrmypdf.ocr(tmp_path / "bad.pdf", tmp_path / "out.pdf", output_type="pdf")


def test_a_locked_document_is_refused(tmp_path: Path) -> None:
    import pikepdf

    with pikepdf.open(pdf_of(tmp_path / "open.pdf", sheet())) as document:
        document.save(tmp_path / "bad.pdf", encryption=pikepdf.Encryption(owner="a", user="b"))
    with pytest.raises(EncryptedPdfError):
        ocrmypdf.ocr(tmp_path / "bad.pdf", tmp_path / "out.pdf", output_type="pdf")


def test_an_engine_that_cannot_be_made_is_the_runs_error(tmp_path: Path) -> None:
    source = pdf_of(tmp_path / "a.pdf", sheet())
    with pytest.raises(ocrmypdf_engine.UnreadablePage, match="nobody"):
        ocrmypdf.ocr(source, tmp_path / "b.pdf", output_type="pdf", ocr_plugin_recognizer="nobody")


def test_elements_are_a_tree_of_words_with_boxes_angles_and_confidence(engine: Engine) -> None:
    slanted = Image.fromarray(sheet()).rotate(-6, fillcolor="white")
    page = engine.read(slanted)
    root = element_of(page, 3)
    assert (root.page_number, root.bbox) == (3, BoundingBox(0, 0, 900, 1100))
    assert [word.text for word in root.words] == [word.text for word in page.words]
    for element, word in zip(root.words, page.words, strict=True):
        assert element.confidence == word.confidence
        x0, y0, x1, y1 = word.polygon.box
        box = element.bbox
        assert box
        assert np.allclose((box.left, box.top, box.right, box.bottom), (x0, y0, x1, y1), atol=1)
    slopes = [line.baseline.slope for line in root.lines if line.baseline]
    assert len(slopes) == 3
    assert np.allclose(slopes, np.tan(np.radians(6)), atol=0.02)


def test_orientation_needs_text_that_agrees(engine: Engine) -> None:
    assert orientation_of(engine.read(np.full((300, 300, 3), 255, np.uint8))).confidence == 0
    assert orientation_of(engine.read(sheet())).angle == 0
    both = np.concatenate([sheet(), sheet(2)])
    assert orientation_of(engine.read(both)).confidence < 14


def test_hocr_for_older_ways(tmp_path: Path, engine: Engine) -> None:
    picture = tmp_path / "page.png"
    options = ocrmypdf.OcrOptions(input_file="a.pdf", output_file="b.pdf")
    options.extra_attrs["ocr_plugin_recognizer"] = "ppocr"
    Image.fromarray(sheet()).save(picture)
    ocrmypdf_engine.OcrPluginEngine.generate_hocr(
        picture, tmp_path / "a.hocr", tmp_path / "a.txt", options
    )
    assert "ocrx_word" in (tmp_path / "a.hocr").read_text()
    assert "Harbour office" in (tmp_path / "a.txt").read_text()


def test_a_page_picture_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(io.BytesIO(b"nothing").getvalue())
    options = ocrmypdf.OcrOptions(input_file="a.pdf", output_file="b.pdf")
    with pytest.raises(ocrmypdf_engine.UnreadablePage, match=r"page\.png"):
        ocrmypdf_engine.read(tmp_path / "page.png", options)

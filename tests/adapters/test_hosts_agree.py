"""The same photo gives the same words through every host."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import img2pdf
import numpy as np
import ocrmypdf
import pypdfium2
import pytest
from PIL import Image

from ocr_plugin.adapters import ocrmypdf_engine
from ocr_plugin.adapters.paddle_reader import read_with
from ocr_plugin.detectors.dbnet import DBNet
from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB
from ocr_plugin.runtime.paddlex_models import offline_models
from ocr_plugin.schema import Page
from tests.adapters.servers import Server
from tests.adapters.test_docling import converted

pytestmark = pytest.mark.filterwarnings("default")

EXAMPLES = Path(__file__).parents[2] / "examples"
DPI = 144


@pytest.fixture(scope="module", params=["shop_signs.jpg", "printed_page.png"])
def photo(request: pytest.FixtureRequest) -> RGB:
    """The signs without the text on an arc, which not every host can express; a real photo."""
    with Image.open(EXAMPLES / request.param) as opened:
        return np.asarray(opened.convert("RGB"))[:, :780].copy()


@pytest.fixture(scope="module")
def expected(photo: RGB) -> list[str]:
    words = sorted(word.text for word in Engine().read(photo).words)
    assert len(words) >= 10
    return words


def shared_part(words: list[str], expected: list[str]) -> float:
    """Returns which share of all words both have."""
    both = (Counter(words) & Counter(expected)).total()
    return both / max(len(words), len(expected))


@pytest.fixture
def agreement(photo: RGB) -> float:
    """What PaddleOCR and docling must share: they cut, or draw, other pixels than we.

    That changes nothing on the clear lettering of the signs, but a word here and there of the
    photo, whose letters are ten pixels high on bent lines.
    """
    return 1.0 if len(photo) > 500 else 0.9


@pytest.fixture
def document(photo: RGB, tmp_path: Path) -> Path:
    """A PDF that holds the photo without loss."""
    coded = io.BytesIO()
    Image.fromarray(photo).save(coded, "PNG", dpi=(DPI, DPI))
    path = tmp_path / "photo.pdf"
    path.write_bytes(img2pdf.convert(coded.getvalue()))
    return path


@pytest.mark.nightly
def test_paddleocr_with_our_reader_on_our_boxes(
    photo: RGB, expected: list[str], agreement: float, tmp_path: Path
) -> None:
    from paddleocr import PaddleOCR

    class OurBoxes:
        """Stands where the pipeline has its detector."""

        def __call__(self, images: list[RGB], **_: Any) -> Any:
            rgb = [np.ascontiguousarray(image[..., ::-1]) for image in images]
            for found in DBNet().detect(rgb):
                quads = [polygon[[0, len(polygon) // 2 - 1, len(polygon) // 2, -1]]
                         for polygon in found.polygons]  # fmt: skip
                yield {"dt_polys": np.array(quads), "dt_scores": found.confidences}

    pipeline = read_with(PaddleOCR(**offline_models(tmp_path)))
    pipeline.paddlex_pipeline._pipeline.text_det_model = OurBoxes()
    (result,) = pipeline.predict([np.ascontiguousarray(photo[..., ::-1])])
    assert shared_part(" ".join(result["rec_texts"]).split(), expected) >= agreement


@pytest.mark.nightly
def test_ocrmypdf(document: Path, expected: list[str]) -> None:
    target = document.with_suffix(".out.pdf")
    ocrmypdf.ocr(document, target, output_type="pdf", progress_bar=False)
    text = pypdfium2.PdfDocument(target)[0].get_textpage().get_text_bounded()
    assert sorted(text.split()) == expected
    for shared in ocrmypdf_engine._engines.values():
        shared.close()
    ocrmypdf_engine._engines.clear()


@pytest.mark.nightly
def test_docling(photo: RGB, expected: list[str], agreement: float, tmp_path: Path) -> None:
    (words,) = converted(tmp_path, photo, recognizer="second_opinion", scale=DPI / 72)["words"]
    assert shared_part([word["text"] for word in words], expected) >= agreement


def test_the_server(photo: RGB, expected: list[str]) -> None:
    server = Server()
    try:
        coded = io.BytesIO()
        Image.fromarray(photo).save(coded, "PNG")
        response = httpx.post(f"{server.url}/v1/read", content=coded.getvalue(), timeout=60)
        (page,) = (Page.model_validate(page) for page in response.json()["pages"])
        assert sorted(word.text for word in page.words) == expected
    finally:
        server.stop()

"""Documents against the published schemas, and hOCR by OCRmyPDF's reader."""

from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from ocrmypdf.hocrtransform import HocrParser

from ocr_plugin.engine.engine import Engine
from ocr_plugin.formats import alto, hocr, page_xml
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.schema import Page
from tests.formats import test_formats

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
PHOTO = Path(__file__).parents[2] / "examples" / "shop_signs.jpg"


class Local(etree.Resolver):  # type: ignore[misc]
    """Finds what a schema imports beside it."""

    def resolve(self, url: str, public: object, context: object) -> object:
        return self.resolve_filename(str(SCHEMAS / Path(url).name), context)


def schema(name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Local())
    return etree.XMLSchema(etree.parse(str(SCHEMAS / name), parser))


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    engine = Engine(recognizer=PPOcrRecognizer())
    return {
        "awkward": test_formats.page(),
        "photo": engine.read(PHOTO),
        "empty": engine.read(np.full((40, 60, 3), 255, np.uint8)),
    }


@pytest.mark.parametrize("kind", ["awkward", "photo", "empty"])
def test_documents_are_valid(pages: dict[str, Page], kind: str) -> None:
    page = pages[kind]
    schema("alto-4-4.xsd").assertValid(etree.fromstring(alto.render([page, page]).encode()))
    document = page_xml.render(page, "2026-11-23T12:00:00+00:00").encode()
    schema("page-2019-07-15.xsd").assertValid(etree.fromstring(document))


def test_the_schemas_refuse_what_is_wrong(pages: dict[str, Page]) -> None:
    wrong = alto.render([pages["photo"]]).replace("HPOS", "XPOS", 1)
    with pytest.raises(etree.DocumentInvalid, match="XPOS"):
        schema("alto-4-4.xsd").assertValid(etree.fromstring(wrong.encode()))
    wrong = page_xml.render(pages["photo"], "yesterday")
    with pytest.raises(etree.DocumentInvalid, match="yesterday"):
        schema("page-2019-07-15.xsd").assertValid(etree.fromstring(wrong.encode()))


@pytest.mark.parametrize("kind", ["awkward", "photo", "empty"])
def test_hocr_is_understood_elsewhere(pages: dict[str, Page], kind: str, tmp_path: Path) -> None:
    page = pages[kind]
    (tmp_path / "page.hocr").write_text(hocr.render([page]), encoding="utf-8")
    root = HocrParser(tmp_path / "page.hocr").parse()
    assert root.bbox and (root.bbox.right, root.bbox.bottom) == (
        page.source.width,
        page.source.height,
    )
    # XML has no control characters.
    expected = [word.text.replace("\x07", "\ufffd") for word in page.words]
    assert [word.text for word in root.words] == expected
    for found, word in zip(root.words, page.words, strict=True):
        assert found.confidence == pytest.approx(word.confidence, abs=0.006)
        assert found.bbox
        box = (found.bbox.left, found.bbox.top, found.bbox.right, found.bbox.bottom)
        size = np.tile([page.source.width, page.source.height], 2)
        assert box == pytest.approx(np.clip(word.polygon.box, 0, size), abs=1)
    assert len(root.lines) == len(page.lines)

"""Pages as ALTO 4.4 XML, the format of libraries and archives.

https://www.loc.gov/standards/alto/
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from ocr_plugin.formats.xml_text import box_of, clean, document, points_of
from ocr_plugin.schema import Block, Line, Page, Polygon, Word

_NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
_VERSION = "4.4"


def render(pages: Sequence[Page]) -> str:
    """Returns one ALTO document of the pages of one source, at least one.

    Places are in pixels. A word (``String``) has its box and outline, its confidence (``WC``), its
    characters' (``CC``, 0 sure to 9 unsure, as ALTO has it) and its other readings.

    Raises:
        ValueError: no pages.
    """
    if not pages:
        raise ValueError("an ALTO document has at least one page")
    root = Element("alto", {"xmlns": _NAMESPACE, "SCHEMAVERSION": _VERSION})
    _add_description(SubElement(root, "Description"), pages[0])
    layout = SubElement(root, "Layout")
    for number, page in enumerate(pages, start=1):
        _add_page(layout, page, number)
    return document(root)


def _add_description(description: Element, page: Page) -> None:
    SubElement(description, "MeasurementUnit").text = "pixel"
    source = SubElement(description, "sourceImageInformation")
    SubElement(source, "fileName").text = clean(page.source.name)
    step = SubElement(description, "Processing", {"ID": "reading"})
    SubElement(step, "processingCategory").text = "contentGeneration"
    readers = f"{page.engine.detector.name}, {page.engine.recognizer.name}"
    SubElement(step, "processingStepDescription").text = clean(readers)
    software = SubElement(step, "processingSoftware")
    SubElement(software, "softwareName").text = "ocr-plugin"
    SubElement(software, "softwareVersion").text = page.engine.version


def _add_page(layout: Element, page: Page, number: int) -> None:
    source = page.source
    size = {"WIDTH": str(source.width), "HEIGHT": str(source.height)}
    outer = SubElement(
        layout,
        "Page",
        {"ID": f"page_{number}", "PHYSICAL_IMG_NR": str(source.page_index + 1), **size},
    )
    space = SubElement(
        outer, "PrintSpace", {"ID": f"space_{number}", "HPOS": "0", "VPOS": "0", **size}
    )
    for block_number, block in enumerate(page.blocks, start=1):
        _add_block(space, page, block, f"{number}_{block_number}")


def _add_block(space: Element, page: Page, block: Block, place: str) -> None:
    own = SubElement(space, "TextBlock", {"ID": f"block_{place}", **_box(page, block.polygon)})
    _add_shape(own, page, block.polygon)
    for number, line in enumerate(block.lines, start=1):
        _add_line(own, page, line, f"{place}_{number}")


def _add_line(block: Element, page: Page, line: Line, place: str) -> None:
    own = SubElement(block, "TextLine", {"ID": f"line_{place}", **_box(page, line.polygon)})
    _add_shape(own, page, line.polygon)
    for number, word in enumerate(line.words, start=1):
        if number > 1:
            SubElement(own, "SP")
        _add_word(own, page, word, f"{place}_{number}")


def _add_word(line: Element, page: Page, word: Word, place: str) -> None:
    values = {"ID": f"word_{place}", "CONTENT": clean(word.text), "WC": f"{word.confidence:.4f}"}
    if word.characters:
        values["CC"] = " ".join(str(round(9 * (1 - part.confidence))) for part in word.characters)
    own = SubElement(line, "String", values | _box(page, word.polygon))
    _add_shape(own, page, word.polygon)
    for other in word.alternatives:
        SubElement(own, "ALTERNATIVE").text = clean(other.text)


def _add_shape(parent: Element, page: Page, polygon: Polygon) -> None:
    shape = SubElement(parent, "Shape")
    SubElement(shape, "Polygon", {"POINTS": points_of(page, polygon)})


def _box(page: Page, polygon: Polygon) -> dict[str, str]:
    x0, y0, x1, y1 = box_of(page, polygon)
    return {"HPOS": str(x0), "VPOS": str(y0), "WIDTH": str(x1 - x0), "HEIGHT": str(y1 - y0)}

"""A page as PAGE XML 2019-07-15, the format of PRImA, Transkribus, eScriptorium and OCR-D.

https://github.com/PRImA-Research-Lab/PAGE-XML
"""

from xml.etree.ElementTree import Element, SubElement

from ocr_plugin.formats.xml_text import clean, document, points_of
from ocr_plugin.schema import Block, Line, Page, Word

_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


def render(page: Page, created: str) -> str:
    """Returns the PAGE document of one page; the format allows no more.

    Blocks are text regions in reading order; words have their confidence, and their other readings
    as further text equivalents.

    Args:
        page: the result.
        created: time in ISO 8601, such as 2026-11-23T12:00:00.
    """
    root = Element("PcGts", {"xmlns": _NAMESPACE})
    metadata = SubElement(root, "Metadata")
    SubElement(metadata, "Creator").text = f"ocr-plugin {page.engine.version}"
    SubElement(metadata, "Created").text = created
    SubElement(metadata, "LastChange").text = created
    source = page.source
    outer = SubElement(
        root,
        "Page",
        {
            "imageFilename": clean(source.name),
            "imageWidth": str(source.width),
            "imageHeight": str(source.height),
        },
    )
    if page.blocks:
        order = SubElement(SubElement(outer, "ReadingOrder"), "OrderedGroup", {"id": "order"})
        for number in range(len(page.blocks)):
            values = {"index": str(number), "regionRef": f"region_{number + 1}"}
            SubElement(order, "RegionRefIndexed", values)
    for number, block in enumerate(page.blocks, start=1):
        _add_block(outer, page, block, f"{number}")
    return document(root)


def _add_block(outer: Element, page: Page, block: Block, place: str) -> None:
    region = SubElement(outer, "TextRegion", {"id": f"region_{place}"})
    SubElement(region, "Coords", {"points": points_of(page, block.polygon)})
    for number, line in enumerate(block.lines, start=1):
        _add_line(region, page, line, f"{place}_{number}")
    _add_text(region, block.text)


def _add_line(region: Element, page: Page, line: Line, place: str) -> None:
    own = SubElement(region, "TextLine", {"id": f"line_{place}"})
    SubElement(own, "Coords", {"points": points_of(page, line.polygon)})
    for number, word in enumerate(line.words, start=1):
        _add_word(own, page, word, f"{place}_{number}")
    _add_text(own, line.text)


def _add_word(line: Element, page: Page, word: Word, place: str) -> None:
    own = SubElement(line, "Word", {"id": f"word_{place}"})
    SubElement(own, "Coords", {"points": points_of(page, word.polygon)})
    readings = [(word.text, word.confidence)]
    readings += [(other.text, other.confidence) for other in word.alternatives]
    for index, (text, confidence) in enumerate(readings):
        _add_text(own, text, confidence, index if len(readings) > 1 else None)


def _add_text(
    parent: Element, text: str, confidence: float | None = None, index: int | None = None
) -> None:
    values = {} if confidence is None else {"conf": f"{confidence:.4f}"}
    if index is not None:
        values["index"] = str(index)
    equivalent = SubElement(parent, "TextEquiv", values)
    SubElement(equivalent, "Unicode").text = clean(text)

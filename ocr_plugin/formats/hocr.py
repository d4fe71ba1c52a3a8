"""Pages as hOCR 1.2, the HTML that tesseract, OCRopus and OCRmyPDF understand.

http://kba.github.io/hocr-spec/1.2/
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from ocr_plugin.formats.xml_text import box_of, clean, document
from ocr_plugin.schema import Line, Page, Polygon, Word

_DOCTYPE = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"'
    ' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
)
_CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_poly ocrp_wconf"


def render(pages: Sequence[Page]) -> str:
    """Returns one hOCR document of any number of pages.

    A word has its box, its outline (``poly``), its confidence (``x_wconf``, 0 to 100) and, where
    they are known, its characters' (``x_confs``); a line that does not run to the right has its
    angle (``textangle``, counter-clockwise).
    """
    root = Element("html", {"xmlns": "http://www.w3.org/1999/xhtml"})
    head, body = SubElement(root, "head"), SubElement(root, "body")
    SubElement(head, "title").text = clean(pages[0].source.name) if pages else ""
    system = f"ocr-plugin {pages[0].engine.version}" if pages else "ocr-plugin"
    for name, content in (("ocr-system", system), ("ocr-capabilities", _CAPABILITIES)):
        SubElement(head, "meta", {"name": name, "content": content})
    for number, page in enumerate(pages, start=1):
        _add_page(body, page, number)
    return document(root, _DOCTYPE)


def _add_page(body: Element, page: Page, number: int) -> None:
    source = page.source
    # A quotation mark would end the name.
    name = clean(source.name).replace('"', "'")
    title = f'image "{name}"; bbox 0 0 {source.width} {source.height}; ppageno {source.page_index}'
    outer = _element(body, "div", "ocr_page", f"page_{number}", title)
    for block_number, block in enumerate(page.blocks, start=1):
        place = f"{number}_{block_number}"
        title = _box(page, block.polygon)
        area = _element(outer, "div", "ocr_carea", f"block_{place}", title)
        paragraph = _element(area, "p", "ocr_par", f"par_{place}", title)
        for line_number, line in enumerate(block.lines, start=1):
            _add_line(paragraph, page, line, f"{place}_{line_number}")


def _add_line(paragraph: Element, page: Page, line: Line, place: str) -> None:
    angle = round(-line.angle % 360, 1) % 360
    turned = f"; textangle {angle:g}" if angle else ""
    title = _box(page, line.polygon) + turned
    span = _element(paragraph, "span", "ocr_line", f"line_{place}", title)
    for number, word in enumerate(line.words, start=1):
        own = _element(span, "span", "ocrx_word", f"word_{place}_{number}", _word_title(page, word))
        own.text = clean(word.text)


def _word_title(page: Page, word: Word) -> str:
    corners = " ".join(f"{round(point.x)} {round(point.y)}" for point in word.polygon.points)
    parts = [_box(page, word.polygon), f"poly {corners}", f"x_wconf {round(100 * word.confidence)}"]
    if word.characters:
        confidences = (f"{100 * character.confidence:.0f}" for character in word.characters)
        parts.append(f"x_confs {' '.join(confidences)}")
    return "; ".join(parts)


def _box(page: Page, polygon: Polygon) -> str:
    return "bbox {} {} {} {}".format(*box_of(page, polygon))


def _element(parent: Element, tag: str, kind: str, identity: str, title: str) -> Element:
    return SubElement(parent, tag, {"class": kind, "id": identity, "title": title})

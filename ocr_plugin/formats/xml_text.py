"""Text and coordinates for the XML formats."""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, indent, tostring

from ocr_plugin.schema import Page, Point, Polygon

# XML 1.0 cannot represent these, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels."""


def clean(text: str) -> str:
    """Returns a text with U+FFFD in place of every character that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)


def box_of(page: Page, polygon: Polygon) -> Box:
    """Returns the bounds of a polygon within the page, at least a pixel wide and high."""
    width, height = page.source.width, page.source.height
    x0, y0, x1, y1 = polygon.box
    left, top = min(max(int(x0), 0), width - 1), min(max(int(y0), 0), height - 1)
    return left, top, min(max(round(x1), left + 1), width), min(max(round(y1), top + 1), height)


def points_of(page: Page, polygon: Polygon | Iterable[Point]) -> str:
    """Returns the corners within the page, as ``x,y x,y ...`` in whole pixels."""
    points = polygon.points if isinstance(polygon, Polygon) else polygon
    return " ".join(
        f"{round(min(max(point.x, 0), page.source.width))},"
        f"{round(min(max(point.y, 0), page.source.height))}"
        for point in points
    )


def document(root: Element, doctype: str = "") -> str:
    """Returns an XML document, indented, with its declaration."""
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}{tostring(root, "unicode")}\n'

"""Pages as tab-separated values with tesseract's columns.

https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html
"""

from collections.abc import Iterator, Sequence

from ocr_plugin.formats.xml_text import Box, box_of
from ocr_plugin.schema import Page

_COLUMNS = (
    "level",
    "page_num",
    "block_num",
    "par_num",
    "line_num",
    "word_num",
    "left",
    "top",
    "width",
    "height",
    "conf",
    "text",
)
_Place = tuple[int, int, int, int, int]
"""Numbers of page, block, paragraph, line and word; 0 below a row's own level."""


def render(pages: Sequence[Page]) -> str:
    """Returns a heading and a row for every page, block, paragraph, line and word.

    Levels are 1 to 5 in that order, and a block is one paragraph. Confidences are 0 to 100, and -1
    in rows that have no text. A text has no white space, so nothing is quoted.
    """
    rows = ["\t".join(_COLUMNS)]
    for number, page in enumerate(pages, start=1):
        rows += _rows(page, number)
    return "\n".join(rows) + "\n"


def _rows(page: Page, number: int) -> Iterator[str]:
    yield _row(1, (number, 0, 0, 0, 0), (0, 0, page.source.width, page.source.height))
    for block_number, block in enumerate(page.blocks, start=1):
        box = box_of(page, block.polygon)
        yield _row(2, (number, block_number, 0, 0, 0), box)
        yield _row(3, (number, block_number, 1, 0, 0), box)
        for line_number, line in enumerate(block.lines, start=1):
            place = (number, block_number, 1, line_number)
            yield _row(4, (*place, 0), box_of(page, line.polygon))
            for word_number, word in enumerate(line.words, start=1):
                confidence = f"{100 * word.confidence:.6f}"
                box = box_of(page, word.polygon)
                yield _row(5, (*place, word_number), box, confidence, word.text)


def _row(
    level: int,
    place: _Place,
    box: Box,
    confidence: str = "-1",
    text: str = "",
) -> str:
    x0, y0, x1, y1 = box
    return "\t".join(map(str, (level, *place, x0, y0, x1 - x0, y1 - y0, confidence, text)))

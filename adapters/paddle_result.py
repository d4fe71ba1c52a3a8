"""Pages to and from PaddleOCR's results: the dictionaries of 3.x and the nested lists of 2.x.

https://www.paddleocr.ai; shapes as `paddleocr` 3.7 and 2.10 give them. Neither package is needed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ocr_plugin.protocols import Points
from ocr_plugin.schema import Block, Component, EngineInfo, Line, Page, Point, Polygon, Source, Word

_Entry = tuple[Points, str, float]
"""A line: its polygon, (N, 2) float32, its text and its score."""


def to_result(page: Page) -> dict[str, Any]:
    """Returns a page as PaddleOCR 3.x saves it: what stands in ``OCRResult.json["res"]``.

    A line is an entry of ``rec_texts``, and its words are in ``text_word`` and
    ``text_word_region``. Everything is plain lists and numbers, so that it can be written as JSON.
    """
    lines = page.lines
    quads = [_quad(line.polygon) for line in lines]
    regions = [[_quad(word.polygon) for word in line.words] for line in lines]
    return {
        "input_path": page.source.name,
        "page_index": page.source.page_index,
        "model_settings": {"use_doc_preprocessor": False, "use_textline_orientation": False},
        "dt_polys": quads,
        "text_det_params": {},
        "text_type": "general",
        "textline_orientation_angles": [-1] * len(lines),
        "text_rec_score_thresh": 0.0,
        "return_word_box": True,
        "rec_texts": [line.text for line in lines],
        "rec_scores": [line.confidence for line in lines],
        "rec_polys": quads,
        "rec_boxes": [_box(quad) for quad in quads],
        "text_word": [[word.text for word in line.words] for line in lines],
        "text_word_region": regions,
        "text_word_boxes": [[_box(region) for region in row] for row in regions],
    }


def to_lists(page: Page) -> list[list[Any]] | None:
    """Returns a page as PaddleOCR 2.x gives it: ``[[quad, (text, score)], ...]``, or None.

    None is what 2.x gives for a page without text.
    """
    entries = [
        [[[float(x), float(y)] for x, y in _quad(line.polygon)], (line.text, line.confidence)]
        for line in page.lines
    ]
    return entries or None


def from_paddle(result: object, source: Source, version: str = "unknown") -> Page:
    """Returns the page that a PaddleOCR result describes: one block of lines, in its order.

    Words are those of ``text_word`` where the result has them; otherwise a line's text is parted at
    its spaces and its width shared out among the characters.

    Args:
        result: of one page: an ``OCRResult`` or its JSON, with or without ``{"res": ...}``; or the
            list of 2.x, or None for an empty page. Not the list of all pages.
        source: what was read.
        version: of PaddleOCR, for the page's record.

    Raises:
        ValueError: it is neither.
    """
    lines = [
        Line(words=tuple(own), polygon=_polygon(polygon)) for polygon, own in _lines(result) if own
    ]
    reader = Component(name="paddleocr", version=version)
    return Page(
        source=source,
        blocks=(Block(lines=tuple(lines), polygon=_bounds(lines)),) if lines else (),
        engine=EngineInfo(version=version, detector=reader, recognizer=reader),
    )


def _lines(result: object) -> Iterator[tuple[Points, list[Word]]]:
    """Yields every line's polygon with its words."""
    if isinstance(result, Mapping):
        content = result.get("res", result)
        if not isinstance(content, Mapping) or "rec_texts" not in content:
            raise ValueError("no PaddleOCR result: it has no rec_texts")
        tokens = content.get("text_word") or []
        regions = content.get("text_word_region") or []
        for index, entry in enumerate(_entries(content)):
            own = None
            if index < len(tokens) and index < len(regions):
                own = _token_words(entry[1], tokens[index], regions[index], entry[2])
            yield entry[0], list(_spaced_words(*entry)) if own is None else own
    elif result is None:
        return
    elif isinstance(result, Sequence) and not isinstance(result, str | bytes):
        for entry in result:
            yield _checked(entry)[0], list(_spaced_words(*_checked(entry)))
    else:
        raise ValueError(f"no PaddleOCR result: {type(result).__name__}")


def _entries(content: Mapping[str, Any]) -> Iterator[_Entry]:
    names = ("rec_polys", "rec_texts", "rec_scores")
    columns = [content.get(name, ()) for name in names]
    if len({len(column) for column in columns}) != 1:
        sizes = ", ".join(
            f"{len(column)} {name}" for name, column in zip(names, columns, strict=True)
        )
        raise ValueError(f"no PaddleOCR result: {sizes}")
    for polygon, text, score in zip(*columns, strict=True):
        yield np.asarray(polygon, np.float32), str(text), float(score)


def _checked(entry: Any) -> _Entry:
    try:
        polygon, (text, score) = entry
        points = np.asarray(polygon, np.float32)
        if points.ndim != 2 or points.shape[1] != 2 or not isinstance(text, str):
            raise TypeError
        return points, text, float(score)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "no PaddleOCR result of one page: an entry is not [polygon, (text, score)]"
        ) from error


def _spaced_words(polygon: Points, text: str, score: float) -> Iterator[Word]:
    """Yields the words of a line, each with its characters' share of the line's width."""
    left, right = _edges(polygon)
    for match in re.finditer(r"\S+", text):
        start, end = (left + place / len(text) * (right - left) for place in match.span())
        yield _word(match[0], np.stack([start[0], end[0], end[1], start[1]]), score)


def _token_words(
    text: str, tokens: Sequence[str], regions: Sequence[Any], score: float
) -> list[Word] | None:
    """Returns the words that tokens make up; None where they do not make up the text.

    A token is a run of Latin letters or a single character of other scripts; white space in the
    text parts words, whether or not it is among the tokens.
    """
    found: list[Word] = []
    place, parted = 0, True
    for token, region in zip(tokens, regions, strict=False):
        plain = token.strip()
        while place < len(text) and text[place].isspace():
            place, parted = place + 1, True
        if not text.startswith(plain, place):
            return None
        if not plain:
            continue
        quad = np.asarray(region, np.float32)
        if parted:
            found.append(_word(plain, quad, score))
        else:
            before = found.pop()
            left = np.array(before.polygon.points, np.float32)
            joined = np.stack([left[0], quad[1], quad[2], left[-1]])
            found.append(_word(before.text + plain, joined, score))
        place, parted = place + len(plain), False
    return found if not text[place:].strip() else None


def _word(text: str, quad: Points, score: float) -> Word:
    return Word(text=text, polygon=_polygon(quad), confidence=min(max(score, 0.0), 1.0))


def _polygon(points: Points) -> Polygon:
    return Polygon(tuple(Point(float(x), float(y)) for x, y in points))


def _bounds(lines: Sequence[Line]) -> Polygon:
    x0, y0, x1, y1 = zip(*(line.polygon.box for line in lines), strict=True)
    left, top, right, bottom = min(x0), min(y0), max(x1), max(y1)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Polygon(tuple(Point(x, y) for x, y in corners))


def _edges(polygon: Points) -> tuple[Points, Points]:
    """Returns the left and the right edge, (2, 2) each, upper end first."""
    half = len(polygon) // 2
    return polygon[[0, -1]], polygon[[half - 1, half]]


def _quad(polygon: Polygon) -> list[list[int]]:
    """Returns a polygon's four corners in whole pixels."""
    return [[round(corner.x), round(corner.y)] for corner in polygon.quad]


def _box(quad: list[list[int]]) -> list[int]:
    xs, ys = zip(*quad, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]

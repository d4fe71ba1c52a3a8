"""The formats that pages can be written in, by name."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from ocr_plugin.adapters import alto, hocr, markdown, page_xml, tsv
from ocr_plugin.schema import Page


class Format(NamedTuple):
    """A way to write pages.

    Attributes:
        suffix: of a file's name, with its dot.
        render: gives the document of the pages of one source, at least one.
        single: whether a document holds one page only.
        joins: whether documents may follow each other in one stream.
    """

    suffix: str
    render: Callable[[Sequence[Page]], str]
    single: bool = False
    joins: bool = False


def _text(pages: Sequence[Page]) -> str:
    # A form feed between pages, as pdftotext and tesseract have it.
    return "\f".join(f"{page.text}\n" for page in pages)


def _json(pages: Sequence[Page]) -> str:
    return "".join(f"{page.model_dump_json()}\n" for page in pages)


def _page_xml(pages: Sequence[Page]) -> str:
    (page,) = pages
    return page_xml.render(page, datetime.now(UTC).isoformat(timespec="seconds"))


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "text": Format(".txt", _text, joins=True),
        "json": Format(".jsonl", _json, joins=True),
        "markdown": Format(".md", markdown.render),
        "tsv": Format(".tsv", tsv.render),
        "hocr": Format(".hocr", hocr.render),
        "alto": Format(".alto.xml", alto.render),
        "page": Format(".page.xml", _page_xml, single=True),
    }
)

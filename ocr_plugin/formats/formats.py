"""The output formats, by name."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from ocr_plugin.formats import alto, hocr, markdown, page_xml, tsv
from ocr_plugin.schema import Page


class Format(NamedTuple):
    """An output format.

    Attributes:
        suffix: of a file's name, with its dot.
        render: returns the document of the pages of one source, at least one. Takes the pages,
            their pictures (of `searchable_pdf.picture`; none unless `pictured`) and the pictures'
            dots per inch.
        single: whether a document holds one page only.
        joins: whether documents may be concatenated in one stream.
        pictured: whether the document shows the pictures.
    """

    suffix: str
    render: Callable[[Sequence[Page], Sequence[bytes], float], bytes]
    single: bool = False
    joins: bool = False
    pictured: bool = False


def _of_text(render: Callable[[Sequence[Page]], str]) -> Callable[..., bytes]:
    return lambda pages, *_: render(pages).encode()


def _pdf(pages: Sequence[Page], pictures: Sequence[bytes], dpi: float) -> bytes:
    from ocr_plugin.formats import searchable_pdf

    return searchable_pdf.render(list(zip(pages, pictures, strict=True)), dpi)


def _text(pages: Sequence[Page]) -> str:
    # A form feed between pages, as pdftotext and tesseract write it.
    return "\f".join(f"{page.text}\n" for page in pages)


def _json(pages: Sequence[Page]) -> str:
    return "".join(f"{page.model_dump_json()}\n" for page in pages)


def _page_xml(pages: Sequence[Page]) -> str:
    (page,) = pages
    return page_xml.render(page, datetime.now(UTC).isoformat(timespec="seconds"))


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "text": Format(".txt", _of_text(_text), joins=True),
        "json": Format(".jsonl", _of_text(_json), joins=True),
        "markdown": Format(".md", _of_text(markdown.render)),
        "tsv": Format(".tsv", _of_text(tsv.render)),
        "hocr": Format(".hocr", _of_text(hocr.render)),
        "alto": Format(".alto.xml", _of_text(alto.render)),
        "page": Format(".page.xml", _of_text(_page_xml), single=True),
        "pdf": Format(".pdf", _pdf, pictured=True),
    }
)

"""The command `read`: pictures and documents in, text or structured pages out."""

import gc
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocr_plugin.cli.console import results_only
from ocr_plugin.cli.convert import FormatName, Out, document_writer
from ocr_plugin.cli.guidance import (
    AbstainBelow,
    Allow,
    Language,
    Lexicon,
    LexiconWeight,
    Pattern,
    constraint_of,
)
from ocr_plugin.cli.parameters import (
    Device,
    MaxBytes,
    MaxMemory,
    MaxPages,
    MinConfidence,
    Model,
    Offline,
    PdfDpi,
    PdfTextName,
    Precision,
    RecognizerName,
    chosen,
    runtime_of,
)
from ocr_plugin.cli.results import ResultWriter
from ocr_plugin.errors import ConfigurationError, UnreadableImage
from ocr_plugin.options import (
    DEFAULT_DETECTOR,
    DEFAULT_MEMORY,
    DEFAULT_PDF_TEXT,
    EngineOptions,
    ImageOptions,
)

if TYPE_CHECKING:
    from ocr_plugin.pages.raster import PageFailure, PageImage
    from ocr_plugin.pages.source import Source

_DEFAULTS = EngineOptions()


def read(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE", help="Pictures, TIFFs and PDFs; - is standard input."),
    ],
    as_text: Annotated[bool, typer.Option("--text", help="Print the text; the default.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per page.")
    ] = False,
    format_name: FormatName = None,
    out: Out = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also draw what was read, as a PNG per page in DIR."),
    ] = None,
    detector: Annotated[
        str, typer.Option(metavar="NAME", help="Detector that finds text.")
    ] = DEFAULT_DETECTOR,
    recognizer: RecognizerName = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
    min_confidence: MinConfidence = _DEFAULTS.min_confidence,
    pdf_dpi: PdfDpi = _DEFAULTS.images.pdf_dpi,
    pdf_text: PdfTextName = DEFAULT_PDF_TEXT,
    max_bytes: MaxBytes = _DEFAULTS.images.max_bytes,
    max_pages: MaxPages = _DEFAULTS.images.max_pages,
    language: Language = None,
    allow: Allow = None,
    pattern: Pattern = None,
    lexicon: Lexicon = None,
    lexicon_weight: LexiconWeight = None,
    abstain_below: AbstainBelow = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Read pages and lines one by one, so that no digit of a confidence depends on"
            " what else is read; slower.",
        ),
    ] = False,
    isolate: Annotated[
        bool,
        typer.Option(
            "--isolate",
            help="Decode in processes of their own, limited in memory and time: for files of"
            " strangers (extra serve or batch).",
        ),
    ] = False,
    max_memory: MaxMemory = DEFAULT_MEMORY,
    offline: Offline = False,
) -> None:
    """Read the text of pictures and documents."""
    if as_text + as_json + (format_name is not None) > 1:
        raise ConfigurationError("use only one of --text, --json and --format")
    written = format_name or ("json" if as_json else "text")
    if images.count("-") > 1:
        raise ConfigurationError("standard input can be read only once")
    options = EngineOptions.parse(
        {
            "min_confidence": min_confidence,
            "isolate": isolate,
            "max_memory": max_memory,
            **(dict.fromkeys(("detector_batch", "recognizer_batch"), 1) if exact else {}),
            "images": ImageOptions.parse(
                {
                    "pdf_dpi": pdf_dpi,
                    "pdf_text": pdf_text,
                    "max_bytes": max_bytes,
                    "max_pages": max_pages,
                }
            ),
        }
    )
    name, recognizer_options = chosen(recognizer, model)
    constraint = constraint_of(allow, pattern, lexicon, lexicon_weight, abstain_below)
    with results_only() as stream:
        documents = document_writer(written, stream, out, len(images), pdf_dpi)
        with _no_collection():
            from ocr_plugin.engine.engine import Engine

            engine = Engine(
                detector,
                name,
                runtime=runtime_of(device, precision, offline),
                recognizer_options=recognizer_options,
                options=options,
                language=language,
                constraint=constraint,
            )
        stdin = _standard_input(max_bytes) if "-" in images else b""
        writer = ResultWriter(
            stream, as_json=written == "json", overlays=overlay, documents=documents
        )
        shown = overlay is not None or (documents is not None and documents.pictured)
        pictures = _pictures(_sources(images, stdin), options) if shown else ()
        results = engine.read_many(_sources(images, stdin))
        writer.show_all(results, pictures, len(images))
    raise typer.Exit(writer.exit_code)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collects no garbage in the body: imports make hundreds of thousands of objects, all kept.

    Looking through them again and again would take a fifth of the time to import.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class _Stdin(io.BytesIO):
    """Standard input as a file that has a name."""

    name = "<stdin>"


def _standard_input(most: int) -> bytes:
    """Returns what standard input holds.

    Raises:
        UnreadableImage: it is more than so many bytes.
    """
    from ocr_plugin.pages.raster import Unusable
    from ocr_plugin.pages.source import read_at_most

    try:
        return read_at_most(sys.stdin.buffer, most)
    except Unusable as error:
        raise UnreadableImage(_Stdin.name, str(error)) from error


def _sources(images: Sequence[str], stdin: bytes) -> "list[Source]":
    return [_Stdin(stdin) if image == "-" else image for image in images]


def _pictures(
    sources: "list[Source]", options: EngineOptions
) -> "Iterator[PageImage | PageFailure]":
    """Decodes the pages once more, one for each result, to draw on."""
    from ocr_plugin.pages.prefetch import opened

    return opened(sources, options, threads=1)

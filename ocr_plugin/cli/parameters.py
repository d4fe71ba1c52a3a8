"""Options of all commands that read: recognizer, model, device, precision."""

import os
from typing import Annotated, Any

import typer

from ocr_plugin.options import (
    DEFAULT_RECOGNIZER,
    LEAST_MEMORY,
    MAX_MEMORY,
    MODEL_RECOGNIZER,
    RuntimeOptions,
)

RecognizerName = Annotated[
    str | None,
    typer.Option(
        "--recognizer",
        metavar="NAME",
        help=f"{DEFAULT_RECOGNIZER} (default), {MODEL_RECOGNIZER} (default with --model) or another"
        " recognizer that `ocr-plugin plugins` lists.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME_OR_PATH", help="Weights for the recognizer."),
]
Device = Annotated[
    str | None,
    typer.Option("--device", metavar="DEVICE", help="For recognizer and detector, such as cuda:0."),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="TYPE",
        help="Numeric precision: float32, bfloat16, float16, or auto (default). On a CPU,"
        " bfloat16 for all networks needs the extra openvino.",
    ),
]
PdfTextName = Annotated[
    str,
    typer.Option(
        "--pdf-text",
        metavar="auto|ocr|layer",
        help="Text of PDFs: ocr reads the pages as pictures, layer takes the text that they carry,"
        " auto takes it where it is sound.",
    ),
]
MinConfidence = Annotated[
    float,
    typer.Option(
        "--min-confidence",
        min=0,
        max=1,
        metavar="0..1",
        help="Leave out words below this, in doubtful lines.",
    ),
]
PdfDpi = Annotated[
    float,
    typer.Option("--pdf-dpi", metavar="DPI", help="Resolution at which PDFs are rendered."),
]
MaxBytes = Annotated[
    int, typer.Option("--max-bytes", min=1, help="Limit of a file; larger ones are errors.")
]
MaxPages = Annotated[
    int,
    typer.Option(
        "--max-pages", min=1, help="Pages read of a document; one error stands for the rest."
    ),
]
MaxMemory = Annotated[
    float, typer.Option("--max-memory", min=LEAST_MEMORY, metavar="GB", help=MAX_MEMORY)
]
Offline = Annotated[bool, typer.Option("--offline", help="Never download anything.")]


def chosen(recognizer: str | None, model: str | None) -> tuple[str, dict[str, Any]]:
    """Returns the recognizer's name and its options; a model alone implies it."""
    from ocr_plugin.recognizers import ppocr_catalogue

    if model is None:
        return recognizer or DEFAULT_RECOGNIZER, {}
    of_lines = ppocr_catalogue.line_model(model) is not None
    implied = ppocr_catalogue.RECOGNIZER if of_lines else MODEL_RECOGNIZER
    return recognizer or implied, {"model": model}


def runtime_of(device: str | None, precision: str | None, offline: bool) -> RuntimeOptions:
    """Returns the runtime options; offline, this process downloads nothing at all."""
    if offline:
        # Every download checks it, those of other libraries included.
        os.environ["OCR_PLUGIN_OFFLINE"] = "1"
    asked = {"device": device, "precision": precision, "offline": offline}
    return RuntimeOptions.parse({name: value for name, value in asked.items() if value})

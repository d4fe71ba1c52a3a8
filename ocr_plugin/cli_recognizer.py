"""Who reads, and on which device, as the commands that read are told it."""

import os
from typing import Annotated, Any

import typer

from ocr_plugin.options import DEFAULT_RECOGNIZER

# Detectors that go where the recognizer goes.
_MOVED_DETECTORS = {"dbnet"}

RecognizerName = Annotated[
    str | None,
    typer.Option(
        "--recognizer",
        metavar="NAME",
        help="Who reads: second_opinion (default), clip4str (default with --model), ppocr.",
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
        help="What CLIP4STR reckons with: float32, bfloat16, float16, or auto (default).",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Never download anything.")]


def go_offline() -> None:
    """Forbids this process every download."""
    # What every recognizer's download asks, so that none needs an option for it.
    os.environ["OCR_PLUGIN_OFFLINE"] = "1"


def chosen(
    recognizer: str | None,
    model: str | None,
    device: str | None,
    precision: str | None,
) -> tuple[str, dict[str, Any]]:
    """Returns the recognizer's name and its options; a model alone means CLIP4STR."""
    options = {"model": model, "device": device, "precision": precision}
    name = recognizer or ("clip4str" if model else DEFAULT_RECOGNIZER)
    return name, {key: value for key, value in options.items() if value is not None}


def detector_options(detector: str, device: str | None) -> dict[str, Any]:
    """Returns the detector's options: on a device other than the CPU it runs there too."""
    moved = detector in _MOVED_DETECTORS and device not in (None, "cpu")
    return {"device": device} if moved else {}

"""Who reads, and on which device, as the commands that read are told it."""

import os
from typing import Annotated, Any

import typer

from ocr_plugin.options import DEFAULT_RECOGNIZER

# Detectors that go where the recognizer goes.
_FOLLOWERS = {"dbnet", "word_line"}

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
        help="What CLIP4STR reckons with: float32, bfloat16, float16, or auto (default). On a CPU"
        " bfloat16 is for detector and PP-OCR too, if the extra openvino is installed.",
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


def detector_options(
    detector: str, device: str | None, precision: str | None = None
) -> dict[str, Any]:
    """Returns the detector's options.

    On a device other than the CPU it runs there too, and on the CPU in bfloat16 where the
    recognizer does and the extra for that is installed.
    """
    from ocr_plugin.onnx import precision_beside

    if detector not in _FOLLOWERS:
        return {}
    if device not in (None, "cpu"):
        return {"device": device}
    own = precision_beside(precision, device)
    return {} if own == "float32" else {"precision": own}

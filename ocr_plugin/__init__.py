"""Find, rectify and read text in photos and scans; structured pages through a plugin interface.

    import ocr_plugin

    page = ocr_plugin.read("sign.jpg")
    print(page.text)

Importing this package imports neither torch nor numpy: what needs them is loaded when first used.
"""

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ocr_plugin import errors
from ocr_plugin.errors import (
    AmbiguousPlugin,
    BrokenPlugin,
    CheckpointError,
    ConfigurationError,
    ExportError,
    ModelError,
    ModelUnavailable,
    OcrError,
    PluginError,
    UnknownPlugin,
    UnreadableImage,
)
from ocr_plugin.options import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER
from ocr_plugin.schema import Block, Line, Page, PageError, Point, Polygon, Word

# Nothing leaves the machine: ONNX Runtime would resolve its maker's host and keep a device's number
# in the home folder, unless told otherwise before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Hugging Face's client tells the hub which libraries and agents are at work.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from ocr_plugin.constraints.constraint import Constraint
    from ocr_plugin.engine.engine import Engine
    from ocr_plugin.pages.source import Source

    __version__: str

__all__ = [
    "AmbiguousPlugin",
    "Block",
    "BrokenPlugin",
    "CheckpointError",
    "ConfigurationError",
    "Constraint",
    "Engine",
    "ExportError",
    "Line",
    "ModelError",
    "ModelUnavailable",
    "OcrError",
    "Page",
    "PageError",
    "PluginError",
    "Point",
    "Polygon",
    "UnknownPlugin",
    "UnreadableImage",
    "Word",
    "__version__",
    "errors",
    "read",
]


def read(
    source: "Source",
    *,
    detector: str = DEFAULT_DETECTOR,
    recognizer: str = DEFAULT_RECOGNIZER,
) -> Page:
    """Returns the first page of a source, read by an engine that is kept for the next call.

    `Engine` takes options, reads many sources as a stream, and gives every page of a document.

    Args:
        source: a path, the bytes of a file, or an image; see `ocr_plugin.pages.source.Source`.
        detector: name of an installed detector.
        recognizer: name of an installed recognizer.

    Raises:
        UnreadableImage: the source is not a readable image or document.
        PluginError: an unknown plugin name, or a plugin that does not start.
        ModelError: weights that cannot be used.
    """
    return _engine(detector, recognizer).read(source)


@lru_cache(maxsize=2)
def _engine(detector: str, recognizer: str) -> "Engine":
    from ocr_plugin.engine.engine import Engine

    return Engine(detector, recognizer)


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from ocr_plugin.engine.engine import Engine

        return Engine
    if name == "Constraint":
        from ocr_plugin.constraints.constraint import Constraint

        return Constraint
    if name == "__version__":
        from importlib.metadata import version

        return version("ocr-plugin")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

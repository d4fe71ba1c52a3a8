"""The CLIP4STR recognizer: `load_model` gives the network, `Clip4StrRecognizer` reads crops."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocr_plugin.clip4str.checkpoint import load_model, save_model
    from ocr_plugin.clip4str.config import PRESETS, Clip4StrConfig
    from ocr_plugin.clip4str.model import Clip4Str
    from ocr_plugin.clip4str.recognizer import Clip4StrRecognizer

__all__ = [
    "PRESETS",
    "Clip4Str",
    "Clip4StrConfig",
    "Clip4StrRecognizer",
    "load_model",
    "save_model",
]

# Looked up when first asked for, so that the catalogue and the charset load without torch.
_HOMES = {
    "PRESETS": "config",
    "Clip4Str": "model",
    "Clip4StrConfig": "config",
    "Clip4StrRecognizer": "recognizer",
    "load_model": "checkpoint",
    "save_model": "checkpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

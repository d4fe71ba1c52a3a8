"""CLIP4STR's public names: `load_model` gives the network, `Clip4StrRecognizer` reads crops."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ocr_plugin.runtime.extras import needed_for

if TYPE_CHECKING:
    from ocr_plugin.recognizers.clip4str.checkpoint import load_model, load_network, save_model
    from ocr_plugin.recognizers.clip4str.config import PRESETS, Clip4StrConfig
    from ocr_plugin.recognizers.clip4str.model import Clip4Str
    from ocr_plugin.recognizers.clip4str.reader import Reader
    from ocr_plugin.recognizers.clip4str.recognizer import Clip4StrRecognizer

__all__ = [
    "PRESETS",
    "Clip4Str",
    "Clip4StrConfig",
    "Clip4StrRecognizer",
    "Reader",
    "load_model",
    "load_network",
    "save_model",
]

# Imported on first access, so that the catalogue and the charset load without torch.
_MODULES = {
    "PRESETS": "config",
    "Clip4Str": "model",
    "Clip4StrConfig": "config",
    "Clip4StrRecognizer": "recognizer",
    "Reader": "reader",
    "load_model": "checkpoint",
    "load_network": "checkpoint",
    "save_model": "checkpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needed_for(f"ocr_plugin.clip4str.{name}"):
        module = import_module(f"ocr_plugin.recognizers.clip4str.{_MODULES[name]}")
    return getattr(module, name)

"""What an engine is called with, checked at once, not at the first page."""

import os
from collections.abc import Iterable, Mapping

import numpy as np
from PIL import Image

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import EngineOptions


def options_of(given: object) -> EngineOptions:
    """Returns options that are given as such, as a mapping, or not at all.

    Raises:
        ConfigurationError: they are something else, or bad.
    """
    if given is None or isinstance(given, Mapping):
        return EngineOptions.parse(dict(given or {}))
    if not isinstance(given, EngineOptions):
        raise ConfigurationError(f"options are EngineOptions, not a {type(given).__name__}")
    return given


def check_plugin(plugin: object, kind: type, who: str) -> None:
    """Checks that an object is a plugin of a kind.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(plugin, type):
        name = plugin.__name__
        raise ConfigurationError(f"the {who} is the class {name}; give an object, {name}()")
    if not isinstance(plugin, kind):
        raise ConfigurationError(f"a {type(plugin).__name__} is no {who}: see docs/plugins.md")


_SINGLE = (str, bytes, bytearray, memoryview, os.PathLike, np.ndarray, Image.Image)


def check_several(sources: object) -> None:
    """Checks that there are several sources, or could be.

    Raises:
        TypeError: a single one in their place.
    """
    if isinstance(sources, _SINGLE) or hasattr(sources, "read"):
        raise TypeError("read_many takes several sources: read_many([source])")
    if not isinstance(sources, Iterable):
        raise TypeError(f"read_many takes several sources, not a {type(sources).__name__}")

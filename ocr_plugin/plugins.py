"""Makes detectors and recognizers from the names of their plugins, and checks them."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from ocr_plugin.errors import BrokenPlugin
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.protocols import Detector, Recognizer
from ocr_plugin.registry import DETECTORS, RECOGNIZERS, load


def make_detector(name: str, runtime: RuntimeOptions | None = None, **options: Any) -> Detector:
    """Returns a detector.

    Args:
        name: of the plugin.
        runtime: passed to a plugin that has a parameter of this name.
        options: of the plugin; they override `runtime`.

    Raises:
        PluginError: as `registry.load`, or the plugin does not take these options.
        ConfigurationError: options that cannot work.
        ModelError: weights that cannot be used.
    """
    detector = _make(DETECTORS, name, runtime, options)
    if not isinstance(detector, Detector):
        raise BrokenPlugin(f"the detector {name!r} lacks `component` or `detect(pages)`")
    return detector


def make_recognizer(name: str, runtime: RuntimeOptions | None = None, **options: Any) -> Recognizer:
    """Returns a recognizer; see `make_detector`."""
    recognizer = _make(RECOGNIZERS, name, runtime, options)
    if not isinstance(recognizer, Recognizer):
        raise BrokenPlugin(
            f"the recognizer {name!r} lacks `component`, `unit` or `recognize(crops)`"
        )
    return recognizer


def _make(group: str, name: str, runtime: RuntimeOptions | None, options: dict[str, Any]) -> object:
    factory = load(group, name)
    if runtime is not None and _takes_runtime(factory):
        options = {"runtime": runtime, **options}
    try:
        return factory(**options)
    except TypeError as error:
        raise BrokenPlugin(f"{name!r} does not take these options: {error}") from error


def _takes_runtime(factory: Callable[..., Any]) -> bool:
    try:
        return "runtime" in signature(factory).parameters
    except ValueError:  # built in C, without a signature
        return False

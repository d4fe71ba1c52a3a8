"""Makes detectors and recognizers from the names of their plugins, and checks them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
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


def make_both(
    detector: str | Detector,
    recognizer: str | Recognizer,
    runtime: RuntimeOptions | None,
    detector_options: Mapping[str, Any],
    recognizer_options: Mapping[str, Any],
) -> tuple[Detector, Recognizer]:
    """Returns a detector and a recognizer, made side by side where both are given by name.

    Most of the time goes to opening networks, in native code. The recognizer is made in a thread
    of its own; if neither can be made, the detector's error is raised. See `make_detector`.
    """
    with ThreadPoolExecutor(1, "ocr-recognizer") as beside:
        making = None
        if isinstance(recognizer, str):
            making = beside.submit(make_recognizer, recognizer, runtime, **recognizer_options)
        if isinstance(detector, str):
            detector = make_detector(detector, runtime, **detector_options)
        if making is not None:
            return detector, making.result()
        assert not isinstance(recognizer, str)
        return detector, recognizer


def _make(group: str, name: str, runtime: RuntimeOptions | None, options: dict[str, Any]) -> object:
    factory = load(group, name)
    if runtime is not None and takes(factory, "runtime"):
        options = {"runtime": runtime, **options}
    try:
        return factory(**options)
    except TypeError as error:
        raise BrokenPlugin(f"{name!r} does not take these options: {error}") from error


def takes(called: Callable[..., Any], parameter: str) -> bool:
    """Returns whether what a plugin offers to be called has a parameter of a name."""
    try:
        return parameter in signature(called).parameters
    except (TypeError, ValueError):  # built in C, without a signature
        return False

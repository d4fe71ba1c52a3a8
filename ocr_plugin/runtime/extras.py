"""Packages that only some installations have, and the extras that bring them."""

from collections.abc import Iterator
from contextlib import contextmanager

from ocr_plugin.errors import ConfigurationError

_EXTRAS = {
    "torch": "torch",
    "torchvision": "torch",
    "open_clip": "torch",
    "safetensors": "torch",
    "huggingface_hub": "torch",
    "onnx": "export",
    "onnxscript": "export",
    "onnx2torch": "gpu",
    "openvino": "openvino",
}


def missing_in(error: BaseException, extra: str | None = None) -> str | None:
    """Returns which package an error says is missing, and how to get it; None if it says no such.

    Args:
        error: any.
        extra: that is named; by default that of the package.
    """
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    package = error.name.partition(".")[0]
    if package not in _EXTRAS:
        return None
    return f"{package}: pip install 'ocr-plugin[{extra or _EXTRAS[package]}]'"


@contextmanager
def needed_for(purpose: str, extra: str | None = None) -> Iterator[None]:
    """Turns a missing package, in the body, into an error that names the extra that brings it.

    Args:
        purpose: what needs it, as the subject of a sentence.
        extra: that is named; by default that of the package.

    Raises:
        ConfigurationError: a package of an extra is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (missing := missing_in(error, extra)) is None:
            raise
        raise ConfigurationError(f"{purpose} needs {missing}") from error

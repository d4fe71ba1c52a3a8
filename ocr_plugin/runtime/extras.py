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


def extra_of(error: BaseException) -> str | None:
    """Returns the extra that brings the package whose absence an error reports, or None."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    return _EXTRAS.get(error.name.partition(".")[0])


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
        if (found := extra_of(error)) is None:
            raise
        raise ConfigurationError(
            f"{purpose} needs {error.name}: pip install 'ocr-plugin[{extra or found}]'"
        ) from error

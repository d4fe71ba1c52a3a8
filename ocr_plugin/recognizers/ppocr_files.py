"""The file that PP-OCR reads with: of a named model, downloaded if it is not on this machine."""

from pathlib import Path

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.model_files import check_cached, fetch
from ocr_plugin.recognizers.ppocr_catalogue import line_model, line_models


def named_file(name: str, offline: bool) -> tuple[Path, str]:
    """Returns the file of a published model, and the SHA-256 that it must have.

    Args:
        name: of the model.
        offline: whether a model that is not on this machine is an error rather than a download.

    Raises:
        ConfigurationError: there is no such model.
        ModelUnavailable: it cannot be downloaded, or others may write to the cache.
    """
    model = line_model(name)
    if model is None:
        known = ", ".join(each.name for each in line_models())
        raise ConfigurationError(f"PP-OCR has no model called {name!r}; models: {known}")
    path = fetch(model, offline=offline)
    check_cached(path)
    return path, model.sha256

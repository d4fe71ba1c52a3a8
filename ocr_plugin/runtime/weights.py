"""Weights files: the cache, files of installed packages, hashes."""

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

import platformdirs

from ocr_plugin.errors import ModelUnavailable


def cache_root() -> Path:
    """Returns the cache folder: the variable OCR_PLUGIN_CACHE, or the user's cache."""
    chosen = os.environ.get("OCR_PLUGIN_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("ocr-plugin"))


def cache_directory() -> Path:
    """Returns the folder of downloaded models, below `cache_root`."""
    return cache_root() / "models"


def offline() -> bool:
    """Returns whether downloads are off, by OCR_PLUGIN_OFFLINE=1 or HF_HUB_OFFLINE=1."""
    return any(map(_is_on, ("OCR_PLUGIN_OFFLINE", "HF_HUB_OFFLINE")))


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in {"1", "true", "yes", "on"}


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bundled_model(name: str) -> Path:
    """Returns the path of a model file of the installed ``rapidocr`` wheel.

    Raises:
        ModelUnavailable: this release of rapidocr does not contain it.
    """
    # The package is found, not imported: that would take a second.
    spec = find_spec("rapidocr")
    folders = spec.submodule_search_locations if spec else None
    path = Path(next(iter(folders or ()), "")) / "models" / name
    if not path.is_file():
        raise ModelUnavailable(
            f"{name} is not in the installed rapidocr; pip install rapidocr==3.10"
        )
    return path

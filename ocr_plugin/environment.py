"""What environment variables decide: where files are kept, and whether the network is used."""

import os
from pathlib import Path

import platformdirs


def cache_root() -> Path:
    """Returns where files are kept: the variable OCR_PLUGIN_CACHE, or the user's cache."""
    chosen = os.environ.get("OCR_PLUGIN_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("ocr-plugin"))


def offline() -> bool:
    """Returns whether downloads are off, by OCR_PLUGIN_OFFLINE=1 or HF_HUB_OFFLINE=1."""
    return any(map(_is_on, ("OCR_PLUGIN_OFFLINE", "HF_HUB_OFFLINE")))


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in {"1", "true", "yes", "on"}

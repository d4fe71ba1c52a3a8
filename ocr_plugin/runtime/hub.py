"""Downloads of weights from the Hugging Face hub."""

import os
from dataclasses import dataclass
from pathlib import Path

from ocr_plugin.errors import ModelUnavailable
from ocr_plugin.runtime.extras import needed_for

HUB = "https://huggingface.co"
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on the hub."""

    repo: str
    file: str

    @property
    def what(self) -> str:
        """What a person looks for there."""
        return self.file

    @property
    def page(self) -> str:
        """Where a person finds the file."""
        return f"{HUB}/{self.repo}"

    def download(self, staging: Path, progress: bool) -> tuple[str, Path]:
        """Downloads the file to `staging`; returns the SHA-256 that the hub states, and its path.

        An interrupted download is resumed.
        """
        return download(self.repo, self.file, staging, progress)


def download(repo: str, file: str, staging: Path, progress: bool) -> tuple[str, Path]:
    """Downloads a file to `staging`; returns the SHA-256 that the hub states, and its path.

    Raises:
        ConfigurationError: the extra torch, which brings the hub's client, is missing.
    """
    # The client is slow to import and not needed for files that are already here.
    with needed_for("the download"):
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
        from huggingface_hub.utils.tqdm import (
            are_progress_bars_disabled,
            disable_progress_bars,
            enable_progress_bars,
        )

    # The client reads the variable only once, when it is imported.
    endpoint = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    url = hf_hub_url(repo, file, endpoint=endpoint)
    stated = get_hf_file_metadata(url, token=False, timeout=_TIMEOUT_S, endpoint=endpoint)
    if stated.etag is None or len(stated.etag) != 64:
        raise ModelUnavailable(f"the hub states no sha256 for {file}")
    quiet = not progress and not are_progress_bars_disabled()
    if quiet:
        disable_progress_bars()
    try:
        path = hf_hub_download(
            repo,
            file,
            revision=stated.commit_hash,
            local_dir=staging,
            token=False,
            endpoint=endpoint,
            etag_timeout=_TIMEOUT_S,
        )
    finally:
        if quiet:
            enable_progress_bars()
    return stated.etag, Path(path)

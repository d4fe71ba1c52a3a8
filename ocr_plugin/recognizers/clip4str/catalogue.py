"""The named models: their properties, their files on this machine, and downloads.

Only `fetch` uses the network, and only if a file is not here yet. Imports no torch.
"""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from ocr_plugin.errors import ModelUnavailable, first_line
from ocr_plugin.runtime import weights
from ocr_plugin.runtime.hub import HUB, cache_directory, download
from ocr_plugin.runtime.weights import sha256_of

_log = logging.getLogger(__name__)
_REPO = "mzhaoshuai/CLIP4STR"


@dataclass(frozen=True)
class ModelEntry:
    """A model that comes with this package or was published by CLIP4STR's authors.

    Attributes:
        name: by which it is requested.
        tower: its image tower.
        pretraining: data that the towers were pretrained on.
        training: the word images that it was trained on, with their number.
        parameters: their number, to three digits; 4 bytes each.
        licence: of the weights.
        repo: on the Hugging Face hub; None for a bundled model.
        file: in `repo`, and in the cache directory.
    """

    name: str
    tower: str
    pretraining: str
    training: str
    parameters: int
    file: str
    licence: str = "Apache-2.0"
    repo: str | None = _REPO

    @property
    def claimed_hash(self) -> str:
        """The hexadecimal digits in the file's name, which look like the start of a hash."""
        return Path(self.file).stem.rpartition("_")[2]


# The published ones as listed in https://github.com/VamosC/CLIP4STR. RBU is Real with Union14M-L
# and the benchmarks' training sets.
_ENTRIES = (
    ModelEntry(
        name="clip4str-compact",
        tower="ViT-3/4x48 behind convolutions",
        pretraining="PP-OCRv6 small (stem)",
        training="synthetic words, 26 thousand real ones",
        parameters=8_620_000,
        file="clip4str_compact.safetensors",
        repo=None,
    ),
    ModelEntry(
        name="clip4str-b16-real",
        tower="ViT-B/16",
        pretraining="OpenAI WIT-400M",
        training="Real 3.3M",
        parameters=158_000_000,
        file="clip4str_base16x16_d70bde1f2d.ckpt",
    ),
    ModelEntry(
        name="clip4str-b16-rbu",
        tower="ViT-B/16",
        pretraining="DataComp-1B",
        training="RBU 6.5M",
        parameters=158_000_000,
        file="clip4str_base_6e9fe947ac.pt",
    ),
    ModelEntry(
        name="clip4str-l14-rbu",
        tower="ViT-L/14",
        pretraining="DataComp-1B",
        training="RBU 6.5M",
        parameters=447_000_000,
        file="clip4str_large_3c9d881b88.pt",
    ),
    ModelEntry(
        name="clip4str-h14-rbu-dfn5b",
        tower="ViT-H/14",
        pretraining="DFN-5B",
        training="RBU 6.5M",
        parameters=1_020_000_000,
        file="clip4str_huge_3e942729b1.pt",
    ),
    ModelEntry(
        name="clip4str-h14-rbu-laion2b",
        tower="ViT-H/14",
        pretraining="LAION-2B",
        training="RBU 6.5M",
        parameters=1_020_000_000,
        file="clip4str_huge_5eef9f86e2.pt",
    ),
)
DEFAULT_MODEL = "clip4str-compact"
"""The bundled model, which needs no download."""

_BUNDLED = Path(__file__).parent / "weights"


def catalogue() -> tuple[ModelEntry, ...]:
    """Returns the models, small to large."""
    return _ENTRIES


def published() -> tuple[ModelEntry, ...]:
    """Returns those models that are downloaded."""
    return tuple(entry for entry in _ENTRIES if entry.repo is not None)


def locate(entry: ModelEntry) -> Path | None:
    """Returns the model's file if it is on this machine."""
    path = (_BUNDLED if entry.repo is None else cache_directory()) / entry.file
    return path if path.is_file() else None


def bundled() -> Path | None:
    """Returns the file of the bundled model, if it is there."""
    return locate(next(entry for entry in _ENTRIES if entry.name == DEFAULT_MODEL))


def fetch(entry: ModelEntry, offline: bool = False, progress: bool = True) -> Path:
    """Returns the model's file, downloaded first if it is not on this machine.

    A download is checked against the hash that the hub states before it gets its name; the hash is
    written beside it in the format of `sha256sum`. An interrupted download is resumed.

    Args:
        entry: of `catalogue`.
        offline: forbids downloads, as do OCR_PLUGIN_OFFLINE=1 and HF_HUB_OFFLINE=1.
        progress: whether to show a bar on stderr while downloading.

    Raises:
        ModelUnavailable: not here and downloads are off, or the download failed or was damaged.
    """
    if found := locate(entry):
        return found
    if entry.repo is None:
        raise ModelUnavailable(
            f"{entry.name} comes with this package, but {entry.file} is missing; reinstall"
        )
    target = cache_directory() / entry.file
    if offline or weights.offline():
        raise ModelUnavailable(
            f"{entry.name} is not on this machine and downloads are off; get {entry.file} from"
            f" {HUB}/{entry.repo} and put it at {target}"
        )
    staging = target.parent / f".{entry.file}.download"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        expected, downloaded = download(entry.repo, entry.file, staging, progress)
        actual = sha256_of(downloaded)
    # Networks, disks and the hub's client raise many types of errors; the cause is chained.
    except Exception as error:
        raise ModelUnavailable(
            f"{entry.name} could not be downloaded: {first_line(error)}"
        ) from error
    if actual != expected:
        shutil.rmtree(staging)
        raise ModelUnavailable(
            f"{entry.name} was damaged in the download: sha256 {actual}, but the hub states"
            f" {expected}; try again"
        )
    if not actual.startswith(entry.claimed_hash):
        _log.info("%s: the digits in its name do not begin its sha256, %s", entry.file, actual)
    target.with_name(f"{entry.file}.sha256").write_text(f"{actual}  {entry.file}\n")
    downloaded.replace(target)
    shutil.rmtree(staging)
    return target


def resolve(path_or_name: str | Path, offline: bool = False) -> Path:
    """Returns the weights file of a model given by name or by path; a name comes first.

    Raises:
        ModelUnavailable: no file or model of that name, or the model cannot be downloaded.
    """
    for entry in _ENTRIES:
        if path_or_name == entry.name:
            return fetch(entry, offline=offline)
    path = Path(path_or_name)
    if path.exists():
        return path
    known = ", ".join(entry.name for entry in _ENTRIES)
    raise ModelUnavailable(f"there is no file or model called {path_or_name}; models: {known}")

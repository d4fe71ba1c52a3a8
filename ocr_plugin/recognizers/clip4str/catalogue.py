"""The named models: their properties, where they are published, and what is known of their bytes.

Imports no torch.
"""

from dataclasses import dataclass

from ocr_plugin.runtime.hub import HubFile
from ocr_plugin.runtime.web import UrlFile, ZenodoFile

_REPO = "mzhaoshuai/CLIP4STR"
_RELEASE = "https://github.com/VamosC/CLIP4STR/releases/download/1.0.0"
_RECORD = "8369439"


@dataclass(frozen=True)
class ModelEntry:
    """A model that comes with this package or was published by CLIP4STR's authors.

    Attributes:
        name: by which it is requested.
        tower: its image tower.
        pretraining: data that the towers were pretrained on.
        training: the word images that it was trained on, with their number.
        parameters: their number, to three digits; 4 bytes each.
        file: its name in the cache directory.
        source: where it is published; None for a bundled model.
        sha256: of its bytes, where known from elsewhere than a download.
        licence: of the weights.
    """

    name: str
    tower: str
    pretraining: str
    training: str
    parameters: int
    file: str
    source: HubFile | UrlFile | ZenodoFile | None = None
    sha256: str | None = None
    licence: str = "Apache-2.0"


def _on_hub(file: str) -> HubFile:
    return HubFile(_REPO, file)


def _on_zenodo(digits: str) -> ZenodoFile:
    # The authors name the record alone. They tell all their files apart by ten such digits, which
    # are not the start of a file's hash.
    return ZenodoFile(
        f"https://zenodo.org/records/{_RECORD}",
        f"https://zenodo.org/api/records/{_RECORD}",
        digits,
    )


# The published ones as listed in https://github.com/VamosC/CLIP4STR in November 2025. Real and RBU
# are real word images; RBU adds Union14M-L and the benchmarks' own training sets.
_ENTRIES = (
    ModelEntry(
        name="clip4str-compact",
        tower="ViT-3/4x48 behind convolutions",
        pretraining="PP-OCRv6 small (stem)",
        training="synthetic words, 26 thousand real ones",
        parameters=8_620_000,
        file="clip4str_compact.safetensors",
    ),
    ModelEntry(
        name="clip4str-b16-synth",
        tower="ViT-B/16",
        pretraining="OpenAI WIT-400M",
        training="MJ and ST, synthetic",
        parameters=158_000_000,
        file="clip4str_base16x16_synth_a5e3386222.ckpt",
        source=UrlFile(f"{_RELEASE}/clip4str_base16x16_synth_a5e3386222.ckpt"),
    ),
    ModelEntry(
        name="clip4str-b16-real",
        tower="ViT-B/16",
        pretraining="OpenAI WIT-400M",
        training="Real 3.3M",
        parameters=158_000_000,
        file="clip4str_base16x16_d70bde1f2d.ckpt",
        source=UrlFile(f"{_RELEASE}/clip4str_base16x16_d70bde1f2d.ckpt"),
    ),
    ModelEntry(
        name="clip4str-b16-rbu",
        tower="ViT-B/16",
        pretraining="DataComp-1B",
        training="RBU 6.5M",
        parameters=158_000_000,
        file="clip4str_base_6e9fe947ac.pt",
        source=_on_hub("clip4str_base_6e9fe947ac.pt"),
        sha256="15f9c480e8db69cf8c7436d918dc3867e9055234f2f55f4c2de31cf0cc6b119c",
    ),
    ModelEntry(
        name="clip4str-l14-synth",
        tower="ViT-L/14",
        pretraining="OpenAI WIT-400M",
        training="MJ and ST, synthetic",
        parameters=447_000_000,
        file="clip4str_large_synth_3544c362f0.ckpt",
        source=_on_zenodo("3544c362f0"),
    ),
    ModelEntry(
        name="clip4str-l14-real",
        tower="ViT-L/14",
        pretraining="OpenAI WIT-400M",
        training="Real 3.3M",
        parameters=447_000_000,
        file="clip4str_large_f125500adc.ckpt",
        source=_on_zenodo("f125500adc"),
    ),
    ModelEntry(
        name="clip4str-l14-rbu",
        tower="ViT-L/14",
        pretraining="DataComp-1B",
        training="RBU 6.5M",
        parameters=447_000_000,
        file="clip4str_large_3c9d881b88.pt",
        source=_on_hub("clip4str_large_3c9d881b88.pt"),
    ),
    ModelEntry(
        name="clip4str-h14-rbu-dfn5b",
        tower="ViT-H/14",
        pretraining="DFN-5B",
        training="RBU 6.5M",
        parameters=1_020_000_000,
        file="clip4str_huge_3e942729b1.pt",
        source=_on_hub("clip4str_huge_3e942729b1.pt"),
    ),
    ModelEntry(
        name="clip4str-h14-rbu-laion2b",
        tower="ViT-H/14",
        pretraining="LAION-2B",
        training="RBU 6.5M",
        parameters=1_020_000_000,
        file="clip4str_huge_5eef9f86e2.pt",
        source=_on_hub("clip4str_huge_5eef9f86e2.pt"),
        sha256="c0d3f67d337c70d4b46a418ca296fdbe5b178f6712664872f1a1495eea248e8c",
    ),
)
DEFAULT_MODEL = "clip4str-compact"
"""The bundled model, which needs no download."""


def catalogue() -> tuple[ModelEntry, ...]:
    """Returns the models, small to large."""
    return _ENTRIES


def published() -> tuple[ModelEntry, ...]:
    """Returns those models that are downloaded."""
    return tuple(entry for entry in _ENTRIES if entry.source is not None)

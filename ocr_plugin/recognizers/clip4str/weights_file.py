"""The header of a safetensors file: where its tensors lie, and the configuration in its metadata.

The format: https://huggingface.co/docs/safetensors. Needs no package, so that a model can be named
and checked before anything else is imported.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_plugin.errors import CheckpointError, ConfigurationError
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig

CONFIG_KEY = "clip4str_config"
"""Key of the metadata under which the configuration stands, as JSON."""

_LENGTH_BYTES = 8
_MOST_BYTES = 100_000_000  # of a header, as in safetensors itself


@dataclass(frozen=True)
class Header:
    """What stands before the tensors of a file.

    Attributes:
        tensors: by name, `dtype`, `shape` and `data_offsets`, begin and end from `data_start`.
        metadata: texts by name.
        data_start: in bytes, from the start of the file.
    """

    tensors: Mapping[str, Mapping[str, Any]]
    metadata: Mapping[str, str]
    data_start: int


def read_header(path: Path) -> Header:
    """Returns the header of a safetensors file.

    Raises:
        CheckpointError: the file cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            content = file.read(length) if length <= _MOST_BYTES else b""
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        tensors = json.loads(content)
        metadata = tensors.pop("__metadata__", {})
    except (ValueError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path}: damaged safetensors file") from error
    return Header(tensors, metadata, _LENGTH_BYTES + length)


def config_in(path: Path, metadata: Mapping[str, str]) -> Clip4StrConfig | None:
    """Returns the configuration in a file's metadata, or None if there is none.

    Args:
        path: of the file, for messages.
        metadata: of the file.

    Raises:
        CheckpointError: it is not a possible one.
    """
    if CONFIG_KEY not in metadata:
        return None
    try:
        values = json.loads(metadata[CONFIG_KEY])
        if not isinstance(values, dict):
            raise ConfigurationError("bad configuration: not an object")
        return Clip4StrConfig.from_values(values)
    except (ValueError, ConfigurationError) as error:
        raise CheckpointError(f"{path}: {error}") from error

"""Reads and writes weights files. No code in a file is run, and its name does not matter.

Reads bare state dicts and Lightning checkpoints of the public implementation, and safetensors;
writes safetensors with the configuration in the metadata.
"""

import json
import pickle
import re
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
from safetensors.torch import load, save_file
from torch import Tensor

from ocr_plugin.errors import CheckpointError, first_line
from ocr_plugin.recognizers.clip4str.architecture import Shapes, architecture, differences
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.clip4str.model_files import opened, resolve
from ocr_plugin.recognizers.clip4str.reader import Reader
from ocr_plugin.recognizers.clip4str.weights_file import CONFIG_KEY, config_in
from ocr_plugin.runtime.devices import usable_device

# Constants that some programs store with the weights; the network makes its own.
_HARMLESS = {
    f"clip_model.{name}"
    for name in ("attn_mask", "context_length", "input_resolution", "vocab_size")
}
_HEADER_LENGTH = 8
_OUR_NAME = re.compile(r"((?:\w+\.)*?)(?:clip_model|visual_decoder|cross_decoder)\.")


class Loaded(NamedTuple):
    """A network, the file of its weights, and the SHA-256 of the bytes that were read."""

    network: Clip4Str
    path: Path
    sha256: str


def load_model(
    path_or_name: str | Path,
    refinements: int = 1,
    device: str | torch.device = "cpu",
    offline: bool = False,
) -> Reader:
    """Returns a reader of words: a network with its weights, and its decoding.

    ``model(images)`` takes (B, 3, H, W) float32 images, normalised by ``model.config.mean`` and
    ``std``, and gives logits (B, L, classes), class 0 being EOS.

    Args:
        path_or_name: as for `load_network`.
        refinements: rounds of refinement after the left-to-right reading.
        device: of the network.
        offline: as for `load_network`.

    Raises:
        ModelError: as `load_network`.
        ConfigurationError: the device is unavailable, or `refinements` is negative.
    """
    return Reader(load_network(path_or_name, device, offline), refinements)


def load_network(
    path_or_name: str | Path, device: str | torch.device = "cpu", offline: bool = False
) -> Clip4Str:
    """Returns a network with its weights, float32, in eval mode.

    The architecture is inferred from the shapes of the tensors, or given by the configuration that
    `save_model` wrote with them.

    Args:
        path_or_name: a file, or the name of a published model; see `catalogue.catalogue`.
        device: of the network.
        offline: whether a named model that is not on this machine is an error rather than a
            download.

    Raises:
        CheckpointError: the file holds no usable weights; one line that lists the missing,
            unexpected and misshapen tensors. Or it is not the file that was published or recorded.
        ModelUnavailable: no file or model of that name, or the model cannot be downloaded, or
            others may write to the cache.
        ConfigurationError: the device is unavailable.
    """
    return load_weights(path_or_name, device, offline).network


def load_weights(
    path_or_name: str | Path, device: str | torch.device = "cpu", offline: bool = False
) -> Loaded:
    """Returns what `load_network` does, with the file that was read."""
    place = usable_device(device)
    path = resolve(path_or_name, offline=offline)
    with opened(path) as (file, sha256):
        tensors, config = _read(path, file)
    try:
        model = _empty_model(tensors, config)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    # Copied one by one and let go, so that they are not held twice; two names may share a tensor.
    state = {
        name: tensors.pop(name).to(place, torch.float32, copy=True) for name in model.state_dict()
    }
    model.load_state_dict(state, assign=True)
    return Loaded(model.eval(), path, sha256)


def save_model(model: Clip4Str, path: Path | str, dtype: torch.dtype = torch.float32) -> None:
    """Writes the weights and the configuration as safetensors.

    The file appears whole or not at all.

    Args:
        model: to be written.
        path: of the file.
        dtype: of the weights in the file; float16 halves its size.
    """
    path = Path(path)
    config = {name: getattr(model.config, name) for name in Clip4StrConfig.__dataclass_fields__}
    state = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in model.state_dict().items()
    }
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
        written = Path(folder, path.name)
        written.touch()
        usual = written.stat().st_mode  # safetensors would make it readable for this user only
        save_file(state, written, metadata={"format": "pt", CONFIG_KEY: json.dumps(config)})
        written.chmod(usual)
        written.replace(path)


def _empty_model(tensors: Mapping[str, Tensor], config: Clip4StrConfig | None) -> Clip4Str:
    """Returns a network without memory that fits the tensors exactly."""
    found: Shapes = {
        name: tuple(tensor.shape) for name, tensor in tensors.items() if name not in _HARMLESS
    }
    config = config or architecture(found)
    # A configuration from a file could demand more memory than there is.
    if config.vision_layers + config.text_layers + config.decoder_depth > len(found):
        raise CheckpointError(f"{len(found)} tensors are too few for the configuration {config}")
    with torch.device("meta"):
        model = Clip4Str(config)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if problems := differences(expected, found):
        raise CheckpointError(f"tensors do not fit the network: {problems}")
    odd = [name for name in expected if not tensors[name].is_floating_point()]
    if odd:
        raise CheckpointError(f"{odd[0]} holds {tensors[odd[0]].dtype}, not weights")
    return model


def _read(path: Path, file: BinaryIO) -> tuple[dict[str, Tensor], Clip4StrConfig | None]:
    """Returns the tensors of a file, which is at its start, and its configuration if any."""
    start = file.read(_HEADER_LENGTH + 1)
    file.seek(0)
    if start[_HEADER_LENGTH:] == b"{":
        tensors, config = _read_safetensors(path, file)
    elif start.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive, or a pickle
        tensors, config = _read_torch(path, file), None
    else:
        raise CheckpointError(f"{path}: neither a safetensors nor a PyTorch file")
    return _without_prefix(tensors), config


def _read_safetensors(
    path: Path, file: BinaryIO
) -> tuple[dict[str, Tensor], Clip4StrConfig | None]:
    try:
        content = file.read()
        tensors = load(content)
        # The library gives the metadata only of what it opens by a path.
        length = int.from_bytes(content[:_HEADER_LENGTH], "little")
        header = json.loads(content[_HEADER_LENGTH : _HEADER_LENGTH + length])
        metadata = header.get("__metadata__") or {}
    except Exception as error:  # a damaged file may raise anything; the cause is chained
        raise CheckpointError(f"{path}: damaged safetensors file: {first_line(error)}") from error
    return tensors, config_in(path, metadata)


def _read_torch(path: Path, file: BinaryIO) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings(action="ignore"):  # the error below says the same
            content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        culprit = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = culprit[1] if culprit else "other objects"
        raise CheckpointError(f"{path}: unsafe file, holds {what} besides weights") from error
    except Exception as error:  # a damaged file may raise anything; the cause is chained
        raise CheckpointError(f"{path}: damaged PyTorch file: {first_line(error)}") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not a state dict")
    tensors = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    if not tensors:
        raise CheckpointError(f"{path}: holds no tensors")
    return tensors


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors without the name prefix of a wrapper such as DataParallel."""
    matches = (_OUR_NAME.match(name) for name in tensors)
    prefixes = {match[1] for match in matches if match}
    if len(prefixes) != 1:
        return tensors
    prefix = prefixes.pop()
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}

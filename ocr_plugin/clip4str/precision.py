"""Numbers with which a network reads, and the network made ready for them."""

from typing import Literal

import torch

from ocr_plugin.clip4str.model import Clip4Str
from ocr_plugin.clip4str.packing import can_pack, pack
from ocr_plugin.clip4str.static_decoding import StaticDecoding
from ocr_plugin.errors import ConfigurationError

Precision = Literal["auto", "float32", "bfloat16", "float16"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def chosen_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Returns the type of weights and states.

    Args:
        precision: "auto" is bfloat16 on GPUs that have it, and float32 elsewhere.
        device: where the network is to read.

    Raises:
        ConfigurationError: the device has no arithmetic for it.
    """
    if precision == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    dtype = _DTYPES[precision]
    if device.type == "cpu" and not _cpu_has(dtype):
        raise ConfigurationError(
            f"precision {precision!r} would be slower than float32 on this CPU; use 'auto'"
        )
    return dtype


def ready_to_read(model: Clip4Str, dtype: torch.dtype) -> Clip4Str:
    """Returns the network with weights of `dtype`, for reading only; changes the one given."""
    model = model.requires_grad_(False).eval().to(dtype)
    device = model.visual_decoder.pos_queries.device
    if device.type == "cpu":
        return pack(model) if can_pack() else model
    if device.type == "cuda":
        model.static = StaticDecoding(model.config, captured=True)
    return model


def _cpu_has(dtype: torch.dtype) -> bool:
    """Returns whether this processor multiplies such numbers itself; emulated they are slow."""
    if dtype == torch.bfloat16:
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return dtype == torch.float32

"""Numeric precisions, and which of them a device supports."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import OnnxPrecision, Precision

if TYPE_CHECKING:
    import torch


def precision_beside(precision: str | None, device: str | None) -> OnnxPrecision:
    """Returns the precision of ONNX networks that run beside a PyTorch network.

    It is float32, unless the PyTorch network runs on the CPU in bfloat16 and the extra is
    installed that ONNX networks need for it.

    Args:
        precision: of the PyTorch network; None for its default.
        device: of the PyTorch network; None for the CPU.
    """
    asked = precision == "bfloat16" and device in (None, "cpu")
    return "bfloat16" if asked and find_spec("openvino") is not None else "float32"


def chosen_dtype(precision: Precision, device: "torch.device") -> "torch.dtype":
    """Returns the dtype of weights and activations.

    Args:
        precision: "auto" is bfloat16 on GPUs that support it, and float32 elsewhere.
        device: where the network runs.

    Raises:
        ConfigurationError: this CPU has no native arithmetic for it.
    """
    import torch  # takes a second to import; ONNX networks do not need it

    if precision == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    dtype: torch.dtype = getattr(torch, precision)
    if device.type == "cpu" and not _cpu_has(dtype):
        raise ConfigurationError(
            f"precision {precision!r} would be slower than float32 on this CPU; use 'auto'"
        )
    return dtype


def _cpu_has(dtype: "torch.dtype") -> bool:
    """Returns whether this CPU has native arithmetic for a dtype; emulation is slow."""
    import torch

    if dtype == torch.bfloat16:
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return dtype == torch.float32

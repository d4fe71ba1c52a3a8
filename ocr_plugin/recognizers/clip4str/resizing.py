"""Resizes crops to the network's size on a device, equally to Pillow on the host.

Pillow's bicubic filter (a = -0.5) widens as a crop shrinks, as in the networks' training. Its
``Resample.c`` (https://github.com/python-pillow/Pillow, MIT-CMU) resizes horizontally, then
vertically, each time with weights rounded to 22 bits and results rounded and clamped to whole grey
levels; from release 13 on, crops that shrink mostly in height are resized vertically first, which
may change a level by tens. `resized_on_device` computes the same sums in the same order as matrix
products, for many crops at once. In double precision these are exact, so the levels are equal. On a
device with single precision only, they differ by at most 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import __version__
from torch import Tensor

from ocr_plugin.protocols import RGB

_SUPPORT = 2.0
_WEIGHT_SCALE = 2.0**22
# Pixels, padding included, of the crops that are resized together; a larger crop goes alone.
_MOST_PIXELS = 1 << 22
_INTEGER_BYTES = 8
_PILLOW_TURNS = int(__version__.partition(".")[0]) >= 13


def resized_on_device(crops: Sequence[RGB], size: tuple[int, int], device: torch.device) -> Tensor:
    """Returns what `pil_resizing.resized_by_pil` does, but computed on a device and left there.

    As (N, 3, height, width) uint8.

    The crops are uploaded in one buffer, grouped by similar size and padded to the same powers of
    two, so that each group, not each crop, takes a few products. On CUDA the buffer is pinned, and
    nothing here waits for the GPU.

    Args:
        crops: as for `resized_by_pil`.
        size: as for `resized_by_pil`.
        device: of the result.
    """
    groups = list(_groups(crops, size))
    order = [index for group in groups for index in group.indices]
    header_bytes = 3 * len(crops) * _INTEGER_BYTES
    group_bytes = [group.bytes for group in groups]
    # PyTorch keeps a pinned buffer alive until the copies from it are done.
    buffer = torch.empty(
        header_bytes + sum(group_bytes), dtype=torch.uint8, pin_memory=device.type == "cuda"
    )
    # Heights and widths in the groups' order, then each crop's place in that order.
    header = buffer[:header_bytes].view(torch.int64).view(3, len(crops)).numpy()
    header[0] = [crops[index].shape[0] for index in order]
    header[1] = [crops[index].shape[1] for index in order]
    header[2, order] = np.arange(len(crops))
    for group, piece in zip(groups, torch.split(buffer[header_bytes:], group_bytes), strict=True):
        # Pixels beside a crop are left uninitialised: their weight is 0.
        for place, index in zip(piece.view(group.shape).numpy(), group.indices, strict=True):
            crop = crops[index]
            place[: crop.shape[0], : crop.shape[1]] = crop

    uploaded = buffer.to(device, non_blocking=True)
    heights, widths, places = uploaded[:header_bytes].view(torch.int64).view(3, len(crops))
    counts = [len(group.indices) for group in groups]
    parts = zip(
        groups,
        torch.split(uploaded[header_bytes:], group_bytes),
        torch.split(heights, counts),
        torch.split(widths, counts),
        strict=True,
    )
    resized = [
        _resized(piece.view(group.shape), own_heights, own_widths, size, group.down_first)
        for group, piece, own_heights, own_widths in parts
    ]
    return torch.cat(resized)[places]


@dataclass(frozen=True)
class _Group:
    """Crops that are resized together.

    Attributes:
        indices: of the crops.
        padded: height and width to which they are padded.
        down_first: whether they are resized vertically first.
    """

    indices: list[int]
    padded: tuple[int, int]
    down_first: bool

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self.indices), *self.padded, 3

    @property
    def bytes(self) -> int:
        return len(self.indices) * self.padded[0] * self.padded[1] * 3


def _groups(crops: Sequence[RGB], size: tuple[int, int]) -> Iterator[_Group]:
    """Yields groups of crops of similar size, at most as large as may be resized together."""
    alike: dict[tuple[tuple[int, int], bool], list[int]] = {}
    for index, crop in enumerate(crops):
        alike.setdefault((_padded(crop), _goes_down_first(crop, size)), []).append(index)
    for (padded, down_first), indices in alike.items():
        most = max(_MOST_PIXELS // (padded[0] * padded[1]), 1)
        for start in range(0, len(indices), most):
            yield _Group(indices[start : start + most], padded, down_first)


def _goes_down_first(crop: RGB, size: tuple[int, int]) -> bool:
    """Returns whether Pillow resizes a crop vertically first."""
    rows, columns = crop.shape[0] - size[0], crop.shape[1] - size[1]
    return _PILLOW_TURNS and rows > max(0, 2 * columns)


def _padded(crop: RGB) -> tuple[int, int]:
    """Returns the next powers of two of a crop's height and width."""
    return 1 << (crop.shape[0] - 1).bit_length(), 1 << (crop.shape[1] - 1).bit_length()


def _resized(
    pixels: Tensor, heights: Tensor, widths: Tensor, size: tuple[int, int], down_first: bool
) -> Tensor:
    """Returns (N, 3, height, width) uint8 of padded crops.

    Args:
        pixels: (N, h, w, 3) uint8.
        heights: (N,) int64, of the crops without padding.
        widths: (N,) int64, of the crops without padding.
        size: height, width.
        down_first: whether to resize vertically first.
    """
    if down_first:
        turned = pixels.transpose(1, 2)
        return _resized(turned, widths, heights, size[::-1], False).transpose(2, 3)
    count, rows, columns, _ = pixels.shape
    height, width = size
    dtype = _exact_dtype(pixels.device)
    # The summed axis comes second in the products: first the columns, then the rows.
    turned = pixels.permute(0, 2, 1, 3).to(dtype, memory_format=torch.contiguous_format)
    across = _weights(widths, columns, width, dtype) @ turned.view(count, columns, rows * 3)
    levels = _whole_levels(across).view(count, width, rows, 3).permute(0, 2, 3, 1)
    down = _weights(heights, rows, height, dtype) @ levels.reshape(count, rows, 3 * width)
    found = _whole_levels(down).view(count, height, 3, width).permute(0, 2, 1, 3)
    return found.to(torch.uint8)


def _exact_dtype(device: torch.device) -> torch.dtype:
    """Returns the dtype in which sums of levels and weights are exact, or nearly."""
    return torch.float32 if device.type == "mps" else torch.float64


def _weights(lengths: Tensor, padded: int, wanted: int, dtype: torch.dtype) -> Tensor:
    """Returns PIL's weights of a side's pixels, (N, `wanted`, `padded`), in units of 2**-22.

    Args:
        lengths: (N,) int64, of the sides in pixels.
        padded: length in pixels to which they are padded.
        wanted: resulting length in pixels.
        dtype: of the weights.
    """
    own = lengths.to(dtype)[:, None, None]
    scale = own / wanted
    widening = scale.clamp(min=1)
    sources = torch.arange(padded, device=lengths.device, dtype=dtype)
    centres = (torch.arange(wanted, device=lengths.device, dtype=dtype)[:, None] + 0.5) * scale
    weights = _bicubic((sources - centres + 0.5) * (1 / widening)) * (sources < own)
    weights = weights / weights.sum(-1, keepdim=True)
    # Halves are rounded away from zero.
    scaled = weights * _WEIGHT_SCALE
    return (scaled + torch.copysign(torch.full_like(scaled, 0.5), scaled)).trunc()


def _bicubic(distances: Tensor) -> Tensor:
    """Returns the filter's value at distances in (widened) pixels."""
    away = distances.abs()
    near = (1.5 * away - 2.5) * away * away + 1
    far = (((away - 5) * away + 8) * away - 4) * -0.5
    return torch.where(away < 1, near, far * (away < _SUPPORT))


def _whole_levels(sums: Tensor) -> Tensor:
    """Returns grey levels 0 to 255 of sums in units of 2**-22."""
    return (sums / _WEIGHT_SCALE + 0.5).floor().clamp(0, 255)

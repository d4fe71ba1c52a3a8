"""Bending and turning batches of masks, so that each still fills its box.

Coordinates run from -1 to 1 over the picture, x to the right and y down, as in `grid_sample`.
"""

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

_ROTATED, _SHEARED, _TILTED, _CURVED, _WAVED = 0.5, 0.35, 0.45, 0.25, 0.12
_MOST_DEGREES = 14.0


def warp(masks: Tensor, aspects: Tensor, hardness: Tensor, generator: torch.Generator) -> Tensor:
    """Returns masks seen from elsewhere: turned, sheared, in perspective, curved, waving.

    Args:
        masks: (B, C, H, W) float.
        aspects: (B,) width over height of each as it would stand in a photo.
        hardness: (B,) 0 to 1, scales everything.
        generator: source of randomness.
    """
    batch, _, height, width = masks.shape
    device = masks.device
    drawn = _Draws(batch, device, generator)
    scale = 0.35 + 0.65 * hardness
    source = _from_elsewhere(drawn, scale, aspects)

    rows, columns = torch.meshgrid(
        torch.linspace(-1, 1, height, device=device),
        torch.linspace(-1, 1, width, device=device),
        indexing="ij",
    )
    places = torch.stack([columns, rows, torch.ones_like(rows)]).view(1, 3, -1)
    found = source @ places  # (B, 3, H * W)
    x, y = found[:, 0] / found[:, 2], found[:, 1] / found[:, 2]
    bend, wave = (
        drawn.within(_CURVED, 0.5 * scale)[:, None],
        drawn.within(_WAVED, 0.15 * scale)[:, None],
    )
    phase = torch.rand(batch, 1, device=device, generator=generator) * 2 * math.pi
    # The word is squeezed by as much as it bends, so that it stays inside.
    y = y * (1 + bend.abs() / 2 + wave.abs())
    y = y + bend * (x * x - 0.5) + wave * torch.sin(2 * math.pi * x + phase)
    grid = torch.stack([x, y], dim=-1).view(batch, height, width, 2)
    return functional.grid_sample(
        masks, grid, mode="bilinear", padding_mode="zeros", align_corners=True
    )


class _Draws:
    """Random numbers, one for each picture of a batch."""

    def __init__(self, batch: int, device: torch.device, generator: torch.Generator) -> None:
        self._batch, self._device, self._generator = batch, device, generator

    def within(self, share: float, reach: Tensor | float) -> Tensor:
        """Returns (B,) numbers within +-reach for a share of the batch, and 0 for the others."""
        values = self._uniform() * 2 - 1
        chosen = self._uniform() < share
        return values * chosen * reach

    def _uniform(self) -> Tensor:
        return torch.rand(self._batch, device=self._device, generator=self._generator)


def _from_elsewhere(drawn: _Draws, scale: Tensor, aspects: Tensor) -> Tensor:
    """Returns (B, 3, 3) homographies from the picture to the mask, turned and in perspective."""
    # A long word that turns far becomes a thin diagonal; such boxes are rare.
    most = math.radians(_MOST_DEGREES) * scale * (2.5 / aspects).clamp(max=1.5)
    angle, shear = drawn.within(_ROTATED, most), drawn.within(_SHEARED, 0.35 * scale)
    tilt_x, tilt_y = drawn.within(_TILTED, 0.22 * scale), drawn.within(_TILTED, 0.22 * scale)
    sine, cosine, zero, one = (
        angle.sin(),
        angle.cos(),
        torch.zeros_like(angle),
        torch.ones_like(angle),
    )
    # Turned in the photo's own proportions, not in those of the squeezed picture.
    turned = _matrix(
        (cosine, (shear * cosine - sine) / aspects, zero),
        (sine * aspects, shear * sine + cosine, zero),
        (tilt_x, tilt_y, one),
    )
    corners = torch.tensor(
        [[-1.0, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], device=aspects.device
    ).T  # (3, 4)
    moved = turned @ corners
    moved = moved[:, :2] / moved[:, 2:]
    low, high = moved.amin(2), moved.amax(2)  # (B, 2)
    middle, half = (low + high) / 2, (high - low) / 2
    # From the picture's coordinates to those of the turned word's box, and back to the mask's.
    boxed = _matrix(
        (half[:, 0], zero, middle[:, 0]), (zero, half[:, 1], middle[:, 1]), (zero, zero, one)
    )
    return cast(Tensor, torch.linalg.inv(turned) @ boxed)


def shifted(masks: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Returns masks moved by parts of the picture's half-size, what leaves it cut off.

    Args:
        masks: (B, C, H, W) float.
        across: (B,) to the right.
        down: (B,) downwards.
    """
    zero, one = torch.zeros_like(across), torch.ones_like(across)
    affine = _matrix((one, zero, -across), (zero, one, -down), (zero, zero, one))[:, :2]
    grid = functional.affine_grid(affine, list(masks.shape), align_corners=True)
    return functional.grid_sample(
        masks, grid, mode="bilinear", padding_mode="zeros", align_corners=True
    )


def _matrix(*rows: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Returns (B, 3, 3) matrices of rows of (B,) numbers."""
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)

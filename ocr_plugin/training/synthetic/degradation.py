"""Degradation of a batch of pictures: occlusion, camera faults, compression."""

import math

import torch
from torch import Tensor
from torch.nn import functional

_HIDDEN, _BLURRED, _MOVED, _SMALL, _NOISY, _CODED, _SHADED = 0.1, 0.3, 0.12, 0.35, 0.5, 0.25, 0.3
_SIGMAS = (0.7, 1.2, 1.9)
_SCALES = (0.75, 0.5, 0.36)
_BLOCK = 8


def degrade(images: Tensor, hardness: Tensor, generator: torch.Generator) -> Tensor:
    """Returns pictures partly hidden, shaded, blurred, coarse, noisy, badly lit and coded.

    Args:
        images: (B, 3, H, W) float, 0 to 1.
        hardness: (B,) 0 to 1; how likely each fault is, and how bad.
        generator: source of randomness.
    """
    images = images.clone()
    batch, device = len(images), images.device

    def chosen(share: float) -> Tensor:
        """Returns the numbers of those pictures that get a fault, the hard ones more often."""
        luck = torch.rand(batch, device=device, generator=generator)
        return (luck < share * (0.4 + 1.2 * hardness)).nonzero()[:, 0]

    def strength(indices: Tensor) -> Tensor:
        """Returns how bad the fault is, (n, 1, 1, 1) from 0 to 1."""
        luck = torch.rand(len(indices), device=device, generator=generator)
        return (luck * (0.3 + 0.7 * hardness[indices])).view(-1, 1, 1, 1)

    indices = chosen(_HIDDEN)
    images[indices] = _hide(images[indices], strength(indices), generator)
    indices = chosen(_SHADED)
    images[indices] = _shade(images[indices], strength(indices), generator)
    indices = chosen(_MOVED)
    images[indices] = _move(images[indices], strength(indices), generator)
    indices = chosen(_BLURRED)
    levels = (strength(indices).flatten() * 1.3 * len(_SIGMAS)).long().clamp(max=len(_SIGMAS) - 1)
    for level, sigma in enumerate(_SIGMAS):
        some = indices[levels == level]
        images[some] = gaussian_blur(images[some], sigma)
    indices = chosen(_SMALL)
    levels = (strength(indices).flatten() * 1.3 * len(_SCALES)).long().clamp(max=len(_SCALES) - 1)
    for level, scale in enumerate(_SCALES):
        some = indices[levels == level]
        images[some] = _coarsen(images[some], scale, "bicubic" if level % 2 else "bilinear")
    indices = chosen(_NOISY)
    images[indices] = _add_noise(images[indices], strength(indices), generator)
    images = _relight(images, hardness, generator).clamp(0, 1)
    indices = chosen(_CODED)
    images[indices] = _code(images[indices], strength(indices))
    return images.clamp(0, 1)


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Returns (B, C, H, W) images blurred; `sigma` is in pixels."""
    reach = math.ceil(2 * sigma)
    weights = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-(weights**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    batch, channels, height, width = images.shape
    flat = images.reshape(batch * channels, 1, height, width)
    flat = functional.pad(flat, (reach, reach, reach, reach), mode="replicate")
    flat = functional.conv2d(
        functional.conv2d(flat, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1)
    )
    return flat.view(batch, channels, height, width)


def _hide(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Returns pictures behind something: a wire or a pole across them, or a leaf at an edge.

    It is thin enough, or reaches in so little, that the word can still be told.
    """
    batch, _, height, width = images.shape
    device = images.device

    def luck() -> Tensor:
        return torch.rand(batch, 1, 1, 1, device=device, generator=generator)

    # In half-heights from the middle, for both directions.
    down = torch.linspace(-1, 1, height, device=device).view(1, 1, -1, 1)
    across = torch.linspace(-1, 1, width, device=device).view(1, 1, 1, -1) * width / height
    x, y = (2 * luck() - 1) * width / height, 2 * luck() - 1
    turn = luck() * math.pi
    from_line = ((across - x) * turn.cos() + (down - y) * turn.sin()).abs() - 0.04 - 0.1 * strength
    from_leaf = ((across - x) ** 2 + (down - y.sign()) ** 2).sqrt() - 0.2 - 0.4 * strength
    outside = torch.where(luck() < 0.6, from_line, from_leaf)
    covered = (0.5 - outside * height / 2).clamp(0, 1)  # its edge is one pixel wide
    colour = torch.rand(batch, 3, 1, 1, device=device, generator=generator)
    return images + covered * (colour - images)


def _shade(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Returns pictures under uneven light: broad shadows and reflections."""
    batch, _, height, width = images.shape
    coarse = torch.rand(batch, 1, 2, 4, device=images.device, generator=generator)
    field = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    return images * (1 + 1.1 * strength * (field - 0.6))


def _move(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    """Returns pictures taken with a moving hand: means along one of four directions."""
    batch = len(images)
    ways = torch.randint(4, (batch,), device=images.device, generator=generator)
    steps = ((1, 0), (0, 1), (1, 1), (1, -1))
    result = images.clone()
    for way, (across, down) in enumerate(steps):
        some = ways == way
        if not bool(some.any()):
            continue
        moving = images[some]
        # The longer stroke counts more the stronger the blur.
        short = sum(_rolled(moving, k * across, k * down) for k in (-1, 0, 1)) / 3
        long = sum(_rolled(moving, k * across, k * down) for k in (-3, -2, -1, 0, 1, 2, 3)) / 7
        share = strength[some]
        # Upright strokes of squeezed letters are near each other: less blur across the height.
        result[some] = short + share * (long - short) * (0.6 if down else 1.0)
    return result


def _rolled(images: Tensor, across: int, down: int) -> Tensor:
    height, width = images.shape[2:]
    padded = functional.pad(images, (4, 4, 4, 4), mode="replicate")
    return padded[:, :, 4 + down : 4 + down + height, 4 + across : 4 + across + width]


def _coarsen(images: Tensor, scale: float, mode: str) -> Tensor:
    """Returns pictures as they look after they were small."""
    if not len(images):
        return images
    height, width = images.shape[2:]
    small = functional.interpolate(images, scale_factor=scale, mode="area")
    return functional.interpolate(small, (height, width), mode=mode, align_corners=False)


def _add_noise(images: Tensor, strength: Tensor, generator: torch.Generator) -> Tensor:
    batch, channels, height, width = images.shape
    # Grey noise costs a third of coloured, and sensors have both.
    grey = torch.randn(batch, 1, height, width, device=images.device, generator=generator)
    tint = torch.randn(batch, channels, 1, 1, device=images.device, generator=generator)
    return images + 0.09 * strength * grey * (1 + 0.3 * tint)


def _relight(images: Tensor, hardness: Tensor, generator: torch.Generator) -> Tensor:
    luck = torch.rand(3, len(images), 1, 1, 1, device=images.device, generator=generator)
    reach = (0.3 + 0.7 * hardness).view(-1, 1, 1, 1)
    gamma = torch.exp((luck[0] * 2 - 1) * 0.5 * reach)
    contrast = 1 + (luck[1] - 0.65) * 0.6 * reach
    brightness = (luck[2] * 2 - 1) * 0.2 * reach
    return (images.clamp(1e-3, 1) ** gamma - 0.5) * contrast + 0.5 + brightness


# Annex K of the JPEG standard (ITU-T T.81): the luminance table.
_QUANTISATION = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def _code(images: Tensor, strength: Tensor) -> Tensor:
    """Returns pictures with a JPEG's blocks: cosine coefficients rounded, each channel alone."""
    batch, channels, height, width = images.shape
    below, right = -height % _BLOCK, -width % _BLOCK
    padded = functional.pad(images, (0, right, 0, below), mode="replicate")
    rows, columns = padded.shape[2] // _BLOCK, padded.shape[3] // _BLOCK
    blocks = padded.view(batch, channels, rows, _BLOCK, columns, _BLOCK).transpose(3, 4)
    index = torch.arange(_BLOCK, device=images.device, dtype=images.dtype)
    basis = torch.cos((2 * index[None, :] + 1) * index[:, None] * math.pi / (2 * _BLOCK)) / 2
    basis[0] /= math.sqrt(2)
    table = torch.tensor(_QUANTISATION, device=images.device, dtype=images.dtype) / 255
    step = table * (0.5 + 3 * strength.view(-1, 1, 1, 1, 1, 1))
    coefficients = torch.round(basis @ blocks @ basis.T / step) * step
    decoded = (basis.T @ coefficients @ basis).transpose(3, 4).reshape(padded.shape)
    return decoded[:, :, :height, :width]

"""Masks to pictures: colours, surfaces, effects, and then `warps` and `degradation`, in batches.

Everything is a batched torch operation on the masks' device; no picture is processed singly.
"""

import torch
from torch import Tensor
from torch.nn import functional

from ocr_plugin.training.synthetic.degradation import degrade, gaussian_blur
from ocr_plugin.training.synthetic.warps import shifted, warp

_NEIGHBOURED, _OUTLINED, _SHADOWED, _EMBOSSED = 0.18, 0.12, 0.15, 0.07
_PHOTOGRAPHED, _PANELLED, _TEXTURED, _GRADED = 0.45, 0.2, 0.5, 0.3
_LEAST_CONTRAST, _EASY_CONTRAST = 0.14, 0.35
_LUMA = (0.299, 0.587, 0.114)


def compose(
    masks: Tensor, aspects: Tensor, photos: Tensor | None, generator: torch.Generator
) -> Tensor:
    """Returns words on surfaces, degraded, (B, 3, H, W) float32, 0 to 1.

    Args:
        masks: (B, H, W) uint8, 255 where there is ink.
        aspects: (B,) float32, width over height of each word's box as it would stand in a photo.
        photos: (B, 3, H, W) uint8, pieces of photos to write on; None for made-up surfaces alone.
        generator: on the masks' device; the same state gives the same pictures there.
    """
    batch, device = len(masks), masks.device
    # Most words are easy, some are hard in everything at once.
    hardness = torch.rand(batch, device=device, generator=generator) ** 1.6
    ink = masks[:, None].float() / 255
    ink = warp(_with_neighbours(ink, generator), aspects, hardness, generator).clamp(0, 1)
    surface = _surface(ink, photos, generator)
    painted = _paint(ink, surface, hardness, generator)
    return degrade(painted, hardness, generator)


def _with_neighbours(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Returns masks of which some show a piece of another word at an edge."""
    batch, device = len(ink), ink.device
    some = _some(batch, _NEIGHBOURED, device, generator)
    if len(some) < 2:
        return ink
    count = len(some)
    beside = torch.rand(count, device=device, generator=generator) < 0.4
    sign = torch.randint(2, (count,), device=device, generator=generator) * 2.0 - 1
    # Two halves are a whole picture: nearly all of the other word lies outside.
    near = 1.72 + 0.25 * torch.rand(count, device=device, generator=generator)
    zero = torch.zeros_like(near)
    other = shifted(
        ink[some].roll(1, 0),
        torch.where(beside, sign * near, zero),
        torch.where(beside, zero, sign * near),
    )
    joined = ink.clone()
    joined[some] = torch.maximum(ink[some], other)
    return joined


def _surface(ink: Tensor, photos: Tensor | None, generator: torch.Generator) -> Tensor:
    """Returns what the words are written on, (B, 3, H, W)."""
    batch, _, height, width = ink.shape
    device = ink.device

    def luck(*shape: int) -> Tensor:
        return torch.rand(batch, *shape, device=device, generator=generator)

    surface = _colours(luck(1), luck(3) - 0.5, luck(1) ** 2)[..., None, None]
    surface = surface.expand(-1, -1, height, width)
    # Light that falls off to one side, and a texture at one of two scales.
    down = torch.linspace(-0.5, 0.5, height, device=device).view(1, 1, -1, 1)
    across = torch.linspace(-0.5, 0.5, width, device=device).view(1, 1, 1, -1)
    slope = (luck(2, 1, 1, 1) - 0.5) * 0.7 * (luck(1, 1, 1, 1) < _GRADED)
    surface = surface + slope[:, 0] * down + slope[:, 1] * across
    for rows, columns in ((3, 6), (12, 32)):
        amount = 0.35 * luck(1, 1, 1) ** 2 * (luck(1, 1, 1) < _TEXTURED / 2)
        field = functional.interpolate(
            luck(1, rows, columns) - 0.5, (height, width), mode="bilinear", align_corners=False
        )
        surface = surface + amount * field
    # A second panel or a band, its edge anywhere.
    other = _colours(luck(1), luck(3) - 0.5, luck(1) ** 2)[..., None, None]
    edge = (luck(1, 1, 1) - 0.5) * 0.9
    upright = luck(1, 1, 1) < 0.3
    beyond = torch.where(upright, across > edge, down > edge.abs() * 0.4 + 0.28)
    panel = beyond & (luck(1, 1, 1) < _PANELLED)
    surface = torch.where(panel, 0.6 * other + 0.4 * surface, surface)
    if photos is not None:
        share = (0.25 + 0.75 * luck(1, 1, 1)) * (luck(1, 1, 1) < _PHOTOGRAPHED)
        surface = surface + share * (photos.float() / 255 - surface)
    return surface.clamp(0, 1)


def _paint(ink: Tensor, surface: Tensor, hardness: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the surfaces with the words on them, in colours that stand off."""
    batch, _, height, _ = ink.shape
    device = ink.device

    def luck(*shape: int) -> Tensor:
        return torch.rand(batch, *shape, device=device, generator=generator)

    weights = torch.tensor(_LUMA, device=device).view(1, 3, 1, 1)
    luma = (surface * weights).sum(1, keepdim=True)
    mean = luma.mean((2, 3))  # (B, 1)
    rough = luma.flatten(1).std(1, keepdim=True)
    least = _EASY_CONTRAST + (_LEAST_CONTRAST - _EASY_CONTRAST) * hardness[:, None]
    least = least + 1.2 * rough  # on a rough surface faint letters cannot be read
    # Darker or lighter than the surface, whichever has room, either where both have.
    room_above, room_below = 1 - mean, mean
    lighter = torch.where(
        room_above < least, False, torch.where(room_below < least, True, luck(1) < 0.5)
    )
    room = torch.where(lighter, room_above, room_below)
    contrast = (least + luck(1) * (room - least).clamp(min=0)).clamp(max=1)
    target = (mean + torch.where(lighter, contrast, -contrast)).clamp(0, 1)
    paint = _colours(target, luck(3) - 0.5, luck(1) ** 1.5)[..., None, None]
    down = torch.linspace(-0.5, 0.5, height, device=device).view(1, 1, -1, 1)
    fading = (luck(3, 1, 1) - 0.5) * 0.5 * (luck(1, 1, 1) < _GRADED)
    paint = paint + fading * down

    painted = surface
    some = _some(batch, _SHADOWED, device, generator)
    if len(some):
        reach = 0.06 + 0.1 * luck(1)[some, 0]
        fallen = shifted(gaussian_blur(ink[some], 0.8), reach * 0.4, reach)
        dark = 0.75 * luck(1, 1, 1)[some] * fallen
        painted = painted.clone()
        painted[some] = painted[some] * (1 - dark)
    some = _some(batch, _OUTLINED, device, generator)
    if len(some):
        grown = functional.max_pool2d(ink[some], 3, 1, 1)
        # An outline of the opposite lightness lets the letters stand off from anything.
        rim = _colours(1 - target[some], (luck(3) - 0.5)[some], luck(1)[some] ** 2)[..., None, None]
        painted = painted.clone()
        painted[some] = painted[some] + grown * (rim - painted[some])
    painted = painted + ink * (paint - painted)
    some = _some(batch, _EMBOSSED, device, generator)
    if len(some):
        raised = gaussian_blur(ink[some], 0.8)
        relief = raised - functional.pad(raised, (1, 0, 1, 0))[:, :, :-1, :-1]
        painted[some] = painted[some] + 0.7 * relief
    return painted.clamp(0, 1)


def _colours(luma: Tensor, direction: Tensor, saturation: Tensor) -> Tensor:
    """Returns colours of a given lightness, (B, 3), 0 to 1.

    Args:
        luma: (B, 1), 0 to 1.
        direction: (B, 3), any; which way they lean from grey.
        saturation: (B, 1), 0 to 1.
    """
    weights = torch.tensor(_LUMA, device=luma.device)
    chroma = direction - (direction * weights).sum(1, keepdim=True)
    return (luma + 1.6 * saturation * chroma).clamp(0, 1)


def _some(batch: int, share: float, device: torch.device, generator: torch.Generator) -> Tensor:
    """Returns the numbers of a random share of a batch."""
    return (torch.rand(batch, device=device, generator=generator) < share).nonzero()[:, 0]

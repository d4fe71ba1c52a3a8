"""The word detector's network: one backbone, a map of words and a map of lines.

Backbone and neck are PP-OCRv6 small detection's (PaddleOCR, Apache-2.0), laid out as the ONNX file
of the ``rapidocr`` wheel has them, batch norms folded into the convolutions: a reparameterised
backbone in the manner of RepViT (https://arxiv.org/abs/2307.09283) and a feature pyramid with
residual squeeze-and-excitation. The head is Differentiable Binarization's
(https://arxiv.org/abs/1911.08947): 3x3, then twice 2x upsampling. Both of its transposed
convolutions have kernels as large as their strides, so they are computed as 1x1 convolutions at a
quarter of the picture's size, and pixels are put in their places at the end: the same numbers,
without a picture of 24 channels at half size.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

MULTIPLE = 32
"""What the sides of a picture must be multiples of."""

MAPS = ("words", "lines")
"""What the channels of the output are, in order."""

_STEM = 24
_WIDTHS = (48, 96, 192, 384)
_BLOCKS = (2, 2, 4, 2)
_NECK, _OUT = 96, 24
_UP = 4


class TextNetwork(nn.Module):
    """Predicts for every pixel whether it lies in the core of a word, and of a line."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        self.stages = nn.ModuleList(
            Stage(before, width, count)
            for before, width, count in zip((None, *_WIDTHS), _WIDTHS, _BLOCKS, strict=False)
        )
        self.neck = Neck()
        self.heads = nn.ModuleDict({name: Head() for name in MAPS})

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns logits of both maps, (B, 2, H, W), in the order of `MAPS`.

        Args:
            pixels: (B, 3, H, W) from -1 to 1, RGB; sides are multiples of `MULTIPLE`.
        """
        features = self.features(pixels)
        return torch.cat([head(features) for head in self.heads.values()], dim=1)

    def lines(self, pixels: Tensor) -> Tensor:
        """Returns the logits of the map of lines alone, (B, 1, H, W)."""
        logits: Tensor = self.heads["lines"](self.features(pixels))
        return logits

    def features(self, pixels: Tensor) -> Tensor:
        """Returns what the heads see, (B, 96, H / 4, W / 4)."""
        found, seen = self.stem(pixels), []
        for stage in self.stages:
            found = stage(found)
            seen.append(found)
        features: Tensor = self.neck(seen)
        return features


class Stem(nn.Module):
    """From a picture to a quarter of its size."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, _STEM, 3, stride=2, padding=1)
        self.narrow = nn.Conv2d(_STEM, _STEM // 2, 2)
        self.wide = nn.Conv2d(_STEM // 2, _STEM, 2)
        self.joined = nn.Conv2d(2 * _STEM, _STEM, 3, stride=2, padding=1)
        self.last = nn.Conv2d(_STEM, _WIDTHS[0], 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns (B, 48, H / 4, W / 4) for (B, 3, H, W)."""
        first = functional.relu(self.first(pixels))  # (B, 24, H / 2, W / 2)
        # Kernels of 2 look to the right and down; the edge is filled up there.
        pooled = functional.max_pool2d(
            functional.pad(first, (0, 1, 0, 1), value=-torch.inf), 2, stride=1
        )
        narrow = functional.relu(self.narrow(functional.pad(first, (0, 1, 0, 1))))
        wide = functional.relu(self.wide(functional.pad(narrow, (0, 1, 0, 1))))
        joined = functional.relu(self.joined(torch.cat([pooled, wide], dim=1)))
        return functional.relu(self.last(joined))  # (B, 48, H / 4, W / 4)


class Stage(nn.Module):
    """Blocks of one size; all but the first stage halve their input."""

    def __init__(self, before: int | None, width: int, count: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        if before is not None:
            blocks.append(Block(before, width, stride=2, gated=False))
        # Every second block is gated, as the first of the stage is.
        blocks += [Block(width, width, stride=1, gated=n % 2 == 0) for n in range(count)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, found: Tensor) -> Tensor:
        """Returns (B, width, h, w) for (B, before, h, w), or half of that size."""
        result: Tensor = self.blocks(found)
        return result


class Block(nn.Module):
    """Mixes places, then channels; the second adds to the first, where sizes are kept."""

    def __init__(self, before: int, width: int, *, stride: int, gated: bool) -> None:
        super().__init__()
        self.places = nn.Conv2d(before, before, 3, stride, padding=1, groups=before)
        self.gate = Gate(before, before // 4, slope=1 / 6) if gated else None
        self.widen = nn.Conv2d(before, 2 * before, 1)
        self.narrow = nn.Conv2d(2 * before, width, 1)
        self.adds = stride == 1

    def forward(self, found: Tensor) -> Tensor:
        """Returns (B, width, h, w) for (B, before, h, w), or half of that size."""
        mixed = self.places(found)
        if self.gate is not None:
            mixed = mixed * self.gate(mixed)
        change: Tensor = self.narrow(functional.gelu(self.widen(mixed)))
        return mixed + change if self.adds else change


class Gate(nn.Module):
    """Squeeze and excitation (https://arxiv.org/abs/1709.01507): a weight a channel, (B, C, 1, 1).

    `slope` is that of the hard sigmoid at 0.
    """

    def __init__(self, width: int, inner: int, slope: float) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, inner, 1)
        self.excite = nn.Conv2d(inner, width, 1)
        self.slope = slope

    def forward(self, found: Tensor) -> Tensor:
        """Returns (B, C, 1, 1) from 0 to 1 for (B, C, h, w)."""
        inner = functional.relu(self.squeeze(found.mean((2, 3), keepdim=True)))
        return torch.clamp(self.excite(inner) * self.slope + 0.5, 0, 1)


class GatedConv(nn.Module):
    """A 1x1 convolution that a gate adds to."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, width, 1, bias=False)
        self.gate = Gate(width, width // 4, slope=0.2)

    def forward(self, found: Tensor) -> Tensor:
        """Returns (B, width, h, w) for (B, before, h, w)."""
        mixed: Tensor = self.conv(found)
        gated: Tensor = mixed * self.gate(mixed)
        return mixed + gated


class Neck(nn.Module):
    """Brings all sizes together at the finest, a quarter of the picture's; coarsest first."""

    def __init__(self) -> None:
        super().__init__()
        widths = _WIDTHS[::-1]
        self.laterals = nn.ModuleList(GatedConv(width, _NECK) for width in widths)
        self.outputs = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(_NECK, _NECK, 7, padding=3, groups=_NECK), GatedConv(_NECK, _NECK // 4)
            )
            for _ in widths
        )

    def forward(self, seen: list[Tensor]) -> Tensor:
        """Returns (B, 96, H / 4, W / 4) for what the stages gave, finest first."""
        coarse_first = [
            lateral(found) for lateral, found in zip(self.laterals, seen[::-1], strict=True)
        ]
        summed = [coarse_first[0]]
        for found in coarse_first[1:]:
            summed.append(found + _enlarged(summed[-1], 2))
        outputs = [output(found) for output, found in zip(self.outputs, summed, strict=True)]
        factors = [2 ** (len(outputs) - 1 - level) for level in range(len(outputs))]
        return torch.cat(
            [_enlarged(found, factor) for found, factor in zip(outputs, factors, strict=True)],
            dim=1,
        )


class Head(nn.Module):
    """From features to one map of the picture's size."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(_NECK, _OUT, 3, padding=1)
        self.up = nn.ConvTranspose2d(_OUT, _OUT, 2, stride=2)
        self.last = nn.ConvTranspose2d(_OUT, 1, 2, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        """Returns logits (B, 1, H, W) for (B, 96, H / 4, W / 4)."""
        inner, outer, bias = self.as_convolutions()
        found = functional.relu(self.mix(features))
        assert self.up.bias is not None
        found = functional.relu(functional.conv2d(found, inner, self.up.bias.repeat(4)))
        return functional.pixel_shuffle(functional.conv2d(found, outer, bias), _UP)

    def as_convolutions(self) -> tuple[Tensor, Tensor, Tensor]:
        """Returns both transposed convolutions as 1x1 ones, and the last one's bias.

        The first gives four pixels side by side in its channels, the second four from each of them.
        """
        # (in, out, row, column) -> channel ((row, column), out)
        inner = self.up.weight.permute(2, 3, 1, 0).reshape(4 * _OUT, _OUT, 1, 1)
        last = (
            self.last.weight[:, 0].permute(1, 2, 0).reshape(4, _OUT).contiguous()
        )  # (row, column), in
        # Pixel (2 * row + r, 2 * column + c) comes from the first's pixel (row, column) alone.
        outer = torch.kron(torch.eye(4, dtype=last.dtype, device=last.device), last)
        outer = outer.reshape(2, 2, 2, 2, 4 * _OUT).permute(0, 2, 1, 3, 4)
        assert self.last.bias is not None
        return inner, outer.reshape(16, 4 * _OUT, 1, 1), self.last.bias.repeat(16)


def _enlarged(found: Tensor, factor: int) -> Tensor:
    return found if factor == 1 else functional.interpolate(found, scale_factor=factor)

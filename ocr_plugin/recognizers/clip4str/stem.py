"""The convolutional stem of small CLIP4STR networks: from pixels to a coarse feature map.

A small network learns far faster behind convolutions than on raw patches. The layout is that of
the recognizer PP-OCRv6 small (https://github.com/PaddlePaddle/PaddleOCR, Apache-2.0) in its ONNX
graph, with all normalisations folded into the convolutions, so that training can start from its
weights: a stem after HGNetV2, then blocks after RepViT (https://arxiv.org/abs/2307.09283). An
independent implementation.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

# Whether each block has squeeze and excitation.
_FIRST_STAGE = (True, False, False)
_SECOND_STAGE = (True, False, True, False, True, False)
_THIRD_STAGE = (True, False)
_SQUEEZE = 4


class ChannelWeights(nn.Module):
    """Squeeze and excitation: scales every channel by a function of the channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // _SQUEEZE, 1)
        self.excite = nn.Conv2d(channels // _SQUEEZE, channels, 1)
        nn.init.zeros_(self.excite.weight)
        nn.init.constant_(cast(Tensor, self.excite.bias), 3.0)  # the hard sigmoid is 1 from here

    def forward(self, maps: Tensor) -> Tensor:
        """Returns the weighted maps, (B, C, H, W)."""
        weights = self.excite(functional.relu(self.squeeze(maps.mean((2, 3), keepdim=True))))
        return maps * functional.hardsigmoid(weights)


class MixingBlock(nn.Module):
    """A depthwise convolution, then two pointwise ones."""

    def __init__(self, channels: int, weighted: bool, halve_height: bool = False) -> None:
        super().__init__()
        self.residual = not halve_height
        out_channels = 2 * channels if halve_height else channels
        stride = (2, 1) if halve_height else (1, 1)
        self.neighbours = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels)
        self.weights = ChannelWeights(channels) if weighted else nn.Identity()
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.activation: nn.Module = nn.GELU()
        self.reduce = nn.Conv2d(2 * channels, out_channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Returns (B, C, H, W) maps, or (B, 2C, H/2, W) if the height is halved."""
        maps = self.weights(self.neighbours(maps))
        mixed = cast(Tensor, self.reduce(self.activation(self.expand(maps))))
        return maps + mixed if self.residual else mixed


class ConvolutionalStem(nn.Module):
    """Maps an image to features at a sixteenth of its height and a quarter of its width.

    Attributes:
        channels: of the features, four times `width`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        half, quarter = width // 2, width // 4
        self.channels = 4 * width
        self.first = nn.Conv2d(3, half, 3, 2, 1)
        self.left = nn.Conv2d(half, quarter, 2)
        self.right = nn.Conv2d(quarter, half, 2)
        self.join = nn.Conv2d(width, half, 3, 2, 1)
        self.widen = nn.Conv2d(half, width, 1)
        self.blocks = nn.Sequential(
            *(MixingBlock(width, weighted) for weighted in _FIRST_STAGE),
            MixingBlock(width, False, halve_height=True),
            *(MixingBlock(2 * width, weighted) for weighted in _SECOND_STAGE),
            MixingBlock(2 * width, False, halve_height=True),
            *(MixingBlock(4 * width, weighted) for weighted in _THIRD_STAGE),
        )
        self._start()

    def _start(self) -> None:
        """Initialises weights so that a deep network without norms can be trained from scratch."""
        for name, part in self.named_modules():
            if isinstance(part, nn.Conv2d) and not name.endswith(("squeeze", "excite")):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, part.bias))
        for block in self.blocks:
            assert isinstance(block, MixingBlock)
            # A block starts as the identity.
            nn.init.dirac_(block.neighbours.weight, groups=block.neighbours.groups)
            if block.residual:
                nn.init.zeros_(block.reduce.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Returns (B, `channels`, H / 16, W / 4) of (B, 3, H, W) images."""
        # In this layout convolutions of few channels are several times faster on the CPU.
        images = images.contiguous(memory_format=torch.channels_last)
        first = _padded(functional.relu(self.first(images)))
        branch = functional.relu(self.left(first))
        branch = functional.relu(self.right(_padded(branch)))
        joined = torch.cat([functional.max_pool2d(first, 2, 1), branch], dim=1)
        maps = functional.relu(self.widen(functional.relu(self.join(joined))))
        return cast(Tensor, self.blocks(maps))


def _padded(maps: Tensor) -> Tensor:
    """Returns maps with another row and column of zeros, so that kernels of 2 keep the size."""
    return functional.pad(maps, (0, 1, 0, 1))

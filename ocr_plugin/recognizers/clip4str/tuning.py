"""Modules added to CLIP for fine-tuning: an adapter and a ladder."""

from typing import cast

import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock, Transformer
from torch import Tensor, nn

from ocr_plugin.recognizers.clip4str.config import HEAD_WIDTH

_RATIO = 0.2
"""Share of the adapter's output in the features; the rest is the tower's."""


class ClipAdapter(nn.Module):
    """Mixes features with the output of two linear layers on them (CLIP-Adapter)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width), nn.ReLU()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Returns the adapted features, (..., `width`)."""
        return _RATIO * cast(Tensor, self.layers(features)) + (1 - _RATIO) * features


_EVERY = 2
"""Blocks of the tower from one rung to the next."""


class Ladder(nn.Module):
    """Runs a tower, and beside it narrow blocks of its own; the result is the sum of both."""

    def __init__(self, layers: int, width: int, side_width: int) -> None:
        super().__init__()
        rungs = layers // _EVERY
        self.start = nn.Linear(width, side_width)
        self.rungs = nn.ModuleList(nn.Linear(width, side_width) for _ in range(rungs))
        self.gates = nn.Parameter(torch.zeros(rungs))
        self.blocks = nn.ModuleList(
            ResidualAttentionBlock(side_width, side_width // HEAD_WIDTH, act_layer=QuickGELU)
            for _ in range(rungs)
        )
        self.end = nn.Linear(side_width, width)
        # So that training starts from the tower's output.
        nn.init.zeros_(self.end.weight)
        nn.init.zeros_(self.end.bias)

    def forward(self, tokens: Tensor, tower: Transformer) -> Tensor:
        """Returns the tower's tokens plus the ladder's output, (B, L, width).

        Args:
            tokens: (B, L, width), the tower's input.
            tower: whose blocks feed the ladder.
        """
        side = self.start(tokens)
        for index, wide in enumerate(tower.resblocks):
            tokens = wide(tokens)
            rung, last = divmod(index, _EVERY)
            if last == _EVERY - 1:
                gate = self.gates[rung].sigmoid()
                side = gate * side + (1 - gate) * self.rungs[rung](tokens)
                side = self.blocks[rung](side)
        return tokens + cast(Tensor, self.end(side))

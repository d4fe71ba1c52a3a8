"""Ladder side-tuning: a narrow tower beside one that keeps its weights, fed from its blocks.

https://arxiv.org/abs/2206.06522. One of the parameter-efficient trainings that the CLIP4STR paper
compares (https://arxiv.org/abs/2305.14014). No gradient passes through the wide tower, so that its
states need not be kept: that is what saves memory.
"""

from typing import cast

import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock, Transformer
from torch import Tensor, nn

from ocr_plugin.clip4str.config import HEAD_WIDTH

_EVERY = 2
"""Blocks of the wide tower from one rung to the next."""


class Ladder(nn.Module):
    """Runs a tower, and beside it blocks of its own; the sum of both is the result."""

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
        # So that training starts from what the wide tower says.
        nn.init.zeros_(self.end.weight)
        nn.init.zeros_(self.end.bias)

    def forward(self, tokens: Tensor, tower: Transformer) -> Tensor:
        """Returns the tower's tokens with what the ladder adds, (B, L, width).

        Args:
            tokens: (B, L, width), as the tower takes them.
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

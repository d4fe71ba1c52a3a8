"""CLIP-Adapter: two small layers that bend the features of a tower which keeps its weights.

https://arxiv.org/abs/2110.04544. One of the parameter-efficient trainings that the CLIP4STR paper
compares (https://arxiv.org/abs/2305.14014).
"""

from typing import cast

from torch import Tensor, nn

_RATIO = 0.2
"""Share of what the adapter says in the features; the rest is the tower's own."""


class Adapter(nn.Module):
    """Mixes features with what two linear layers make of them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width), nn.ReLU()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Returns features like those given, (..., `width`)."""
        return _RATIO * cast(Tensor, self.layers(features)) + (1 - _RATIO) * features

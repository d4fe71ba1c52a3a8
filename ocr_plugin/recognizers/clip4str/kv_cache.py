"""Keys and values of the characters read so far, one pair per decoder layer."""

from typing import Protocol

import torch
from torch import Tensor

KeysValues = tuple[Tensor, Tensor]
"""Keys and values of one attention: (B, heads, L, D / heads) each."""


def join(first: KeysValues, second: KeysValues) -> KeysValues:
    """Returns the keys and values of two sources, one after the other."""
    return torch.cat([first[0], second[0]], dim=2), torch.cat([first[1], second[1]], dim=2)


class KVCache(Protocol):
    """Stores the keys and values of one character per step, in every layer."""

    def extended(self, layer: int, new: KeysValues) -> KeysValues:
        """Returns the keys and values of a layer, (B, heads, steps so far, D / heads).

        Args:
            layer: counted from 0.
            new: those of the step's own character, (B, heads, 1, D / heads).
        """
        ...


class GrowingCache:
    """A cache that grows with the characters read, and whose rows can be dropped."""

    def __init__(self) -> None:
        self._known: list[KeysValues] = []

    def extended(self, layer: int, new: KeysValues) -> KeysValues:
        """Returns what `KVCache.extended` does."""
        if layer == len(self._known):
            self._known.append(new)
        else:
            self._known[layer] = join(self._known[layer], new)
        return self._known[layer]

    def keep(self, rows: Tensor) -> None:
        """Keeps only some rows of the batch, (K,) int64."""
        self._known = [(keys[rows], values[rows]) for keys, values in self._known]


class StaticCache:
    """A cache with preallocated tensors at constant addresses, into which steps are written.

    Attributes:
        position: of the step, counted from 0; set by the caller before each step.

    Args:
        memory: keys and values of a memory, one pair per layer; gives all sizes but the length.
        steps: largest number of steps.
    """

    def __init__(self, memory: list[KeysValues], steps: int) -> None:
        self.position = 0
        self._known = [(_room(keys, steps), _room(values, steps)) for keys, values in memory]

    def extended(self, layer: int, new: KeysValues) -> KeysValues:
        """Returns what `KVCache.extended` does."""
        length = self.position + 1
        keys, values = self._known[layer]
        keys[:, :, self.position : length] = new[0]
        values[:, :, self.position : length] = new[1]
        return keys[:, :, :length], values[:, :, :length]


def _room(like: Tensor, steps: int) -> Tensor:
    batch, heads, _, width = like.shape
    return like.new_zeros(batch, heads, steps, width)

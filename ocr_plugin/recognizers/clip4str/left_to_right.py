"""Greedy reading from left to right, in batches that shrink as words end."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from ocr_plugin.recognizers.clip4str.batch_buckets import bucket_size
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import GrowingCache, KeysValues
from ocr_plugin.recognizers.clip4str.refinement import steps_of

# Checking whether words have ended makes the host wait for a GPU; there extra steps cost less.
_STEPS_BETWEEN_CHECKS = {"cpu": 1}
_STEPS_BETWEEN_CHECKS_ELSEWHERE = 4


class LeftToRight(Protocol):
    """Runs a decoder step by step, each step given the characters before it.

    Attributes:
        constant_shapes: whether all shapes are the same for every batch, so that no step may be
            skipped because a word has ended.
    """

    constant_shapes: bool

    def __call__(
        self,
        decoder: Decoder,
        memory: Sequence[KeysValues],
        steps: Tensor | None = None,
        longest: int | None = None,
    ) -> Tensor:
        """Returns greedy logits (B, L, classes), L being the steps until all rows have ended.

        Logits after a row's end are meaningless.

        Args:
            decoder: of the branch.
            memory: of the branch.
            steps: (B,) largest number of steps for each row, or None for no limit; a row ends at
                its EOS in any case.
            longest: maximum of `steps`.
        """
        ...


class ShrinkingLoop:
    """Reads in batches that are reduced to the unfinished rows once half of the rows have ended."""

    constant_shapes = False

    def __init__(self, config: Clip4StrConfig) -> None:
        self._charset, self._steps = config.charset, config.steps

    def __call__(
        self,
        decoder: Decoder,
        memory: Sequence[KeysValues],
        steps: Tensor | None = None,
        longest: int | None = None,
    ) -> Tensor:
        """Returns what `LeftToRight` does."""
        charset = self._charset
        batch, device = len(memory[0][0]), memory[0][0].device
        between = _STEPS_BETWEEN_CHECKS.get(device.type, _STEPS_BETWEEN_CHECKS_ELSEWHERE)
        rows = torch.arange(batch, device=device)
        token = torch.full((batch,), charset.bos, dtype=torch.long, device=device)
        ended = torch.zeros(batch, dtype=torch.bool, device=device)
        cache = GrowingCache()
        logits: list[Tensor] = []
        for position in range(self._steps):
            found = decoder.step(token, position, memory, cache)
            logits.append(found if len(rows) == batch else _spread(found, rows, batch))
            token = found.argmax(-1)
            ended |= token == charset.eos
            if steps is not None:
                ended |= steps[rows] == position + 1
            if (position + 1) % between:
                continue
            left = bucket_size(len(rows) - int(ended.sum()), len(rows))
            if not left:
                break
            if 2 * left <= len(rows):
                going = ended.int().argsort(stable=True)[:left]
                rows, token, ended = rows[going], token[going], ended[going]
                memory = [(keys[going], values[going]) for keys, values in memory]
                cache.keep(going)
        joined = torch.stack(logits, dim=1)
        return joined[:, : longest or int(steps_of(joined, charset.eos).max())]


def _spread(found: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Returns the logits of some rows among zeros for the others, (`batch`, classes)."""
    return found.new_zeros(batch, found.shape[1]).index_copy_(0, rows, found)

"""Reading of all positions at once: the first reading in mode fast, and cloze refinement."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ocr_plugin.recognizers.clip4str.batch_buckets import bucket_size, pad_to_bucket
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import KeysValues


def read_at_once(config: Clip4StrConfig, decoder: Decoder, memory: Sequence[KeysValues]) -> Tensor:
    """Returns the logits (B, `config.steps`, classes) of positions that see no characters."""
    batch, device = len(memory[0][0]), memory[0][0].device
    start = torch.full((batch, 1), config.charset.bos, dtype=torch.long, device=device)
    seen = torch.ones(1, 1, dtype=torch.bool, device=device)
    found: Tensor = decoder(start, memory, seen, seen, config.steps)
    return found


def refined(
    config: Clip4StrConfig,
    decoder: Decoder,
    memory: Sequence[KeysValues],
    logits: Tensor,
    limit: Tensor | None,
    to_eos: bool = False,
) -> Tensor:
    """Returns the logits (B, `config.steps`, classes) of all positions, read again.

    Each position sees the other characters of the reading in `logits`, left and right, up to its
    EOS, but not itself.

    Args:
        config: for its charset and number of steps.
        decoder: of the branch.
        memory: of the branch.
        logits: (B, L, classes), the reading so far.
        limit: (B,) how many tokens of a row are visible, BOS included, or None for all.
        to_eos: whether logits after a row's EOS do not matter. As positions are independent, only
            about as many are read as the words had so far, and all of words that became longer.
    """
    charset, steps = config.charset, config.steps
    known = logits[:, :-1].argmax(-1)
    length = bucket_size(logits.shape[1], steps)  # few different sizes, see `batch_buckets`
    tokens = known.new_full((len(known), length), charset.eos)
    tokens[:, 0], tokens[:, 1 : logits.shape[1]] = charset.bos, known
    index = torch.arange(length, device=tokens.device)
    valid = (tokens == charset.eos).cumsum(1) == 0
    if limit is not None:
        valid &= index < limit[:, None]
    valid = valid[:, None, None]  # (B, 1, 1, L)
    # The token at index i + 1 is the character at position i.
    others = index != torch.arange(steps, device=tokens.device)[:, None] + 1
    causal = index <= index[:, None]
    positions = steps
    if to_eos:
        positions = bucket_size(int(steps_of(logits, charset.eos).max()), steps)
    found: Tensor = decoder(tokens, memory, others[:positions] & valid, causal & valid, positions)
    if positions == steps:
        return found
    found = filled_up(found, steps, charset.eos)
    longer = (found[:, :positions].argmax(-1) != charset.eos).all(1).nonzero()[:, 0]
    if len(longer):
        longer = pad_to_bucket(longer, len(tokens))
        some = [(keys[longer], values[longer]) for keys, values in memory]
        valid = valid[longer]
        found[longer] = decoder(tokens[longer], some, others & valid, causal & valid, steps)
    return found


def steps_of(logits: Tensor, eos: int) -> Tensor:
    """Returns how many steps each row of (B, L, classes) logits took to end, (B,), at most L."""
    ends = logits.argmax(-1) == eos
    return torch.where(ends.any(1), ends.int().argmax(1) + 1, logits.shape[1])


def cut_short(logits: Tensor, steps: Tensor, eos: int) -> Tensor:
    """Returns `logits` with a certain EOS after each row's own number of steps, (B,)."""
    over = torch.arange(logits.shape[1], device=logits.device) >= steps[:, None]
    return torch.where(over[..., None], _certain_eos(logits, eos), logits)


def filled_up(logits: Tensor, steps: int, eos: int) -> Tensor:
    """Returns (B, L, classes) logits as (B, `steps`, classes), filled up with a certain EOS."""
    batch, length, classes = logits.shape
    rest = _certain_eos(logits, eos).expand(batch, steps - length, classes)
    return torch.cat([logits, rest], dim=1)


def _certain_eos(logits: Tensor, eos: int) -> Tensor:
    """Returns the logits (classes,) of a position that is certainly EOS."""
    certain = torch.full_like(logits[0, 0], float("-inf"))
    certain[eos] = 0
    return certain

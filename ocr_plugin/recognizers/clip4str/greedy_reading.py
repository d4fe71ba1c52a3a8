"""The decoding of `reader.Reader` without PyTorch: left to right, captions, refinement.

Each image is read as if it were alone. The scheme, its sources and the tests that both give the
same are those of `reader`.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ocr_plugin.recognizers.clip4str.branch import Branch, Ids, Logits, Mask
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig


class CrossMemory(Protocol):
    """Gives the cross-modal branch its captions."""

    def captioned(self, texts: Sequence[str]) -> Branch:
        """Returns the branch with the captions of readings, one an image."""
        ...


def read(
    config: Clip4StrConfig,
    visual: Branch,
    cross: CrossMemory | None,
    refinements: int,
    in_order: bool,
) -> Logits:
    """Returns the logits of each image's word, (B, L, classes).

    They are those of the cross-modal branch, or of the visual one if there is no other.

    Args:
        config: of the network.
        visual: the visual branch, of B images.
        cross: the cross-modal branch of the same images; None for none.
        refinements: rounds after the first reading.
        in_order: whether the first reading is from left to right, not all characters at once.
    """
    eos = config.charset.eos
    seen = left_to_right(config, visual) if in_order else read_at_once(config, visual)
    if cross is None:
        for _ in range(refinements):
            seen = refined(config, visual, seen)
        return seen
    branch, limit = cross.captioned(_texts(config, seen)), None
    if in_order:
        limit = steps_of(seen, eos)
        logits = left_to_right(config, branch, limit)
        if not refinements:
            return _cut_short(logits, limit, eos)
    else:
        logits = read_at_once(config, branch)
    for _ in range(refinements):
        seen = refined(config, visual, seen)
        branch = cross.captioned(_texts(config, seen))
        logits = refined(config, branch, logits, limit)
        limit = None  # after one round a reading covers every position
    return logits


def left_to_right(config: Clip4StrConfig, branch: Branch, limit: Ids | None = None) -> Logits:
    """Returns greedy logits (B, L, classes), L being the steps until all words have ended.

    Logits after a word's end are meaningless.

    Args:
        config: for its charset and number of steps.
        branch: of B images.
        limit: (B,) largest number of steps for each; a word ends at its EOS in any case.
    """
    charset, rows = config.charset, np.arange(branch.size)
    token = np.full(branch.size, charset.bos, np.int64)
    ended = np.zeros(branch.size, bool)
    steps, logits = branch.steps(rows), []
    for position in range(config.steps):
        found = steps(token)
        whole = np.zeros((branch.size, charset.classes), np.float32)
        whole[rows] = found
        logits.append(whole)
        token = found.argmax(-1)
        ended |= token == charset.eos
        if limit is not None:
            ended |= limit[rows] == position + 1
        going = np.flatnonzero(~ended)
        if not len(going):
            break
        if 2 * len(going) <= len(rows):  # fewer would not be worth the copies
            rows, token, ended = rows[going], token[going], ended[going]
            steps.keep(going)
    return np.stack(logits, axis=1)


def read_at_once(config: Clip4StrConfig, branch: Branch) -> Logits:
    """Returns the logits (B, `config.steps`, classes) of positions that see no characters."""
    batch, rows = branch.size, np.arange(branch.size)
    start = np.full((batch, 1), config.charset.bos, np.int64)
    seen = np.ones((batch, config.steps, 1), bool)
    return branch.whole(rows, start, seen, seen[:, :1])


def refined(
    config: Clip4StrConfig, branch: Branch, logits: Logits, limit: Ids | None = None
) -> Logits:
    """Returns the logits (B, `config.steps`, classes) of all positions, read again.

    Each position sees the other characters of the reading in `logits`, left and right, up to its
    EOS, but not itself. Only about as many positions are read as the words had so far, and all of
    words that became longer: what comes after an EOS does not matter.

    Args:
        config: for its charset and number of steps.
        branch: of B images.
        logits: (B, L, classes), the reading so far.
        limit: (B,) how many tokens of a row are visible, BOS included; None for all.
    """
    charset, steps, (batch, length, _) = config.charset, config.steps, logits.shape
    tokens = np.full((batch, length), charset.bos, np.int64)
    tokens[:, 1:] = logits[:, :-1].argmax(-1)
    index = np.arange(length)
    valid = (tokens == charset.eos).cumsum(1) == 0
    if limit is not None:
        valid &= index < limit[:, None]
    # The token at index i + 1 is the character at position i.
    others = index != np.arange(steps)[:, None] + 1
    causal = index <= index[:, None]
    positions = int(steps_of(logits, charset.eos).max())

    def asked(rows: Ids, first: int) -> Logits:
        own: Mask = valid[rows][:, None]
        return branch.whole(rows, tokens[rows], others[:first] & own, causal & own)

    found = np.zeros((batch, steps, charset.classes), np.float32)
    found[:, positions:] = _certain_eos(charset.classes, charset.eos)
    found[:, :positions] = asked(np.arange(batch), positions)
    longer = np.flatnonzero((found[:, :positions].argmax(-1) != charset.eos).all(1))
    if len(longer) and positions < steps:
        found[longer] = asked(longer, steps)
    return found


def steps_of(logits: Logits, eos: int) -> Ids:
    """Returns how many steps each row of (B, L, classes) logits took to end, (B,), at most L."""
    ends = logits.argmax(-1) == eos
    steps: Ids = np.where(ends.any(1), ends.argmax(1) + 1, logits.shape[1])
    return steps


def _cut_short(logits: Logits, steps: Ids, eos: int) -> Logits:
    """Returns logits with a certain EOS after each row's own number of steps, (B,)."""
    over = np.arange(logits.shape[1]) >= steps[:, None]
    return np.where(over[..., None], _certain_eos(logits.shape[2], eos), logits)


def _certain_eos(classes: int, eos: int) -> Logits:
    """Returns the logits (classes,) of a position that is certainly EOS."""
    certain = np.full(classes, -np.inf, np.float32)
    certain[eos] = 0
    return certain


def _texts(config: Clip4StrConfig, logits: Logits) -> list[str]:
    return [config.charset.decode(row) for row in logits.argmax(-1).tolist()]

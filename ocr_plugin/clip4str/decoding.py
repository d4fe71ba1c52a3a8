"""From image tokens to logits: left to right first, then cloze refinement.

The scheme is that of the public CLIP4STR implementation (https://github.com/VamosC/CLIP4STR,
Apache-2.0), after PARSeq (https://arxiv.org/abs/2207.06966). It gives the same numbers for less
work: the memory is projected once for each decoder, and characters already read are kept as keys
and values.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from ocr_plugin.clip4str.model import Clip4Str, Decoder, KeysValues

# Asking whether all words have ended makes the host wait for a GPU; a step too many costs less.
_STEPS_BETWEEN_QUESTIONS = 4


def read(model: "Clip4Str", images: Tensor, independent: bool) -> Tensor:
    """Returns the logits (B, L, classes) of (B, 3, H, W) images; see `Clip4Str.forward`."""
    config, visual, cross = model.config, model.visual_decoder, model.cross_decoder
    if not len(images):
        length = config.steps if model.refinements else 0
        return images.new_zeros(0, length, config.charset.classes)
    if cross is None:
        return read_visually(model, images)
    tokens = model.encode_image(images)
    visual_memory = visual.project(tokens)
    cross_memory = cross.project(tokens)

    visual_logits = _left_to_right(model, visual, visual_memory, config.steps, may_stop=True)
    steps = visual_logits.shape[1]
    own_steps = _steps(visual_logits, config.charset.eos)
    memory = _with_caption(model, cross, cross_memory, visual_logits)
    cross_logits = _left_to_right(model, cross, memory, steps, may_stop=False)
    if not model.refinements:
        return _cut(cross_logits, own_steps, config.charset.eos) if independent else cross_logits

    limit = own_steps if independent else None
    for _ in range(model.refinements):
        visual_logits = _refine(model, visual, visual_memory, visual_logits, None)
        memory = _with_caption(model, cross, cross_memory, visual_logits)
        cross_logits = _refine(model, cross, memory, cross_logits, limit)
        limit = None  # after one round a reading covers every position
    return cross_logits


def read_visually(model: "Clip4Str", images: Tensor) -> Tensor:
    """Returns the visual branch's own logits (B, L, classes), refined as the whole reading is."""
    visual = model.visual_decoder
    memory = visual.project(model.encode_image(images))
    logits = _left_to_right(model, visual, memory, model.config.steps, may_stop=True)
    for _ in range(model.refinements):
        logits = _refine(model, visual, memory, logits, None)
    return logits


def read_texts(model: "Clip4Str", logits: Tensor) -> list[str]:
    """Returns the most likely text of each row of (B, L, classes) logits."""
    charset = model.config.charset
    return [charset.decode(row) for row in logits.argmax(-1).tolist()]


def _left_to_right(
    model: "Clip4Str",
    decoder: "Decoder",
    memory: Sequence["KeysValues"],
    steps: int,
    may_stop: bool,
) -> Tensor:
    """Returns greedy logits (B, L, classes); L is `steps`, or less where all words have ended."""
    charset = model.config.charset
    batch, device = len(memory[0][0]), memory[0][0].device
    token = torch.full((batch,), charset.bos, dtype=torch.long, device=device)
    ended = torch.zeros(batch, dtype=torch.bool, device=device)
    past: list[KeysValues] = []
    logits: list[Tensor] = []
    for position in range(steps):
        logits.append(decoder.step(token, position, memory, past))
        token = logits[-1].argmax(-1)
        ended |= token == charset.eos
        asking = may_stop and position % _STEPS_BETWEEN_QUESTIONS == 0
        if asking and bool(ended.all()):
            break
    joined = torch.stack(logits, dim=1)
    if may_stop:
        joined = joined[:, : int(_steps(joined, charset.eos).max())]
    return joined


def _refine(
    model: "Clip4Str",
    decoder: "Decoder",
    memory: Sequence["KeysValues"],
    logits: Tensor,
    limit: Tensor | None,
) -> Tensor:
    """Returns the logits (B, `config.steps`, classes) of all positions, read anew.

    Each position sees the other characters of the reading in `logits`, left and right, up to its
    EOS, but not itself.

    Args:
        model: for its charset and number of steps.
        decoder: of the branch.
        memory: of the branch.
        logits: (B, L, classes), the reading so far.
        limit: (B,) how many tokens of a row to look at, BOS included, or None for all.
    """
    charset, steps = model.config.charset, model.config.steps
    known = logits[:, :-1].argmax(-1)
    tokens = torch.cat([known.new_full((len(known), 1), charset.bos), known], dim=1)
    length = tokens.shape[1]
    index = torch.arange(length, device=tokens.device)
    valid = (tokens == charset.eos).cumsum(1) == 0
    if limit is not None:
        valid &= index < limit[:, None]
    valid = valid[:, None, None]  # (B, 1, 1, L)
    # The token at index i + 1 is the character at position i.
    others = index != torch.arange(steps, device=tokens.device)[:, None] + 1
    causal = index <= index[:, None]
    refined: Tensor = decoder(tokens, memory, others & valid, causal & valid, steps)
    return refined


def _with_caption(
    model: "Clip4Str", decoder: "Decoder", image: Sequence["KeysValues"], logits: Tensor
) -> list["KeysValues"]:
    """Returns the cross-modal memory: the image tokens, then the caption of a reading."""
    caption = model.encode_text(read_texts(model, logits))
    return decoder.project(caption, after=image)


def _steps(logits: Tensor, eos: int) -> Tensor:
    """Returns how many steps each row of (B, L, classes) logits took to end, (B,), at most L."""
    ends = logits.argmax(-1) == eos
    return torch.where(ends.any(1), ends.int().argmax(1) + 1, logits.shape[1])


def _cut(logits: Tensor, steps: Tensor, eos: int) -> Tensor:
    """Returns `logits` with a certain EOS after each row's own number of steps, (B,)."""
    certain = torch.full_like(logits[0, 0], float("-inf"))
    certain[eos] = 0
    over = torch.arange(logits.shape[1], device=logits.device) >= steps[:, None]
    return torch.where(over[..., None], certain, logits)

"""From image tokens to logits: left to right or all at once, then cloze refinement.

The scheme is that of the public CLIP4STR implementation (https://github.com/VamosC/CLIP4STR,
Apache-2.0), after PARSeq (https://arxiv.org/abs/2207.06966). It gives the same numbers for less
work: the memory is projected once for each decoder, and characters already read are kept as keys
and values.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ocr_plugin.clip4str.batch_size import padded, rounded
from ocr_plugin.clip4str.past import GrowingPast, KeysValues, join

if TYPE_CHECKING:
    from ocr_plugin.clip4str.model import Clip4Str, Decoder

# Asking whether words have ended makes the host wait for a GPU; there a step too many costs less.
_STEPS_BETWEEN_QUESTIONS = {"cpu": 1}
_STEPS_BETWEEN_QUESTIONS_ELSEWHERE = 4


def read(
    model: "Clip4Str", images: Tensor, independent: bool, autoregressive: bool = True
) -> Tensor:
    """Returns the logits (B, L, classes) of (B, 3, H, W) images; see `Clip4Str.forward`."""
    config, visual, cross = model.config, model.visual_decoder, model.cross_decoder
    if not len(images):
        length = config.steps if model.refinements else 0
        return images.new_zeros(0, length, config.charset.classes)
    if cross is None:
        return read_visually(model, images, autoregressive)
    tokens = model.encode_image(images)
    visual_memory = visual.project(tokens)

    if autoregressive:
        visual_logits = _left_to_right(model, visual, visual_memory)
    else:
        visual_logits = _at_once(model, visual, visual_memory)
    captioned = _Captioned(model, cross, cross.project(tokens), read_texts(model, visual_logits))
    if autoregressive:
        own_steps = _steps(visual_logits, config.charset.eos)
        limit = own_steps if independent else torch.full_like(own_steps, visual_logits.shape[1])
        cross_logits = _left_to_right(model, cross, captioned.memory, limit, visual_logits.shape[1])
        if not model.refinements:
            filled = _filled(cross_logits, visual_logits.shape[1], config.charset.eos)
            return _cut(filled, own_steps, config.charset.eos) if independent else filled
    else:
        limit = None
        cross_logits = _at_once(model, cross, captioned.memory)

    # Where shapes must not change, all positions are read: the shorter way asks how many.
    shorter = model.static is None
    for _ in range(model.refinements):
        # Of the visual branch only the text counts, which ends at its EOS.
        visual_logits = _refine(model, visual, visual_memory, visual_logits, None, to_eos=shorter)
        captioned.update(read_texts(model, visual_logits))
        cross_logits = _refine(
            model, cross, captioned.memory, cross_logits, limit, to_eos=shorter and independent
        )
        limit = None  # after one round a reading covers every position
    return cross_logits


def read_visually(model: "Clip4Str", images: Tensor, autoregressive: bool = True) -> Tensor:
    """Returns the visual branch's own logits (B, L, classes), refined as the whole reading is."""
    visual = model.visual_decoder
    memory = visual.project(model.encode_image(images))
    if autoregressive:
        logits = _left_to_right(model, visual, memory)
    else:
        logits = _at_once(model, visual, memory)
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
    memory: Sequence[KeysValues],
    steps: Tensor | None = None,
    longest: int | None = None,
) -> Tensor:
    """Returns greedy logits (B, L, classes), L being the steps until all rows have ended.

    A row that has come to its end costs nothing more as soon as half of the others have: then the
    batch is cut down to those that go on. What follows a row's end means nothing.

    Args:
        model: for its charset and number of steps.
        decoder: of the branch.
        memory: of the branch.
        steps: (B,) how many each row takes at most, or None for as many as there are; to its EOS
            in any case.
        longest: the most of `steps`.
    """
    if model.static is not None:
        found = model.static.left_to_right(decoder, memory, longest)
        if found is not None:
            return found
    charset = model.config.charset
    batch, device = len(memory[0][0]), memory[0][0].device
    between = _STEPS_BETWEEN_QUESTIONS.get(device.type, _STEPS_BETWEEN_QUESTIONS_ELSEWHERE)
    rows = torch.arange(batch, device=device)
    token = torch.full((batch,), charset.bos, dtype=torch.long, device=device)
    ended = torch.zeros(batch, dtype=torch.bool, device=device)
    past = GrowingPast()
    logits: list[Tensor] = []
    for position in range(model.config.steps):
        found = decoder.step(token, position, memory, past)
        logits.append(found if len(rows) == batch else _spread(found, rows, batch))
        token = found.argmax(-1)
        ended |= token == charset.eos
        if steps is not None:
            ended |= steps[rows] == position + 1
        if (position + 1) % between:
            continue
        left = rounded(len(rows) - int(ended.sum()), len(rows))
        if not left:
            break
        if 2 * left <= len(rows):
            going = ended.int().argsort(stable=True)[:left]
            rows, token, ended = rows[going], token[going], ended[going]
            memory = [(keys[going], values[going]) for keys, values in memory]
            past.keep(going)
    joined = torch.stack(logits, dim=1)
    return joined[:, : longest or int(_steps(joined, charset.eos).max())]


def _at_once(model: "Clip4Str", decoder: "Decoder", memory: Sequence[KeysValues]) -> Tensor:
    """Returns the logits (B, `config.steps`, classes) of positions that know of no characters."""
    batch, device = len(memory[0][0]), memory[0][0].device
    start = torch.full((batch, 1), model.config.charset.bos, dtype=torch.long, device=device)
    seen = torch.ones(1, 1, dtype=torch.bool, device=device)
    found: Tensor = decoder(start, memory, seen, seen, model.config.steps)
    return found


def _spread(found: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Returns the logits of some rows among zeros for the others, (`batch`, classes)."""
    return found.new_zeros(batch, found.shape[1]).index_copy_(0, rows, found)


def _refine(
    model: "Clip4Str",
    decoder: "Decoder",
    memory: Sequence[KeysValues],
    logits: Tensor,
    limit: Tensor | None,
    to_eos: bool = False,
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
        to_eos: whether what follows a row's EOS means nothing. No position depends on another, so
            about as many are read as the words had so far, and all only of words that got longer.
    """
    charset, steps = model.config.charset, model.config.steps
    known = logits[:, :-1].argmax(-1)
    length = rounded(logits.shape[1], steps)  # of few sizes, as `batch_size` tells
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
        positions = rounded(int(_steps(logits, charset.eos).max()), steps)
    refined: Tensor = decoder(tokens, memory, others[:positions] & valid, causal & valid, positions)
    if positions == steps:
        return refined
    refined = _filled(refined, steps, charset.eos)
    longer = (refined[:, :positions].argmax(-1) != charset.eos).all(1).nonzero()[:, 0]
    if len(longer):
        longer = padded(longer, len(tokens))
        some = [(keys[longer], values[longer]) for keys, values in memory]
        valid = valid[longer]
        refined[longer] = decoder(tokens[longer], some, others & valid, causal & valid, steps)
    return refined


class _Captioned:
    """The cross-modal memory: image tokens, then the caption of a reading.

    Attributes:
        memory: keys and values of both, one pair a layer.
    """

    def __init__(
        self,
        model: "Clip4Str",
        decoder: "Decoder",
        image: Sequence[KeysValues],
        texts: Sequence[str],
    ) -> None:
        self._model, self._decoder = model, decoder
        self._captions = model.captions(texts)
        self.memory = [
            join(own, caption)
            for own, caption in zip(image, self._projected(self._captions), strict=True)
        ]

    def update(self, texts: Sequence[str]) -> None:
        """Puts new captions in the place of the old; those that stay cost nothing."""
        captions = self._model.captions(texts)
        pairs = zip(captions, self._captions, strict=True)
        changed = [row for row, (new, old) in enumerate(pairs) if new != old]
        self._captions = captions
        if not changed:
            return
        rows = torch.tensor(changed, device=self.memory[0][0].device)
        renewed = self._projected([captions[row] for row in changed])
        for whole, part in zip(self.memory, renewed, strict=True):
            for old, new in zip(whole, part, strict=True):
                old[rows, :, -new.shape[2] :] = new

    def _projected(self, captions: Sequence[tuple[int, ...]]) -> list[KeysValues]:
        """Returns each layer's keys and values of captions; equal ones are encoded once."""
        places = {caption: place for place, caption in enumerate(dict.fromkeys(captions))}
        different = list(places)
        batch = len(self._captions)
        different += different[-1:] * (rounded(len(different), batch) - len(different))
        projected = self._decoder.project(self._model.encode_captions(different))
        rows = torch.tensor([places[each] for each in captions], device=projected[0][0].device)
        return [(keys[rows], values[rows]) for keys, values in projected]


def _steps(logits: Tensor, eos: int) -> Tensor:
    """Returns how many steps each row of (B, L, classes) logits took to end, (B,), at most L."""
    ends = logits.argmax(-1) == eos
    return torch.where(ends.any(1), ends.int().argmax(1) + 1, logits.shape[1])


def _certain_eos(logits: Tensor, eos: int) -> Tensor:
    """Returns the logits (classes,) of a position that is certainly EOS."""
    certain = torch.full_like(logits[0, 0], float("-inf"))
    certain[eos] = 0
    return certain


def _cut(logits: Tensor, steps: Tensor, eos: int) -> Tensor:
    """Returns `logits` with a certain EOS after each row's own number of steps, (B,)."""
    over = torch.arange(logits.shape[1], device=logits.device) >= steps[:, None]
    return torch.where(over[..., None], _certain_eos(logits, eos), logits)


def _filled(logits: Tensor, steps: int, eos: int) -> Tensor:
    """Returns (B, L, classes) logits as (B, `steps`, classes), filled up with a certain EOS."""
    batch, length, classes = logits.shape
    rest = _certain_eos(logits, eos).expand(batch, steps - length, classes)
    return torch.cat([logits, rest], dim=1)

"""CLIP4STR read the plain way: the published loop, with nothing kept from one step to the next.

The reference for CLIP4STR's `reader`, in numbers and in time. Every step projects the memory anew,
reads all characters before it anew and asks whether all words have ended, as the
public implementation does (https://github.com/VamosC/CLIP4STR, Apache-2.0; written anew). The
towers and the decoders' weights are the network's own.
"""

from typing import cast

import torch
from torch import Tensor

from ocr_plugin.recognizers.clip4str.captions import captions_of
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.clip4str.reader import read_texts


def plain_logits(network: Clip4Str, images: Tensor, refinements: int) -> Tensor:
    """Returns what ``Reader(network, refinements)(images)`` does, (B, L, classes).

    Args:
        network: with a cross-modal branch.
        images: (B, 3, H, W) float, normalised.
        refinements: rounds of refinement after the left-to-right reading.
    """
    config, visual, cross = network.config, network.visual_decoder, network.cross_decoder
    assert cross is not None
    image_tokens = network.encode_image(images)
    first = _left_to_right(config, visual, image_tokens, None)
    memory = _with_caption(network, image_tokens, first)
    answer = _left_to_right(config, cross, memory, first.shape[1])
    for _ in range(refinements):
        first = _refined(config, visual, image_tokens, first)
        memory = _with_caption(network, image_tokens, first)
        answer = _refined(config, cross, memory, answer)
    return answer


def _with_caption(network: Clip4Str, image_tokens: Tensor, logits: Tensor) -> Tensor:
    captions = captions_of(network.config, read_texts(network.config, logits))
    return torch.cat([image_tokens, network.encode_captions(captions)], dim=1)


def _left_to_right(
    config: Clip4StrConfig, decoder: Decoder, memory: Tensor, steps: int | None
) -> Tensor:
    """Returns greedy logits: of `steps` steps, or with None until every row has ended."""
    charset, most = config.charset, config.steps
    causal = torch.ones(most, most, dtype=torch.bool, device=memory.device).tril()
    tokens = torch.full((len(memory), 1), charset.bos, device=memory.device)
    found: list[Tensor] = []
    for length in range(1, 1 + (steps or most)):
        mask = causal[:length, :length]
        logits = decoder(tokens, decoder.project(memory), mask[-1:], mask, length)
        found.append(logits[:, -1])
        tokens = torch.cat([tokens, found[-1].argmax(-1, keepdim=True)], dim=1)
        if steps is None and bool((tokens == charset.eos).any(1).all()):
            break
    return torch.stack(found, dim=1)


def _refined(config: Clip4StrConfig, decoder: Decoder, memory: Tensor, logits: Tensor) -> Tensor:
    """Returns the logits of every position, which sees all characters but its own."""
    charset, most = config.charset, config.steps
    known = logits[:, :-1].argmax(-1)
    tokens = torch.cat([known.new_full((len(known), 1), charset.bos), known], dim=1)
    length = tokens.shape[1]
    everything = torch.ones(most, length, dtype=torch.bool, device=memory.device)
    others = ~(everything.triu(1) & everything.tril(1))  # the token of position i is at i + 1
    ended = (tokens == charset.eos).cumsum(1) > 0
    valid = ~ended[:, None, None]
    causal = everything[:length].tril()
    found = decoder(tokens, decoder.project(memory), others & valid, causal & valid, most)
    return cast(Tensor, found)

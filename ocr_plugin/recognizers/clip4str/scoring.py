"""Likely texts of a word by the visual decoder's beam search, and the score of any text."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
from ocr_plugin.recognizers.clip4str.decoder import Decoder
from ocr_plugin.recognizers.clip4str.kv_cache import GrowingCache, KeysValues
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence

Propose = Callable[[Sequence[str], CtcEvidence | None], Sequence[str]]
"""Takes a row's likely texts and its CTC head's columns, if it has one; returns further texts."""


@dataclass(frozen=True)
class ScoredTexts:
    """Texts that a word may have, and what the network thinks of each.

    Attributes:
        texts: K texts, each once.
        log_probabilities: (K,) float64; the mean of the visual decoder's and the CTC head's, if
            the network has one.
    """

    texts: tuple[str, ...]
    log_probabilities: NDArray[np.float64]


def score_texts(
    network: Clip4Str,
    images: Tensor,
    given: Sequence[Sequence[str]],
    width: int,
    propose: Propose = lambda likely, columns: (),
) -> list[ScoredTexts]:
    """Returns given texts and the network's own likely ones with their scores, for each image.

    An image is encoded once, whatever the number of texts. The cross-modal decoder is not asked:
    it scores as the visual one does.

    Args:
        network: in eval mode.
        images: (B, 3, H, W) float, normalised.
        given: texts for each image, of the network's characters and not too long.
        width: of the beam for its own texts.
        propose: further texts, of the network's characters and not too long.
    """
    config, visual = network.config, network.visual_decoder
    tokens = network.encode_image(images)
    memory = visual.project(tokens)
    own = beam_search(config, visual, memory, width)
    columns: list[CtcEvidence | None] = [None] * len(own)
    if network.ctc_head is not None:
        logs = network.ctc_logits(tokens).double().log_softmax(-1).cpu().numpy()
        columns = [CtcEvidence(each, tuple(config.characters)) for each in logs]
    texts = [
        tuple(dict.fromkeys([*mine, *other, *propose(mine, seen)]))
        for mine, other, seen in zip(own, given, columns, strict=True)
    ]
    rows = torch.tensor([row for row, each in enumerate(texts) for _ in each], device=images.device)
    every = [text for each in texts for text in each]
    scores = log_probabilities(config, visual, memory, rows, every).double().cpu().numpy()
    if network.ctc_head is not None:
        by_columns = [
            seen.score(each) for seen, each in zip(columns, texts, strict=True) if seen is not None
        ]
        scores = (scores + np.concatenate(by_columns)) / 2
    ends = np.cumsum([len(each) for each in texts])[:-1]
    return [
        ScoredTexts(each, part) for each, part in zip(texts, np.split(scores, ends), strict=True)
    ]


def beam_search(
    config: Clip4StrConfig, decoder: Decoder, memory: Sequence[KeysValues], width: int
) -> list[list[str]]:
    """Returns the likeliest texts of each row, at most `width` of them, likeliest first.

    Args:
        config: for its charset and number of steps.
        decoder: of the branch.
        memory: of the branch, with B rows.
        width: of the beam.
    """
    charset, batch, device = config.charset, len(memory[0][0]), memory[0][0].device
    rows = torch.arange(batch, device=device).repeat_interleave(width)
    memory = [(keys[rows], values[rows]) for keys, values in memory]
    token = torch.full((batch * width,), charset.bos, dtype=torch.long, device=device)
    # All beams of a row start equal, so only the first may go on.
    scores = torch.full((batch, width), -math.inf, device=device)
    scores[:, 0] = 0
    texts = token.new_zeros(batch, width, 0)
    ended = torch.zeros(batch, width, dtype=torch.bool, device=device)
    cache = GrowingCache()
    for position in range(config.steps):
        logits = decoder.step(token, position, memory, cache)
        steps = logits.float().log_softmax(-1).view(batch, width, -1)
        # An ended text goes on with EOS alone, at no cost.
        steps = steps.masked_fill(ended[..., None], -math.inf)
        steps[..., charset.eos] = torch.where(ended, 0, steps[..., charset.eos])
        scores, chosen = (scores[..., None] + steps).flatten(1).topk(width)
        beams, symbols = chosen // charset.classes, chosen % charset.classes
        texts = torch.cat(
            [texts.gather(1, beams[..., None].expand(-1, -1, position)), symbols[..., None]], dim=2
        )
        ended = symbols == charset.eos
        if bool(ended.all()):
            break
        cache.keep((beams + torch.arange(batch, device=device)[:, None] * width).flatten())
        token = symbols.flatten()
    # A text that has not ended by now is too long for the decoder.
    whole = ended & (scores > -math.inf)
    found = [
        [charset.decode(ids) for ids, ends in zip(*row, strict=True) if ends]
        for row in zip(texts.tolist(), whole.tolist(), strict=True)
    ]
    return [list(dict.fromkeys(each)) for each in found]


def log_probabilities(
    config: Clip4StrConfig,
    decoder: Decoder,
    memory: Sequence[KeysValues],
    rows: Tensor,
    texts: Sequence[str],
) -> Tensor:
    """Returns the log-probability of each text, (N,) float32, its end included.

    Each character is predicted from those before it.

    Args:
        config: for its charset.
        decoder: of the branch.
        memory: of the branch, with B rows.
        rows: (N,) int64, the row of `memory` for each text.
        texts: at most `config.max_label_length` of the charset's characters each.
    """
    charset, device = config.charset, rows.device
    if not texts:
        return torch.zeros(0, device=device)
    tokens = torch.tensor(charset.encode_batch(texts), device=device)
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    length = inputs.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool, device=device).tril()
    own = [(keys[rows], values[rows]) for keys, values in memory]
    logits = decoder(inputs, own, earlier, earlier, length)
    known = targets != charset.pad
    found = logits.float().log_softmax(-1)
    picked = found.gather(2, targets.masked_fill(~known, charset.eos)[..., None])[..., 0]
    total: Tensor = picked.masked_fill(~known, 0).sum(1)
    return total

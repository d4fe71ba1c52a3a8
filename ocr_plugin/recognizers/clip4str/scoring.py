"""Likely texts of a word by the visual decoder's beam search, and the score of any text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_plugin.recognizers.clip4str.branch import Branch, Ids, log_softmax
from ocr_plugin.recognizers.clip4str.config import Clip4StrConfig
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
    config: Clip4StrConfig,
    visual: Branch,
    ctc_logits: NDArray[np.float32] | None,
    given: Sequence[Sequence[str]],
    width: int,
    propose: Propose = lambda likely, columns: (),
) -> list[ScoredTexts]:
    """Returns given texts and the network's own likely ones with their scores, for each image.

    An image is encoded once, whatever the number of texts. The cross-modal decoder is not asked:
    it scores as the visual one does.

    Args:
        config: of the network.
        visual: the visual branch, of B images.
        ctc_logits: (B, columns, classes), of the CTC head; None if the network has none.
        given: texts for each image, of the network's characters and not too long.
        width: of the beam for its own texts.
        propose: further texts, of the network's characters and not too long.
    """
    own = beam_search(config, visual, width)
    columns: list[CtcEvidence | None] = [None] * len(own)
    if ctc_logits is not None:
        logs = log_softmax(ctc_logits)
        columns = [CtcEvidence(each, tuple(config.characters)) for each in logs]
    texts = [
        tuple(dict.fromkeys([*mine, *other, *propose(mine, seen)]))
        for mine, other, seen in zip(own, given, columns, strict=True)
    ]
    rows = np.array([row for row, each in enumerate(texts) for _ in each], np.int64)
    every = [text for each in texts for text in each]
    scores = log_probabilities(config, visual, rows, every)
    if ctc_logits is not None:
        by_columns = [
            seen.score(each) for seen, each in zip(columns, texts, strict=True) if seen is not None
        ]
        scores = (scores + np.concatenate(by_columns)) / 2
    ends = np.cumsum([len(each) for each in texts])[:-1]
    return [
        ScoredTexts(each, part) for each, part in zip(texts, np.split(scores, ends), strict=True)
    ]


def beam_search(config: Clip4StrConfig, branch: Branch, width: int) -> list[list[str]]:
    """Returns the likeliest texts of each image, at most `width` of them, likeliest first.

    Args:
        config: for its charset and number of steps.
        branch: of B images.
        width: of the beam.
    """
    charset, batch = config.charset, branch.size
    steps = branch.steps(np.repeat(np.arange(batch), width))
    token = np.full(batch * width, charset.bos, np.int64)
    # All beams of an image start equal, so only the first may go on.
    scores = np.full((batch, width), -np.inf)
    scores[:, 0] = 0
    texts = np.zeros((batch, width, 0), np.int64)
    ended = np.zeros((batch, width), bool)
    for _ in range(config.steps):
        likely = log_softmax(steps(token)).reshape(batch, width, -1)
        # An ended text goes on with EOS alone, at no cost.
        likely[ended] = -np.inf
        likely[ended, charset.eos] = 0
        totals = (scores[..., None] + likely).reshape(batch, -1)
        chosen = np.argsort(-totals, axis=1, kind="stable")[:, :width]
        scores = np.take_along_axis(totals, chosen, 1)
        beams, symbols = np.divmod(chosen, charset.classes)
        before = np.take_along_axis(texts, beams[..., None], 1)
        texts = np.concatenate([before, symbols[..., None]], axis=2)
        ended = symbols == charset.eos
        if ended.all():
            break
        steps.reorder((beams + np.arange(batch)[:, None] * width).ravel())
        token = symbols.ravel()
    # A text that has not ended by now is too long for the decoder.
    whole = ended & (scores > -np.inf)
    found = [
        [charset.decode(ids) for ids, ends in zip(*row, strict=True) if ends]
        for row in zip(texts.tolist(), whole.tolist(), strict=True)
    ]
    return [list(dict.fromkeys(each)) for each in found]


def log_probabilities(
    config: Clip4StrConfig, branch: Branch, rows: Ids, texts: Sequence[str]
) -> NDArray[np.float64]:
    """Returns the log-probability of each text, (N,) float64, its end included.

    Each character is predicted from those before it.

    Args:
        config: for its charset.
        branch: of B images.
        rows: (N,) int64, the image of each text.
        texts: at most `config.max_label_length` of the charset's characters each.
    """
    charset = config.charset
    if not texts:
        return np.zeros(0)
    tokens = np.array(charset.encode_batch(texts), np.int64)
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    length = inputs.shape[1]
    earlier = np.broadcast_to(np.tri(length, dtype=bool), (len(texts), length, length))
    logs = log_softmax(branch.whole(rows, inputs, earlier, earlier))
    known = targets != charset.pad
    picked = np.take_along_axis(logs, np.where(known, targets, charset.eos)[..., None], 2)[..., 0]
    total: NDArray[np.float64] = np.where(known, picked, 0).sum(1)
    return total

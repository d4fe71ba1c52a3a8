"""Training losses: the permuted-sequence loss of both branches, and the CTC loss.

The first is as in the public CLIP4STR implementation (https://github.com/VamosC/CLIP4STR,
Apache-2.0), after PARSeq's permuted language modelling (https://arxiv.org/abs/2207.06966).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ocr_plugin.recognizers.charset import Charset
from ocr_plugin.recognizers.clip4str.captions import captions_of
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.recognizers.clip4str.reader import read_texts
from ocr_plugin.recognizers.ctc import BLANK
from ocr_plugin.training.recognition.permutations import Permutation, masks

_WITH_EOS = 2
"""Permutations that also learn where a word ends: left to right, and its mirror."""


def permuted_sequence_loss(
    model: Clip4Str,
    image_tokens: Tensor,
    labels: Sequence[str],
    permutations: Sequence[Permutation],
    caseless: Tensor | None = None,
) -> dict[str, Tensor]:
    """Returns a batch's loss in each branch, which carry gradients; training minimises their sum.

    They are called "visual" and, where the network has that branch, "cross". Each is the mean cross
    entropy over all tokens of all permutations; after the first two permutations EOS counts no
    longer. For each permutation the text tower reads what the visual branch has just read under it,
    not the label. The cross-modal branch sends no gradient into the image tower.

    Args:
        model: in training mode, for dropout.
        image_tokens: (B, 1 + P, D), of `model.encode_image`.
        labels: B words of the model's characters, none longer than its `max_label_length`.
        permutations: of `permutations.permutations`, for the longest label, or a longer one: of
            the batch that these words are a part of.
        caseless: (B,) bool, true where the label tells nothing about upper and lower case: there
            either case of a letter counts as right.

    Raises:
        ValueError: labels that the model cannot read, or that do not fit images or permutations.
    """
    charset, device = model.config.charset, image_tokens.device
    longest = max(map(len, labels), default=0)
    if len(labels) != len(image_tokens) or not labels:
        raise ValueError(f"{len(labels)} labels for {len(image_tokens)} images")
    if longest > model.config.max_label_length:
        raise ValueError(f"a label has {longest} of {model.config.max_label_length} characters")
    lengths = {len(order) - 2 for order in permutations}
    if len(lengths) != 1 or not longest <= max(lengths) <= model.config.max_label_length:
        raise ValueError(f"the permutations are not for a longest label of {longest} characters")

    tokens = torch.tensor(charset.encode_batch(labels), device=device)
    tokens = functional.pad(tokens, (0, max(lengths) - longest), value=charset.pad)
    known, targets = tokens[:, :-1], tokens[:, 1:]
    valid = ((known != charset.eos) & (known != charset.pad))[:, None, None]  # (B, 1, 1, L)
    seen = [masks(order, device) for order in permutations]

    visual_memory = model.visual_decoder.project(image_tokens)
    visual = [
        model.visual_decoder(
            known, visual_memory, mask.query & valid, mask.content & valid, known.shape[1]
        )
        for mask in seen
    ]
    visual_loss = _token_mean(visual, targets, charset, caseless)
    if model.cross_decoder is None:
        return {"visual": visual_loss}
    readings = [text for logits in visual for text in read_texts(model.config, logits)]
    captions = model.encode_captions(captions_of(model.config, readings)).chunk(len(permutations))
    image_memory = model.cross_decoder.project(image_tokens.detach())
    cross = [
        model.cross_decoder(
            known,
            model.cross_decoder.project(caption, after=image_memory),
            mask.query & valid,
            mask.content & valid,
            known.shape[1],
        )
        for mask, caption in zip(seen, captions, strict=True)
    ]
    return {"visual": visual_loss, "cross": _token_mean(cross, targets, charset, caseless)}


def counted_tokens(labels: Sequence[str], permutations: int) -> int:
    """Returns how many tokens `permuted_sequence_loss` takes the mean of."""
    return permutations * sum(map(len, labels)) + min(permutations, _WITH_EOS) * len(labels)


def ctc_loss(
    model: Clip4Str, image_tokens: Tensor, labels: Sequence[str], caseless: Tensor | None = None
) -> Tensor:
    """Returns the mean over the batch of the CTC head's loss of a character, a scalar.

    A label that needs more columns than the grid of image tokens has counts nothing.

    Args:
        model: with a CTC head.
        image_tokens: (B, 1 + P, D), of `model.encode_image`.
        labels: B words of the model's characters.
        caseless: as in `permuted_sequence_loss`.

    Raises:
        ValueError: a character outside the charset.
        ConfigurationError: the network has no CTC head.
    """
    charset = model.config.charset
    logits = model.ctc_logits(image_tokens).float()
    scores = _either_case(logits.log_softmax(-1), charset, caseless)
    batch, columns, _ = scores.shape
    encoded = [charset.encode(label) for label in labels]
    return functional.ctc_loss(
        scores.transpose(0, 1),
        torch.tensor([token for word in encoded for token in word], device=scores.device),
        torch.full((batch,), columns),
        torch.tensor([len(word) for word in encoded]),
        blank=BLANK,
        zero_infinity=True,
    )


def _token_mean(
    branch: Sequence[Tensor], targets: Tensor, charset: Charset, caseless: Tensor | None
) -> Tensor:
    """Returns the mean cross entropy of the tokens of all permutations.

    Args:
        branch: (B, L, classes) logits, one a permutation.
        targets: (B, L) int64 ids, EOS included and then filled with PAD.
        charset: of the network.
        caseless: (B,) bool, or None for no such row.
    """
    total, count = torch.zeros((), device=targets.device), targets.new_zeros(())
    without_eos = torch.where(targets == charset.eos, charset.pad, targets)
    for index, logits in enumerate(branch):
        counted = targets if index < _WITH_EOS else without_eos
        scores = _either_case(logits.float().log_softmax(-1), charset, caseless)
        total = total + functional.nll_loss(
            scores.flatten(0, 1), counted.flatten(), ignore_index=charset.pad, reduction="sum"
        )
        count = count + (counted != charset.pad).sum()
    return total / count


def _either_case(scores: Tensor, charset: Charset, caseless: Tensor | None) -> Tensor:
    """Returns log probabilities (B, L, classes), a letter's two cases together where asked for."""
    if caseless is None:
        return scores
    others = [charset.characters.find(character.swapcase()) + 1 for character in charset.characters]
    twins = torch.tensor([0, *others], device=scores.device)
    own = torch.arange(len(twins), device=scores.device)
    has_twin = (twins != own) & (twins > 0)
    either = torch.logaddexp(scores, scores[..., torch.where(has_twin, twins, own)])
    return torch.where(caseless[:, None, None] & has_twin, either, scores)

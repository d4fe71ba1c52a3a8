"""The permuted-sequence loss of both branches.

As in the public CLIP4STR implementation (https://github.com/VamosC/CLIP4STR, Apache-2.0), after
PARSeq's permuted language modelling (https://arxiv.org/abs/2207.06966).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ocr_plugin.clip4str.decoding import read_texts
from ocr_plugin.clip4str.model import Clip4Str
from ocr_plugin.training.permutations import Permutation, masks

_WITH_EOS = 2
"""Permutations that also learn where a word ends: left to right, and its mirror."""


def permuted_sequence_loss(
    model: Clip4Str, images: Tensor, labels: Sequence[str], permutations: Sequence[Permutation]
) -> Tensor:
    """Returns the loss of a batch, a scalar that carries gradients.

    It is the sum over the two branches of the mean cross entropy of a token, over all tokens of
    all permutations; after the first two permutations EOS counts no longer. For each permutation
    the text tower reads what the visual branch has just read under it, not the label. The
    cross-modal branch sends no gradient into the image tower.

    Args:
        model: in training mode, for dropout.
        images: (B, 3, H, W) float, normalised.
        labels: B words of the model's characters, none longer than its `max_label_length`.
        permutations: of `permutations.permutations`, for the longest label.

    Raises:
        ValueError: labels that the model cannot read, or that do not fit images or permutations.
    """
    charset = model.config.charset
    longest = max(map(len, labels), default=0)
    if len(labels) != len(images) or not labels:
        raise ValueError(f"{len(labels)} labels for {len(images)} images")
    if longest > model.config.max_label_length:
        raise ValueError(f"a label has {longest} of {model.config.max_label_length} characters")
    if not permutations or any(len(order) != longest + 2 for order in permutations):
        raise ValueError(f"the permutations are not for a longest label of {longest} characters")

    tokens = torch.tensor(charset.encode_batch(labels), device=images.device)
    known, targets = tokens[:, :-1], tokens[:, 1:]
    valid = ((known != charset.eos) & (known != charset.pad))[:, None, None]  # (B, 1, 1, L)
    seen = [masks(order, images.device) for order in permutations]
    image_tokens = model.encode_image(images)

    visual_memory = model.visual_decoder.project(image_tokens)
    visual = [
        model.visual_decoder(
            known, visual_memory, mask.query & valid, mask.content & valid, known.shape[1]
        )
        for mask in seen
    ]
    readings = [text for logits in visual for text in read_texts(model, logits)]
    captions = model.encode_text(readings).chunk(len(permutations))
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
    return sum(
        (_token_mean(branch, targets, charset.eos, charset.pad) for branch in (visual, cross)),
        start=images.new_zeros(()),
    )


def _token_mean(branch: Sequence[Tensor], targets: Tensor, eos: int, pad: int) -> Tensor:
    """Returns the mean cross entropy of the tokens of all permutations.

    Args:
        branch: (B, L, classes) logits, one a permutation.
        targets: (B, L) int64 ids, EOS included and then filled with `pad`.
        eos: the id that ends a word.
        pad: the id that does not count.
    """
    total, count = branch[0].new_zeros(()), targets.new_zeros(())
    without_eos = torch.where(targets == eos, pad, targets)
    for index, logits in enumerate(branch):
        counted = targets if index < _WITH_EOS else without_eos
        total = total + functional.cross_entropy(
            logits.flatten(0, 1), counted.flatten(), ignore_index=pad, reduction="sum"
        )
        count = count + (counted != pad).sum()
    return total / count

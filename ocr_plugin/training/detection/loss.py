"""What is minimised: of the map of words against targets, of the map of lines against a teacher."""

import torch
from torch import Tensor
from torch.nn import functional


def word_loss(logits: Tensor, cores: Tensor, weights: Tensor, negative_ratio: float) -> Tensor:
    """Returns cross entropy with hard negatives, plus dice, as Differentiable Binarization does.

    Of the pixels outside the cores only the worst count, `negative_ratio` times as many as lie in
    cores (https://arxiv.org/abs/1911.08947, section 3.5); gaps, whose weight is more than 1, count
    always.

    Args:
        logits: (B, H, W).
        cores: (B, H, W) 0 or 1.
        weights: (B, H, W); 0 where a pixel does not count.
        negative_ratio: hard negatives for each pixel of a core.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, cores, reduction="none")
    weighted = entropy * weights
    inside, gaps = cores > 0, (cores == 0) & (weights > 1)
    counted = inside | gaps
    easy = (weighted * ~counted).flatten()
    cores_count = int(inside.sum())
    # A piece without a word still teaches what is none.
    wanted = max(int(cores_count * negative_ratio), easy.numel() // 200)
    hardest = easy.topk(min(wanted, easy.numel())).values
    total = (weighted * counted).sum() + hardest.sum()
    mean = total / ((weights * counted).sum() + len(hardest))
    return mean * 3 + _dice(logits, cores, (weights > 0).to(logits.dtype))


def line_loss(logits: Tensor, taught: Tensor) -> Tensor:
    """Returns how far the map of lines is from a teacher's: cross entropy and dice.

    Args:
        logits: (B, H, W).
        taught: (B, H, W) the teacher's probabilities.
    """
    weights = 1 + 4 * (taught > 0.05).to(logits.dtype)
    entropy = functional.binary_cross_entropy_with_logits(logits, taught, weights)
    # What is left where both agree is the teacher's own doubt.
    doubt = functional.binary_cross_entropy(taught, taught, weights)
    return (entropy - doubt) * 3 + _dice(logits, taught, torch.ones_like(taught))


def _dice(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    found = logits.sigmoid() * mask
    shared = (found * target).sum()
    return 1 - (2 * shared + 1) / ((found * found).sum() + (target * target * mask).sum() + 1)

"""AdamW with the groups and the schedule of CLIP4STR's recipe (https://arxiv.org/abs/2305.14014).

The learning rate is a function of the step alone, so that a resumed run needs no schedule's state.
"""

import math

from torch import nn
from torch.optim import AdamW

from ocr_plugin.clip4str.model import Clip4Str
from ocr_plugin.training.options import OptimiserOptions

_REFERENCE_BATCH = 512
# PyTorch's OneCycleLR: the first rate over the highest, and the last over the first.
_ONECYCLE_FIRST = 1 / 25
_ONECYCLE_LAST = 1e-4
_UNDECAYED = ("pos_queries", "text_embed", "positional_embedding", "class_embedding")


def make_optimiser(model: Clip4Str, options: OptimiserOptions) -> AdamW:
    """Returns the optimiser of all parameters, frozen ones included: without a gradient they rest.

    Each group holds the `highest` learning rate that the schedule scales.
    """
    rate = options.learning_rate * options.batch_size / _REFERENCE_BATCH
    factors = {"stem": options.stem_factor, "tower": 1.0, "decoder": options.decoder_factor}
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        decays = parameter.ndim > 1 and not any(part in name for part in _UNDECAYED)
        groups.setdefault((_part(name), decays), []).append(parameter)
    return AdamW(
        [
            {
                "params": parameters,
                "highest": rate * factors[part],
                "lr": rate * factors[part],
                "weight_decay": options.weight_decay if decays else 0.0,
            }
            for (part, decays), parameters in groups.items()
        ],
        betas=(options.beta1, options.beta2),
        eps=options.epsilon,
    )


def set_learning_rate(optimiser: AdamW, progress: float, options: OptimiserOptions) -> None:
    """Sets the learning rates for a point of the run, `progress` from 0 to 1."""
    factor = learning_rate_factor(progress, options)
    for group in optimiser.param_groups:
        group["lr"] = group["highest"] * factor


def learning_rate_factor(progress: float, options: OptimiserOptions) -> float:
    """Returns the learning rate over the highest, at `progress` from 0 to 1."""
    onecycle = options.schedule == "onecycle"
    first = _ONECYCLE_FIRST if onecycle else 0.0
    if progress < options.warmup:
        risen = progress / options.warmup
        # OneCycle rises like a cosine too, the plain schedule in a straight line.
        share = (1 - math.cos(math.pi * risen)) / 2 if onecycle else risen
        return first + (1 - first) * share
    last = _ONECYCLE_FIRST * _ONECYCLE_LAST if onecycle else 0.0
    fallen = (progress - options.warmup) / (1 - options.warmup)
    return last + (1 - last) * (1 + math.cos(math.pi * fallen)) / 2


def _part(name: str) -> str:
    if name.startswith("stem."):
        return "stem"
    return "tower" if name.startswith("clip_model.") else "decoder"

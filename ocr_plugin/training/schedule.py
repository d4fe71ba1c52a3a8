"""Learning rates over a run: functions of the step alone, so that a resumed run needs no state."""

import math
from typing import Literal

from pydantic import Field
from torch.optim import Optimizer

from ocr_plugin.options import Options

# PyTorch's OneCycleLR: the first rate over the highest, and the last over the first.
_ONECYCLE_FIRST = 1 / 25
_ONECYCLE_LAST = 1e-4


class ScheduleOptions(Options):
    """How the learning rate rises and falls."""

    schedule: Literal["onecycle", "cosine"] = Field(
        default="onecycle", description="Both warm up and then fall to nothing like a cosine."
    )
    warmup: float = Field(default=0.075, ge=0, lt=1, description="Share of the run it rises in.")


def set_learning_rate(optimiser: Optimizer, progress: float, options: ScheduleOptions) -> None:
    """Sets the learning rates for a point of the run, `progress` from 0 to 1."""
    factor = learning_rate_factor(progress, options)
    for group in optimiser.param_groups:
        group["lr"] = group["highest"] * factor


def learning_rate_factor(progress: float, options: ScheduleOptions) -> float:
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

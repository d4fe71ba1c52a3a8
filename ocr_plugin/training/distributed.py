"""Data parallelism under ``torchrun``: ranks, and averages over all processes.

Without torchrun there is one process, and nothing here has an effect.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class Processes:
    """The processes of a run.

    Attributes:
        rank: of this one.
        count: of all.
        device: of this one.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replaces every gradient by its mean over the processes.

        All processes must have gradients for the same parameters, as they do when they run the same
        step of the same recipe.
        """
        if self.count == 1:
            return
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        # One message instead of hundreds.
        flat = torch.cat([grad.flatten() for grad in grads])
        distributed.all_reduce(flat)
        flat /= self.count
        for grad, mean in zip(
            grads, torch.split(flat, [grad.numel() for grad in grads]), strict=True
        ):
            grad.copy_(mean.view_as(grad))

    def means(self, values: Tensor) -> Tensor:
        """Returns the mean over the processes of each of some values, to all of them."""
        if self.count == 1:
            return values
        summed = values.detach().clone()
        distributed.all_reduce(summed)
        return summed / self.count

    def any(self, value: bool) -> bool:
        """Returns whether `value` is true in any of the processes, to all of them."""
        if self.count == 1:
            return value
        flag = torch.tensor([int(value)], device=self.device)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag.item())


def init_processes(device: torch.device) -> Processes:
    """Returns this process's rank and device; under torchrun it joins the others.

    Args:
        device: what the recipe asks for; of several GPUs each process takes its own.
    """
    if "RANK" not in os.environ:
        return Processes(0, 1, device)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Processes(distributed.get_rank(), distributed.get_world_size(), device)


def destroy(processes: Processes) -> None:
    """Destroys the process group, if there is one."""
    if processes.count > 1:
        distributed.destroy_process_group()

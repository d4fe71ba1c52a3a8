"""A training run, whatever it trains: its steps, its log, its checkpoints, and how it goes on.

Every step is a function of the seed, the recipe and the weights before it, so a run that is killed
goes on from its last checkpoint to the very same weights.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ocr_plugin.device import usable_device
from ocr_plugin.training import checkpoint
from ocr_plugin.training.checkpoint import Checkpoint
from ocr_plugin.training.loading import BatchSource, RawBatch, load_batches
from ocr_plugin.training.log import TrainingLog
from ocr_plugin.training.processes import join, leave
from ocr_plugin.training.recipes import RecipeOptions

Report = Callable[[int, int, dict[str, float]], None]
"""Is told the steps done, all of them, and what was measured, by name."""

WEIGHTS = "model.safetensors"
"""What a run leaves in its folder: the network that was trained."""

LOSSES_EVERY = 20
"""Steps from one note of the losses to the next; asking for numbers makes a GPU's host wait."""

Held = TypeVar("Held")
Raw = TypeVar("Raw", bound=RawBatch)


class TrainingRun(ABC, Generic[Raw, Held]):
    """A run of a recipe. What it trains, a subclass says.

    Attributes:
        options: the recipe.
        model: the network as it is trained.
        average: the moving average of its weights, or the network itself where none is kept.
        step: how many steps are done.
        steps: of the whole run.
        passed_over: pictures that were drawn and did not decode: the reason, by name.
    """

    model: nn.Module
    average: nn.Module
    _source: BatchSource[Raw]
    _optimiser: Optimizer

    def __init__(self, options: RecipeOptions, folder: Path) -> None:
        """Finds its place among the processes of the run.

        Args:
            options: the recipe.
            folder: of the run; exists.
        """
        self.options = options
        self.passed_over: dict[str, str] = {}
        self._folder = folder
        self._processes = join(usable_device(options.machine.device))
        self._device = self._processes.device
        self.step = 0
        self.steps = max(options.optimiser.samples // options.optimiser.batch_size, 1)

    @abstractmethod
    def _learn(self, raw: Raw) -> dict[str, float]:
        """Makes one step and counts it; returns the losses, or nothing where none are due."""

    @abstractmethod
    def _validate(self, validation: Sequence[Held]) -> dict[str, float]:
        """Returns how good the average is, by name."""

    @abstractmethod
    def _write_weights(self, path: Path) -> None:
        """Writes the average; raises `ConfigurationError` where it cannot."""

    def run(
        self,
        validation: Sequence[Held],
        report: Report,
        stop_after: float | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Trains to the end, or until it is to stop; returns whether the end is reached.

        A checkpoint is written at times, and wherever it ends, together with `WEIGHTS`.

        Args:
            validation: what to measure on at times; of the first process only.
            report: is told what was measured.
            stop_after: seconds after which to leave off at the next step.
            stop: asked after each step whether to leave off there; of several processes, one that
                says so stops all.

        Raises:
            ConfigurationError: the checkpoint or the log cannot be written, or a source of pictures
                turns out to be of no use.
        """
        processes = self._processes
        begun = time.monotonic()
        log = TrainingLog(self._folder, self.step) if processes.leads else None

        def stops() -> bool:
            late = stop_after is not None and time.monotonic() - begun >= stop_after
            return processes.any(late or stop())

        try:
            self._run(validation, report, log, stops)
        finally:
            if log is not None:
                log.close()
            leave(processes)
        return self.step == self.steps

    def _run(
        self,
        validation: Sequence[Held],
        report: Report,
        log: TrainingLog | None,
        stops: Callable[[], bool],
    ) -> None:
        processes, machine = self._processes, self.options.machine
        batch_size = self.options.optimiser.batch_size
        numbers = range(
            self.step * processes.count + processes.rank,
            self.steps * processes.count,
            processes.count,
        )
        saved = time.monotonic()
        every = max(machine.validate_samples // batch_size, 1)
        for raw in load_batches(self._source, numbers, machine.loaders):
            self.passed_over |= {record.name: record.reason for record in raw.passed_over}
            values = self._learn(raw)
            ends, stopped = self.step == self.steps, stops()
            if log is not None:
                if self.step % every == 0 or ends:
                    values |= self._validate(validation)
                log.write(self.step, self.step * batch_size, values)
                report(self.step, self.steps, values)
                due = time.monotonic() - saved >= 60 * machine.checkpoint_minutes
                if ends or stopped or due:
                    self.save()
                    saved = time.monotonic()
            if stopped:
                break

    def describe(self) -> list[str]:
        """Returns a line for each source of pictures: what there is, and what is left out and why.

        Raises:
            ConfigurationError: one of them turns out to be of no use.
        """
        return self._source.describe()

    @property
    def leads(self) -> bool:
        """Whether this is the process, of several, that writes and talks."""
        return self._processes.leads

    def save(self) -> None:
        """Writes the checkpoint and the weights.

        Raises:
            ConfigurationError: they cannot be written; those before them are still there.
        """
        average = None if self.average is self.model else self.average.state_dict()
        state = Checkpoint(
            self.step, self.model.state_dict(), average, self._optimiser.state_dict()
        )
        checkpoint.save(self._folder, state, self.options)
        self._write_weights(self._folder / WEIGHTS)

    def _restore(self, state: Checkpoint) -> None:
        self.step = state.step
        self.model.load_state_dict(state.model)
        if state.average is not None:
            self.average.load_state_dict(state.average)
        self._optimiser.load_state_dict(state.optimiser)

    def _make_step(self, clip_norm: float, average: float) -> Tensor:
        """Takes the step that the gradients ask for; returns their norm before it was clipped."""
        parameters = [entry for entry in self.model.parameters() if entry.grad is not None]
        self._processes.average_gradients(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, clip_norm)
        self._optimiser.step()
        self.step += 1
        if self.average is not self.model:
            self._move_average(average)
        return norm

    def _noted(self, losses: dict[str, Tensor], norm: Tensor) -> dict[str, float]:
        """Returns what is logged of a step; nothing where none is due."""
        if self.step % LOSSES_EVERY:
            return {}
        groups: list[dict[str, Any]] = self._optimiser.param_groups
        means = self._processes.means(torch.stack(list(losses.values()))).tolist()
        return {
            **{f"loss/{name}": mean for name, mean in zip(losses, means, strict=True)},
            "gradient_norm": float(norm),
            "learning_rate": max(group["lr"] for group in groups),
        }

    def _move_average(self, decay: float) -> None:
        # At first the average follows faster: it would else remember the random start.
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
            for kept, own in pairs:
                kept.lerp_(own, 1 - decay)

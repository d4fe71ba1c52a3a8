"""A training run of any task: its steps, its log, its checkpoints, and resuming.

Every step is a function of the seed, the recipe and the weights before it, so a run that is killed
resumes from its last checkpoint and comes to the same weights.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ocr_plugin.runtime.devices import usable_device
from ocr_plugin.training import run_state
from ocr_plugin.training.distributed import destroy, init_processes
from ocr_plugin.training.loading import BatchSource, RawBatch, load_batches
from ocr_plugin.training.log import TrainingLog
from ocr_plugin.training.recipes import RecipeOptions
from ocr_plugin.training.run_state import Checkpoint

Report = Callable[[int, int, dict[str, float]], None]
"""Called with the steps done, the steps in all, and what was measured, by name."""

WEIGHTS = "model.safetensors"
"""The trained network in the folder of a run."""

LOSSES_EVERY = 20
"""Steps between logged losses; reading their values makes a GPU's host wait."""

Held = TypeVar("Held")
Raw = TypeVar("Raw", bound=RawBatch)


class TrainingRun(ABC, Generic[Raw, Held]):
    """A run of a recipe; a subclass defines what is trained.

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
        """Joins the processes of the run.

        Args:
            options: the recipe.
            folder: of the run; exists.
        """
        self.options = options
        self.passed_over: dict[str, str] = {}
        self._folder = folder
        self._processes = init_processes(usable_device(options.machine.device))
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
        """Trains to the end, or until stopped; returns whether the end is reached.

        A checkpoint is written at intervals and when it stops, together with `WEIGHTS`.

        Args:
            validation: what to measure on, at intervals; of the main process only.
            report: called with what was measured.
            stop_after: seconds after which to stop at the next step.
            stop: checked after each step; if true in any process, all stop.

        Raises:
            ConfigurationError: the checkpoint or the log cannot be written, or a source of pictures
                turns out to be unusable.
        """
        processes = self._processes
        begun = time.monotonic()
        log = TrainingLog(self._folder, self.step) if processes.is_main else None

        def stops() -> bool:
            late = stop_after is not None and time.monotonic() - begun >= stop_after
            return processes.any(late or stop())

        try:
            self._run(validation, report, log, stops)
        finally:
            if log is not None:
                log.close()
            destroy(processes)
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
            ConfigurationError: one of them turns out to be unusable.
        """
        return self._source.describe()

    @property
    def is_main(self) -> bool:
        """Whether this process, of several, writes files and prints."""
        return self._processes.is_main

    def save(self) -> None:
        """Writes the checkpoint and the weights.

        Raises:
            ConfigurationError: they cannot be written; those before them are still there.
        """
        average = None if self.average is self.model else self.average.state_dict()
        state = Checkpoint(
            self.step, self.model.state_dict(), average, self._optimiser.state_dict()
        )
        run_state.save(self._folder, state, self.options)
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
        # Faster at first: else the average would remember the random start.
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
            for kept, own in pairs:
                kept.lerp_(own, 1 - decay)

"""Terminal output of a training run: a bar, the losses, and a line per validation."""

import math
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_SAID_EVERY_S = 60.0


class Progress:
    """Shows a run on standard error: a bar on a terminal, else a line now and then.

    Accuracies are a line in either case.
    """

    def __init__(self, done: int, steps: int) -> None:
        """Takes the steps done before, and those of the whole run."""
        console = Console(file=sys.stderr)
        self._console = console
        self._bar = Bar(
            TextColumn("step"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=steps, completed=done)
        self._begun = time.monotonic()
        self._said = -math.inf
        self._losses = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, step: int, steps: int, values: dict[str, float]) -> None:
        """Notes that a step is done; see `trainer.Report`."""
        losses = " ".join(
            f"{name.removeprefix('loss/')} {value:.3f}"
            for name, value in values.items()
            if name.startswith("loss/")
        )
        self._losses = losses or self._losses
        self._bar.update(self._task, completed=step, description=self._losses)
        accuracies = "  ".join(
            f"{name.removeprefix('accuracy/')} {100 * value:.1f}"
            for name, value in values.items()
            if name.startswith("accuracy/")
        )
        now = time.monotonic()
        due = not self._console.is_terminal and now - self._said >= _SAID_EVERY_S
        if accuracies or (losses and due):
            self._said = now
            minutes = (now - self._begun) / 60
            parts = [f"step {step} of {steps}, {minutes:.1f} min", self._losses, accuracies]
            self._console.print(
                "  ".join(filter(None, parts)), soft_wrap=True, highlight=False, markup=False
            )

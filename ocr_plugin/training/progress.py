"""What a person sees of a run: a bar, the losses, and each validation as a line."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """Shows a run on standard error: a bar on a terminal, and lines for what was measured."""

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
        self._begun, self._first = time.monotonic(), done

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
        self._bar.update(self._task, completed=step)
        if losses:
            self._bar.update(self._task, description=losses)
        measured = {name: value for name, value in values.items() if name.startswith("accuracy/")}
        if measured:
            minutes = (time.monotonic() - self._begun) / 60
            accuracies = "  ".join(
                f"{name.removeprefix('accuracy/')} {100 * value:.1f}"
                for name, value in measured.items()
            )
            self._console.print(
                f"step {step} of {steps}, {minutes:.1f} min, {losses}  {accuracies}",
                soft_wrap=True,
                highlight=False,
            )

"""The log of a run: a CSV file, and TensorBoard's if that is installed."""

import csv
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ocr_plugin.errors import ConfigurationError


class TrainingLog:
    """Writes one row for each thing measured: the step, the images seen, a name, a value.

    A run that is resumed goes on in the same file; rows of steps that it repeats are dropped
    first, so that no step is logged twice.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Opens the log of a run that goes on after `step`.

        Args:
            folder: gets ``log.csv`` and, with TensorBoard installed, its event file.
            step: the last one that counts; later rows are dropped.

        Raises:
            ConfigurationError: the log cannot be written.
        """
        self._path = folder / "log.csv"
        kept = [row for row in _rows(self._path) if int(row["step"]) <= step]
        written = folder / ".log.csv.writing"
        try:
            # The old rows stay until the new file has them.
            with written.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, _COLUMNS)
                writer.writeheader()
                writer.writerows(kept)
            written.replace(self._path)
            self._file = self._path.open("a", newline="", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{self._path}: cannot be written: {error}") from error
        self._writer = csv.DictWriter(self._file, _COLUMNS)
        self._board: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder), purge_step=step + 1)

    def write(self, step: int, samples: int, values: Mapping[str, float]) -> None:
        """Notes values by their names, such as ``loss/ctc`` or ``accuracy/cross/IC15_train``.

        Raises:
            ConfigurationError: the log cannot be written.
        """
        for name, value in values.items():
            self._writer.writerow(
                {"step": step, "samples": samples, "name": name, "value": f"{value:.6g}"}
            )
            if self._board is not None:
                self._board.add_scalar(name, value, step)
        try:
            self._file.flush()
        except OSError as error:
            raise ConfigurationError(f"{self._path}: cannot be written: {error}") from error

    def close(self) -> None:
        """Closes the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


_COLUMNS = ("step", "samples", "name", "value")


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        # A killed run may have left half a row.
        return [row for row in csv.DictReader(file) if row["value"] and row["step"].isdigit()]

"""Batches drawn ahead by processes of their own, in the order of their numbers.

A batch is a function of the seed and its number alone, so a run resumes exactly with nothing but
the number of the next batch, with any number of loader processes.
"""

import signal
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import cv2
from torch.utils.data import DataLoader, Dataset

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import OcrError


class RawBatch(Protocol):
    """What a loader process returns."""

    @property
    def passed_over(self) -> Sequence[BadRecord]:
        """What was drawn but does not decode."""
        ...


Raw = TypeVar("Raw", bound=RawBatch, covariant=True)


class BatchSource(Protocol[Raw]):
    """The raw batches of a run by their number; it can be handed to other processes."""

    def __getitem__(self, number: int) -> Raw:
        """Returns a batch.

        Raises:
            ConfigurationError: a source of pictures turns out to be unusable.
        """
        ...

    def describe(self) -> list[str]:
        """Returns a line for each source of pictures.

        Raises:
            ConfigurationError: one of them turns out to be unusable.
        """
        ...


Loaded = TypeVar("Loaded", bound=RawBatch)


def load_batches(source: BatchSource[Loaded], numbers: range, loaders: int) -> Iterator[Loaded]:
    """Yields the raw batches of these numbers in order, drawn ahead by `loaders` processes.

    Args:
        source: where they come from.
        numbers: which.
        loaders: 0 to draw them here, one at a time.

    Raises:
        ConfigurationError: a source of pictures turns out to be unusable.
    """
    loader = DataLoader(
        _ErrorsAsValues(source),
        batch_size=None,
        sampler=numbers,
        num_workers=loaders,
        prefetch_factor=4 if loaders else None,
        # Forked copies of a process that has threads, a GPU or an open LMDB are not safe.
        multiprocessing_context="spawn" if loaders else None,
        worker_init_fn=_begin_worker,
    )
    for raw in loader:
        if isinstance(raw, OcrError):
            raise raw
        yield raw


class _ErrorsAsValues(Dataset["Loaded | OcrError"], Generic[Loaded]):
    """A source whose errors come as values: raised in a loader they would come with a traceback."""

    def __init__(self, source: BatchSource[Loaded]) -> None:
        self._source = source

    def __getitem__(self, number: int) -> Loaded | OcrError:
        try:
            return self._source[number]
        except OcrError as error:
            return error


def _begin_worker(_: int) -> None:
    cv2.setNumThreads(1)  # loaders share the cores with each other and the training
    # Ctrl-C reaches all processes of a terminal; the main process alone handles it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

"""Engines of jobs, and how many threads they run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from ocr_plugin.batch.options import JobOptions
from ocr_plugin.engine import Engine
from ocr_plugin.registry import make_detector, make_recognizer
from ocr_plugin.threads import cores

# Plugins that can be told how many threads to run.
_THREADED = {"dbnet", "word_line", "clip4str", "ppocr", "second_opinion"}
# Side by side beats many threads a page, but every page that is read takes memory.
_MOST_READERS = 4


def make_engine(options: JobOptions, threads: int) -> Engine:
    """Returns the engine that a job's options ask for.

    Args:
        options: which.
        threads: for each call of it. That decides no record, so it is none of the job's options.

    Raises:
        ConfigurationError: a bad option, or no such plugin.
        ModelError: a model is not to be had.
    """
    own, other = ({"threads": threads} if name in _THREADED else {}
                  for name in (options.detector, options.recognizer))  # fmt: skip
    return Engine(
        make_detector(options.detector, **(own | options.detector_options)),
        make_recognizer(options.recognizer, **(other | options.recognizer_options)),
        options=options.engine,
    )


def shares(readers: int = 0) -> tuple[int, int]:
    """Returns how many pages are read side by side, and how many threads each has.

    Args:
        readers: pages; 0 takes what the cores do.
    """
    readers = readers or min(cores(), _MOST_READERS)
    return readers, max(1, cores() // readers)


def limit_threads(threads: int) -> None:
    """Has OpenCV and PyTorch run so many threads; by default they take all cores for each call."""
    cv2.setNumThreads(threads)
    if torch := sys.modules.get("torch"):  # there by now, if the engine needs it
        torch.set_num_threads(threads)


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Does `limit_threads` for a while."""
    before, torch = cv2.getNumThreads(), sys.modules.get("torch")
    before_torch = torch.get_num_threads() if torch else before
    limit_threads(threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
        if torch:
            torch.set_num_threads(before_torch)

"""Terminal output of a run: its progress, and what stopping it says."""

import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta

from ocr_plugin.batch.progress import Progress
from ocr_plugin.cli import signals
from ocr_plugin.cli.console import say
from ocr_plugin.errors import ExitCode

_SAID_EVERY_S = 10.0
# To the line's beginning, and clear it.
_CLEARED = "\r\x1b[K"


def stop_requests() -> AbstractContextManager[list[int]]:
    """Returns `signals.stop_requests` for a run; a second signal does not wait for threads."""
    message = "finishing the pages in progress; a second interrupt ends at once"
    return signals.stop_requests(message, say_between, _end_at_once)


def _end_at_once() -> None:
    """Ends the process without waiting for its threads, which may be in native code for long."""
    with suppress(RuntimeError):
        say_between("ended; run the same command to resume")
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(ExitCode.INTERRUPTED)


def say_between(message: str) -> None:
    """Prints a message where progress is shown."""
    clear_line()
    say(message)


@contextmanager
def show_progress() -> Iterator[Callable[[Progress], None]]:
    """Yields a function that shows progress: in place on a terminal, else as a line at times."""
    if sys.stderr.isatty():
        try:
            yield _show
        finally:
            clear_line()
        return
    last = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _SAID_EVERY_S:
            last = time.monotonic()
            say(summary(progress))

    yield tell


def clear_line() -> None:
    """Clears the line on which progress is shown."""
    if sys.stderr.isatty():
        print(end=_CLEARED, file=sys.stderr, flush=True)


def _show(progress: Progress) -> None:
    # A wrapped line could not be overwritten.
    width = shutil.get_terminal_size().columns - 1
    print(end=_CLEARED + summary(progress)[:width], file=sys.stderr, flush=True)


def summary(progress: Progress) -> str:
    """Returns what was done, in one line."""
    seconds = max(progress.seconds, 1e-6)
    parts = [f"{progress.recorded} pages ({progress.recorded / seconds:.1f}/s)"]
    if progress.seconds_left is not None:
        parts.append(f"{timedelta(seconds=round(progress.seconds_left))} left")
    parts.append(f"{progress.errors} errors")
    if progress.duplicates:
        parts.append(f"{progress.duplicates} of the pages duplicates")
    if progress.skipped > 0:
        parts.append(f"{progress.skipped} files done before")
    parts.append(f"{progress.crops} crops ({progress.crops / seconds:.0f}/s)")
    if progress.crops:
        parts.append(f"{progress.recognizer_share:.0%} of the time in the recognizer")
    return ", ".join(parts)

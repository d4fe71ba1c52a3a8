"""A run as a terminal sees it: how far it is, and the signals that stop it."""

import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta

import ocr_plugin.stopping
from ocr_plugin.batch.progress import Progress
from ocr_plugin.errors import ExitCode
from ocr_plugin.streams import say

_SAID_EVERY_S = 10.0
# To the line's beginning, and clear it.
_CLEARED = "\r\x1b[K"


def stopping() -> AbstractContextManager[list[int]]:
    """Returns `ocr_plugin.stopping.stopping` for a run; a second signal waits for no thread."""
    message = "stopping when the pages that were begun are done; once more ends at once"
    return ocr_plugin.stopping.stopping(message, _say, _end_at_once)


def _end_at_once() -> None:
    """Ends the process without waiting for its threads, which may be in native code for long."""
    with suppress(RuntimeError):
        _say("ended; the same command goes on")
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(ExitCode.INTERRUPTED)


def _say(message: str) -> None:
    clear_line()
    say(message)


@contextmanager
def telling() -> Iterator[Callable[[Progress], None]]:
    """Yields what shows progress: a line in its place on a terminal, now and then one elsewhere."""
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
            say(line(progress))

    yield tell


def clear_line() -> None:
    """Makes room where progress may be shown."""
    if sys.stderr.isatty():
        print(end=_CLEARED, file=sys.stderr, flush=True)


def _show(progress: Progress) -> None:
    # A line that is wrapped could not be written over.
    width = shutil.get_terminal_size().columns - 1
    print(end=_CLEARED + line(progress)[:width], file=sys.stderr, flush=True)


def line(progress: Progress) -> str:
    """Returns what was done, in one line."""
    seconds = max(progress.seconds, 1e-6)
    parts = [f"{progress.recorded} pages ({progress.recorded / seconds:.1f}/s)"]
    if progress.seconds_left is not None:
        parts.append(f"{timedelta(seconds=round(progress.seconds_left))} left")
    parts.append(f"{progress.errors} errors")
    if progress.duplicates:
        parts.append(f"{progress.duplicates} of the pages duplicates")
    if progress.skipped:
        parts.append(f"{progress.skipped} files done before")
    parts.append(f"{progress.crops} crops ({progress.crops / seconds:.0f}/s)")
    if progress.crops:
        parts.append(f"{progress.recognizer_share:.0%} of the time in the recognizer")
    return ", ".join(parts)

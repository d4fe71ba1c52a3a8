"""The process in which a supervised job reads; `supervised_job` begins it.

Its standard input and output are pipes of pickled messages; what else is printed goes to standard
error.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.progress import Progress
from ocr_plugin.errors import OcrError, one_line

BEAT_S = 2.0
"""Seconds between two signs of life."""
SIGNALS = {signal.SIGINT, signal.SIGTERM}
"""Those that ask to stop; the process that began this one answers them."""


@dataclass(frozen=True)
class Task:
    """What to do, in the first message; see `Job.run`. Any second message asks to stop."""

    folder: Path
    options: JobOptions
    sources: list[str]
    run: RunOptions
    after: Progress | None
    prepare: Callable[[], None] | None


@dataclass(frozen=True)
class Ended:
    """The run has ended, as it should."""

    progress: Progress


@dataclass(frozen=True)
class Failed:
    """The run has ended by an error."""

    error: BaseException


@dataclass(frozen=True)
class Stalled:
    """A page made no progress; the process ends at once, as nothing ends the page."""

    reason: str


class Alive:
    """A sign of life."""


def main() -> None:
    """Does what the first message on standard input says."""
    for number in SIGNALS:  # not ignored: decoders would inherit that, and could not be ended
        signal.signal(number, lambda *_: None)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    # Taken away from what a plugin may read or print.
    received, sent = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    link = _Link(received, sent)
    task: Task = pickle.load(received)  # from the process that began this one
    link.start()
    if task.prepare is not None:
        task.prepare()
    link.send(_outcome(task, link))


def _outcome(task: Task, link: "_Link") -> Ended | Failed:
    from ocr_plugin.batch.job import Job  # only here: it loads a lot
    from ocr_plugin.engine.reader_threads import ReadersStalled

    try:
        job = Job(task.folder, task.options)
        return Ended(
            job.run(task.sources, task.run, tell=link.send, stop=link.is_stopping, after=task.after)
        )
    except ReadersStalled as error:
        link.send(Stalled(one_line(error)))
        _end_at_once()
    except BaseException as error:  # raised where the job was begun
        return Failed(_portable(error))


def _portable(error: BaseException) -> BaseException:
    """Returns an error that can be pickled; where it comes from is in its notes."""
    told = "".join(traceback.format_exception(error))
    try:
        error = pickle.loads(pickle.dumps(error))  # without what it refers to
    except Exception:  # exceptions of plugins may be of any kind
        kind = OcrError if isinstance(error, OcrError) else RuntimeError
        error = kind(f"{type(error).__name__}: {one_line(error)}")
    error.add_note(told)
    return error


class _Link:
    """Messages to and from the process that began this one; ends this one with it."""

    def __init__(self, received: BinaryIO, sent: BinaryIO) -> None:
        self._received, self._sent = received, sent
        self._lock, self._stop = threading.Lock(), threading.Event()

    def start(self) -> None:
        """Begins to listen, and to give signs of life."""
        for work in (self._listen, self._beat):
            threading.Thread(target=work, daemon=True).start()

    def is_stopping(self) -> bool:
        """Returns whether the run is to stop."""
        return self._stop.is_set()

    def send(self, message: Any) -> None:
        """Sends a message; ends the process if there is nobody to take it."""
        content = pickle.dumps(message)
        try:
            with self._lock:
                self._sent.write(content)
                self._sent.flush()
        except OSError:
            _end_at_once()

    def _listen(self) -> None:
        while self._received.read(1):
            self._stop.set()
        _end_at_once()

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_S)
            self.send(Alive())


def _end_at_once() -> NoReturn:
    """Ends this process and its decoders; threads may be in native code for ever."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(1)

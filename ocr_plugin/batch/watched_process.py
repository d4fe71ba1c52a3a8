"""Begins a reading process and waits for its end, which may be its death."""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from ocr_plugin.batch.progress import Progress
from ocr_plugin.batch.reading_process import BEAT_S, SIGNALS, Ended, Failed, Stalled, Task
from ocr_plugin.batch.records.journal import READER_DIED, STALLED
from ocr_plugin.runtime.patience import Patience

# The path is the caller's, as `multiprocessing` does it; there is no main module to import.
_BEGIN = (
    "import sys; sys.path[:] = sys.argv[1:]; del sys.argv[1:];"
    " from ocr_plugin.batch.reading_process import main; main()"
)
# Of Python's tracker of semaphores, about those of a process that died.
_QUIET = "ignore:resource_tracker:UserWarning"
# Seconds between two questions whether to stop; those granted beyond a limit, or to an end.
_TICK_S, _GRACE_S = 0.2, 30.0


@dataclass(frozen=True)
class Death:
    """The process has ended without saying so.

    Attributes:
        kind: of the error of the page that is the cause.
        reason: the error's message.
    """

    kind: str
    reason: str


class WatchedProcess:
    """A reading process; in a `with` statement, which ends it.

    Args:
        task: what it does.
        tell: called with its progress.
        stop: asked several times a second; once true, it is passed on.

    Attributes:
        written: the last progress of which all records are on the disk; None if there was none.
        is_stopping: whether it was asked to stop.
    """

    def __init__(
        self, task: Task, tell: Callable[[Progress], None], stop: Callable[[], bool]
    ) -> None:
        self._tell, self._stop = tell, stop
        self.written: Progress | None = None
        self.is_stopping = self._has_ended = False
        # A page that stalls while it keeps Python from running is noticed from here alone.
        self._limit = task.run.read_seconds
        self._patience = Patience(self._limit + BEAT_S + _GRACE_S)
        with _signals_held():
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BEGIN, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONWARNINGS": _quiet()},
            )
        assert self._process.stdin is not None
        with suppress(OSError):  # of a process that died at once
            self._process.stdin.write(pickle.dumps(task))
            self._process.stdin.flush()
        self._messages: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process, if it goes on."""
        assert self._process.stdin is not None
        if self._has_ended:
            self._wait()
        with suppress(OSError):
            self._process.stdin.close()  # a sign to end, with its decoders
        self._wait()

    def until_end(self) -> Ended | Failed | Death:
        """Waits, and returns how the process has ended."""
        while True:
            self._pass_on_stop()
            try:
                message = self._messages.get(timeout=_TICK_S)
            except queue.Empty:
                if not self._patience.is_over:
                    continue
                self._process.kill()
                return Death(STALLED, f"reading made no progress in {self._limit:g} s")
            self._patience.renew()
            if message is None:
                return self._death()
            if isinstance(message, Ended | Failed):
                self._has_ended = True
                return message
            if isinstance(message, Stalled):
                return Death(STALLED, message.reason)
            if isinstance(message, Progress):
                self.written = message if message.is_written else self.written
                self._tell(message)

    def _pass_on_stop(self) -> None:
        if self.is_stopping or not self._stop():
            return
        self.is_stopping = True
        assert self._process.stdin is not None
        with suppress(OSError):  # of a process that has just died
            self._process.stdin.write(b"!")
            self._process.stdin.flush()

    def _listen(self) -> None:
        """Queues the messages, and None after the last."""
        assert self._process.stdout is not None
        # A message that was torn by the death is none.
        torn = suppress(EOFError, OSError, pickle.UnpicklingError)
        with self._process.stdout as received, torn:
            while True:
                self._messages.put(pickle.load(received))
        self._messages.put(None)

    def _death(self) -> Death:
        code = self._wait()
        if code >= 0:
            return Death(READER_DIED, f"reading ended the process (exit code {code})")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if name == "SIGKILL":
            name += ", perhaps for want of memory"
        return Death(READER_DIED, f"reading ended the process ({name})")

    def _wait(self) -> int:
        try:
            return self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _quiet() -> str:
    return ",".join(filter(None, [os.environ.get("PYTHONWARNINGS", ""), _QUIET]))


@contextmanager
def _signals_held() -> Iterator[None]:
    """Keeps signals from a process that is begun in the body, until it can take them."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""Graceful stopping of long work by SIGINT and SIGTERM."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ocr_plugin.cli.console import say as say_plainly


def _interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def stop_requests(
    message: str,
    say: Callable[[str], None] = say_plainly,
    end: Callable[[], None] = _interrupt,
) -> Iterator[list[int]]:
    """Yields a list that is empty until SIGINT or SIGTERM asks to stop; a second one ends at once.

    Args:
        message: printed at the first one.
        say: prints it.
        end: called at the second one.
    """
    stopped: list[int] = []

    def ask(number: int, _: Any) -> None:
        if stopped:
            end()
        stopped.append(number)
        # A signal may interrupt a print, and a stream cannot be entered twice.
        with suppress(RuntimeError):
            say(message)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

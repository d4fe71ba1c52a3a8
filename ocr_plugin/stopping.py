"""Asking long work to stop at its next good place."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ocr_plugin.streams import say


@contextmanager
def stopping(message: str) -> Iterator[list[int]]:
    """Yields a list that is empty until SIGINT or SIGTERM asks to stop; a second one ends at once.

    Args:
        message: said when the first one comes.
    """
    stopped: list[int] = []

    def ask(number: int, _: Any) -> None:
        if stopped:
            raise KeyboardInterrupt
        stopped.append(number)
        say(message)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

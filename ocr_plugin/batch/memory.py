"""Freed memory, given back to the system now and then.

glibc keeps what is freed for the thread that had it, in pieces. With a dozen threads and arrays of
ever different sizes, what a long job holds would creep up for hours.
"""

import ctypes
import time
from collections.abc import Callable

_EVERY_S = 20.0


class Trimmer:
    """Gives freed memory back every few seconds, where the C library is glibc."""

    def __init__(self) -> None:
        self._trim = _malloc_trim()
        self._last = time.monotonic()

    def tick(self) -> bool:
        """Gives it back if that is due; returns whether it was."""
        if self._trim is None or time.monotonic() - self._last < _EVERY_S:
            return False
        self._trim(0)
        self._last = time.monotonic()
        return True


def _malloc_trim() -> Callable[[int], int] | None:
    """Returns https://man7.org/linux/man-pages/man3/malloc_trim.3.html, where there is one."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, TypeError, OSError):  # musl, Windows, macOS
        return None
    return found

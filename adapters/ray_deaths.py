"""What actors were reading when they died; Ray begins them again, with the same files."""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ocr_plugin.runtime.patience import Watch


class Deaths:
    """Counts what was begun and never ended; an actor, which outlives those that read."""

    def __init__(self) -> None:
        self._begun: dict[bytes, int] = {}

    def begin(self, what: bytes) -> int:
        """Returns how often this was begun before and not ended, since who was at it died."""
        before = self._begun.get(what, 0)
        self._begun[what] = before + 1
        return before

    def end(self, what: bytes) -> None:
        """Notes that this was ended."""
        self._begun.pop(what, None)


class Notes:
    """What one actor notes with `Deaths`.

    Args:
        ray: the module.
        deaths: a handle of the actor.
    """

    def __init__(self, ray: Any, deaths: Any) -> None:
        self._ray, self._deaths = ray, deaths

    def begin(self, *what: object) -> bool:
        """Notes that something is begun; returns whether someone died at it before."""
        return bool(self._ray.get(self._deaths.begin.remote(_key(what))))

    def end(self, *what: object) -> None:
        """Notes that it was ended."""
        self._deaths.end.remote(_key(what))


def _key(what: tuple[object, ...]) -> bytes:
    return hashlib.sha256(repr(what).encode("utf-8", "surrogateescape")).digest()


def end_when_stalled(watch: Watch, steps: Callable[[], int]) -> None:
    """Has a thread end this process when another one makes no progress."""

    def look() -> None:
        while not watch.has_stalled(steps()):
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()

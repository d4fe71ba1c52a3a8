"""Waits for work that may never end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# What passes between two questions counts as no more than this.
_STEP_S = 1.0


class Patience:
    """Adds up the seconds without progress.

    Seconds in which this process did not ask do not count: it may have been stopped (Ctrl-Z, a
    machine asleep), and so may the work.

    Args:
        limit: in seconds.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.renew()

    def renew(self) -> None:
        """Begins anew, as there was progress."""
        self._waited, self._asked = 0.0, time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether there was no progress for too long; to be asked often."""
        now = time.monotonic()
        self._waited += min(now - self._asked, _STEP_S)
        self._asked = now
        return self._waited > self._limit


class Watch:
    """Whether a thread makes progress; asked from another one.

    Args:
        limit: seconds that it may be without progress.

    Attributes:
        count: of its steps; the thread adds to it.
    """

    def __init__(self, limit: float) -> None:
        self._patience = Patience(limit)
        self.count, self._seen, self._is_idle = 0, (0, 0), True

    @contextmanager
    def working(self) -> Iterator[None]:
        """Says that in its body the thread should make progress."""
        self.count += 1
        self._is_idle = False
        try:
            yield
        finally:
            self._is_idle = True

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Says that in its body, within `working`, the thread has nothing to do."""
        self._is_idle = True
        yield
        self.count += 1
        self._is_idle = False

    def has_stalled(self, steps: int) -> bool:
        """Returns whether there was no progress for too long; to be asked often.

        Args:
            steps: that the thread has made elsewhere.
        """
        now = (self.count, steps)
        if self._is_idle or now != self._seen:
            self._seen = now
            self._patience.renew()
            return False
        return self._patience.is_over

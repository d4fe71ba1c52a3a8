"""The device that was asked for, or an error; never another one instead. And its streams."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ocr_plugin.errors import ConfigurationError, first_line

# Each keeps memory for its own work, so that a GPU with many threads has no more than these.
_STREAMS = 4


def usable_device(name: str | torch.device) -> torch.device:
    """Returns the device, after having put a number on it and got it back.

    Raises:
        ConfigurationError: there is no such device, or it does not work.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    # PyTorch's back ends have no common error: CUDA alone raises RuntimeError, AssertionError
    # and its own class; the cause is chained.
    except Exception as error:
        raise ConfigurationError(
            f"device {str(name)!r} cannot be used here: {first_line(error)}"
        ) from error
    return device


class Lanes:
    """Lets the threads that share a network use its GPU side by side.

    In a GPU's default stream one thread's uploads wait for another's network. Here each thread has
    one of a few streams, so that one thread's pictures go up, another's are searched and a third's
    crops are read at the same time. Whoever takes a result to the host waits for that stream alone.

    Args:
        device: any; on one that is no CUDA device nothing is done.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._streams: list[torch.cuda.Stream] = []
        if device.type == "cuda":
            # The network was put there in the stream of the thread that made it.
            torch.cuda.synchronize(device)
            self._streams = [
                torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
                for _ in range(_STREAMS)
            ]
        self._next = itertools.count()
        self._own = threading.local()

    @contextmanager
    def own(self) -> Iterator[None]:
        """Has what follows run in this thread's stream."""
        if not self._streams:
            yield
            return
        if not hasattr(self._own, "number"):
            self._own.number = next(self._next) % len(self._streams)
        with torch.cuda.stream(self._streams[self._own.number]):
            yield

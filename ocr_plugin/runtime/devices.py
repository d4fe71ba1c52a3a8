"""The requested device or an error, never a fallback; and streams of a device."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ocr_plugin.errors import ConfigurationError, first_line

# PyTorch caches memory per stream, so that many threads share these few.
_STREAMS = 4


def usable_device(name: str | torch.device) -> torch.device:
    """Returns the device, checked by copying a number to it and back.

    Raises:
        ConfigurationError: there is no such device, or it does not work.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    # PyTorch's backends have no common error: CUDA alone raises RuntimeError, AssertionError and
    # its own class; the cause is chained.
    except Exception as error:
        raise ConfigurationError(
            f"device {str(name)!r} cannot be used here: {first_line(error)}"
        ) from error
    return device


class StreamPool:
    """Lets the threads that share a network use its GPU side by side.

    In a GPU's default stream one thread's uploads wait for another's network. Here each thread
    uses one of a few streams, so that one thread's upload, another's detection and a third's
    recognition overlap. Copying a result to the host waits for that stream alone.

    Args:
        device: any; does nothing unless it is a CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._streams: list[torch.cuda.Stream] = []
        if device.type == "cuda":
            # The network was uploaded in the stream of the thread that made it.
            torch.cuda.synchronize(device)
            self._streams = [
                torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
                for _ in range(_STREAMS)
            ]
        self._next = itertools.count()
        self._own = threading.local()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Runs the body in this thread's stream."""
        if not self._streams:
            yield
            return
        if not hasattr(self._own, "number"):
            self._own.number = next(self._next) % len(self._streams)
        with torch.cuda.stream(self._streams[self._own.number]):
            yield

"""Counts the bytes of the sources while they are read."""

import threading
from collections.abc import Iterable

from ocr_plugin.batch.inputs.members import Member, SourceOptions
from ocr_plugin.batch.inputs.sources import split


class ByteCounter:
    """Counts the bytes of sources, in a thread.

    Attributes:
        total: bytes; None until all are counted.

    Args:
        sources: as `sources.members` takes them.
        options: filters and limits.
    """

    def __init__(self, sources: Iterable[str], options: SourceOptions) -> None:
        self.total: int | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._count, args=(list(sources), options), name="ocr-byte-counter", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stops counting; does not wait for a remote listing in progress."""
        self._closed.set()
        self._thread.join(1)

    def _count(self, sources: list[str], options: SourceOptions) -> None:
        total = 0
        try:
            for item in split(sources, options):
                if self._closed.is_set():
                    return
                total += 0 if isinstance(item, Member) else item.volume
        except Exception:
            return  # reading the sources reports it
        self.total = total

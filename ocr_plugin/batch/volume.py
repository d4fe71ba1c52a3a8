"""How much there is to read, counted beside the reading."""

import threading
from collections.abc import Iterable

from ocr_plugin.batch.members import Member, SourceOptions
from ocr_plugin.batch.sources import parts


class Volume:
    """Counts the bytes of sources, in a thread.

    Attributes:
        total: bytes; None until all are counted.

    Args:
        sources: as `sources.members` takes them.
        options: what is taken of them.
    """

    def __init__(self, sources: Iterable[str], options: SourceOptions) -> None:
        self.total: int | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._count, args=(list(sources), options), name="ocr-volume", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Ends the counting; a listing that is under way elsewhere is not waited for."""
        self._closed.set()
        self._thread.join(1)

    def _count(self, sources: list[str], options: SourceOptions) -> None:
        total = 0
        try:
            for part in parts(sources, options):
                if self._closed.is_set():
                    return
                total += 0 if isinstance(part, Member) else part.volume
        except Exception:
            return  # whoever reads the sources tells it
        self.total = total

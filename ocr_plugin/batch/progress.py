"""What a run of a job has done so far, and how long the rest may take."""

from dataclasses import dataclass

# The first pages, for which everything has to be loaded, say nothing about the others.
_TELLING_S = 10.0


@dataclass
class Progress:
    """What a run has done so far.

    Attributes:
        pages: read.
        errors: pages and files that could not be.
        skipped: files that were done before.
        duplicates: pages that were recorded without reading them again.
        seconds: since the run began.
        crops: what the recognizer was given.
        recognizer_seconds: what it took, all threads together.
        readers: threads, or processes, that read pages.
        volume: bytes of the sources that were passed.
        skipped_volume: of these, the bytes of files that were done before.
        total_volume: bytes of all sources; None while they are being counted, or if some are not
            told.
        stopped: whether the run ended before its sources did.
        is_over: whether it has ended.
    """

    pages: int = 0
    errors: int = 0
    skipped: int = 0
    duplicates: int = 0
    seconds: float = 0.0
    crops: int = 0
    recognizer_seconds: float = 0.0
    readers: int = 1
    volume: int = 0
    skipped_volume: int = 0
    total_volume: int | None = None
    stopped: bool = False
    is_over: bool = False

    @property
    def recorded(self) -> int:
        """Pages of which there are records now, read or not."""
        return self.pages + self.duplicates

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found in the sources."""
        return not (self.recorded or self.errors or self.skipped or self.stopped)

    @property
    def recognizer_share(self) -> float:
        """Share of the readers' time that the recognizer took."""
        return self.recognizer_seconds / max(self.seconds * self.readers, 1e-6)

    @property
    def seconds_left(self) -> float | None:
        """What is left, by the bytes; None as long as nobody knows."""
        read = self.volume - self.skipped_volume
        if self.is_over or self.stopped or self.seconds < _TELLING_S or read <= 0:
            return None
        if self.total_volume is None or self.volume >= self.total_volume:
            return None
        return self.seconds * (self.total_volume - self.volume) / read

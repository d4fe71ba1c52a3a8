"""What a run of a job has done so far, and how long the rest may take."""

from dataclasses import dataclass


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

    @property
    def recognizer_share(self) -> float:
        """Share of the readers' time that the recognizer took."""
        return self.recognizer_seconds / max(self.seconds * self.readers, 1e-6)

    @property
    def seconds_left(self) -> float | None:
        """What is left, by the bytes; None as long as nobody knows."""
        read = self.volume - self.skipped_volume
        if self.total_volume is None or read <= 0 or self.volume >= self.total_volume:
            return None
        return self.seconds * (self.total_volume - self.volume) / read

"""What a run of a job has done so far, and how long the rest may take."""

from dataclasses import dataclass, replace

# The first pages include loading time, so they give no estimate.
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
        crops: number given to the recognizer.
        recognizer_seconds: spent in it, summed over the threads.
        readers: threads, or processes, that read pages.
        volume: bytes of the sources processed so far.
        skipped_volume: of these, the bytes of files that were done before.
        total_volume: bytes of all sources; None while being counted, or if some are unknown.
        files: how many became complete.
        retried: bytes of the file of errors, as it was at the beginning, that are to be retried.
        is_written: whether the records of all that is counted here are on the disk.
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
    files: int = 0
    retried: int = 0
    is_written: bool = True
    stopped: bool = False
    is_over: bool = False

    def carried_on(self) -> "Progress":
        """Returns the progress with which a run begins that goes on after this one died.

        It walks over the sources once more. What this run did will then be taken for done before,
        and is subtracted beforehand.
        """
        read = self.volume - self.skipped_volume
        return replace(self, skipped=-self.files, volume=0, skipped_volume=-read, stopped=False)

    @property
    def recorded(self) -> int:
        """Pages recorded by this run, errors included."""
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
        """Estimated from the bytes that are left; None if unknown."""
        read = self.volume - self.skipped_volume
        if self.is_over or self.stopped or self.seconds < _TELLING_S or read <= 0:
            return None
        if self.total_volume is None or self.volume >= self.total_volume:
            return None
        return self.seconds * (self.total_volume - self.volume) / read

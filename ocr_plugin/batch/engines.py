"""Engines of jobs, and how long their recognizers take."""

import threading
import time
from collections.abc import Sequence

from ocr_plugin.batch.options import JobOptions
from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB, PageAware, Reading, Recognizer, Unit, WordReading
from ocr_plugin.recognizers.guidance import Guidance
from ocr_plugin.recognizers.guiding import guided
from ocr_plugin.schema import Component


class _Clock:
    """Crops and seconds of a recognizer, guided or not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.crops, self.seconds = 0, 0.0
        self.calls: dict[int, int] = {}

    def add(self, crops: int, seconds: float) -> None:
        thread = threading.get_ident()
        with self._lock:
            self.calls[thread] = self.calls.get(thread, 0) + 1
            self.crops += crops
            self.seconds += seconds


class TimedRecognizer:
    """Wraps a recognizer and counts its crops and seconds."""

    def __init__(self, recognizer: Recognizer, clock: _Clock | None = None) -> None:
        self._recognizer = recognizer
        self._clock = clock or _Clock()

    @property
    def crops(self) -> int:
        """How many were read so far."""
        return self._clock.crops

    @property
    def calls(self) -> int:
        """How many calls have ended."""
        return sum(self._clock.calls.copy().values())

    @property
    def seconds(self) -> float:
        """How long that took."""
        return self._clock.seconds

    def calls_of(self, thread: int) -> int:
        """Returns how many calls in a thread, by its `ident`, have ended."""
        return self._clock.calls.get(thread, 0)

    def guided(self, guidance: Guidance) -> "TimedRecognizer":
        """Returns the recognizer with guidance, timed together with this one."""
        return TimedRecognizer(guided(self._recognizer, guidance), self._clock)

    @property
    def component(self) -> Component:
        """The recognizer's."""
        return self._recognizer.component

    @property
    def unit(self) -> Unit:
        """The recognizer's."""
        return self._recognizer.unit

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns the recognizer's readings."""
        start = time.perf_counter()
        try:
            return self._recognizer.recognize(crops)
        finally:
            self._clock.add(len(crops), time.perf_counter() - start)

    def reconsidered(self, words: Sequence[WordReading]) -> list[WordReading]:
        """Returns the words of a page as the recognizer chooses them in the end."""
        if isinstance(self._recognizer, PageAware):
            return self._recognizer.reconsidered(words)
        return list(words)


def timed(engine: Engine) -> tuple[Engine, TimedRecognizer]:
    """Returns a copy of an engine whose recognizer is timed, and that recognizer."""
    recognizer = TimedRecognizer(engine.recognizer)
    same = Engine(
        engine.detector,
        recognizer,
        splitter=engine.splitter,
        options=engine.options,
        language=engine.guidance.language,
        constraint=engine.guidance.constraint,
    )
    return same, recognizer


def make_engine(options: JobOptions, threads: int) -> Engine:
    """Returns the engine that a job's options ask for.

    Args:
        options: detector, recognizer and their options.
        threads: per call. They change no record, so they are not among the job's options.

    Raises:
        ConfigurationError: a bad option, or no such plugin.
        ModelError: a model is not available.
    """
    return Engine(
        options.detector,
        options.recognizer,
        runtime=options.runtime.model_copy(update={"threads": threads}),
        detector_options=options.detector_options,
        recognizer_options=options.recognizer_options,
        options=options.engine,
        language=options.language,
        constraint=options.constraint,
    )

"""Reads some inputs as the server does: decoded in processes, and read by the default engine."""

import hashlib
import time
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass

from benchmarks.fuzz.inputs import made
from benchmarks.fuzz.outcomes import OPTIONS, SECONDS
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.shared_engine import SharedEngine
from ocr_plugin.pages.decoder_pool import Decoder
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.schema import Page, PageError

READ_EVERY = 500
"""One in so many inputs is read; the formats take turns."""

_READ_S = 120.0


@dataclass(frozen=True)
class Read:
    """What became of an input that was read.

    Attributes:
        number: of the input.
        format: of its seed.
        kind: ``words``, ``no words``, ``error``, or ``fault``.
        told: what was read, or the error.
        seconds: that decoding and reading took.
    """

    number: int
    format: str
    kind: str
    told: str
    seconds: float


class Reader:
    """A decoder and an engine, both as the server has them."""

    def __init__(self) -> None:
        self._decoder = Decoder(OPTIONS, 1, SECONDS)
        self._shared = SharedEngine(Engine())

    def close(self) -> None:
        """Ends both."""
        self._decoder.close()
        self._shared.close()

    def read(self, number: int) -> Read:
        """Decodes and reads all pages of an input."""
        one, begun = made(number), time.monotonic()
        try:
            results = self._results(one.data, f"input{one.seed.suffix}")
            words = [word.text for page in results if isinstance(page, Page) for word in page.words]
            errors = [each.message for each in results if isinstance(each, PageError)]
            kind = "words" if words else "error" if errors else "no words"
            told = " ".join(words or errors)[:100]
        except Exception as error:  # that is what is looked for
            kind, told = "fault", f"{type(error).__name__}: {error}"[:300]
        return Read(number, one.seed.format, kind, told, round(time.monotonic() - begun, 2))

    def _results(self, data: bytes, name: str) -> list[Page | PageError]:
        results: list[Page | PageError] = []
        decoding = self._decoder.begin(name, data, hashlib.sha256(data).hexdigest())
        while (pages := decoding.pages(frozenset())) is not None:
            for page in pages:
                results.append(self._read(page) if isinstance(page, PageImage) else page)
        return results

    def _read(self, page: PageImage) -> Page | PageError:
        future = self._shared.submit(page, timeout=None)
        try:
            return future.result(_READ_S)
        except TooLong:
            future.give_up()
            raise

"""The server's metrics, for Prometheus."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypedDict

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from ocr_plugin.schema import Page, PageError

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class _Own(TypedDict):
    namespace: str
    registry: CollectorRegistry


class Load(NamedTuple):
    """What a server is at.

    Attributes:
        waiting_pages: decoded pages that wait to be read.
        waiting_requests: requests that wait for their turn to be decoded.
        longest_wait: seconds; of the oldest page that is not read yet since it was decoded, or of
            such a request.
        busy_decoders: processes that decode.
        held_bytes: of all bodies that are on their way or being read.
    """

    waiting_pages: int
    waiting_requests: int
    longest_wait: float
    busy_decoders: int
    held_bytes: int


class Outcome:
    """The outcome of a request: its HTTP status, and what was read for it.

    Attributes:
        status: 500 until it is known.
        read: the result of each page in order; there may be some before a request is rejected.
    """

    def __init__(self) -> None:
        self.status = 500
        self.read: list[Page | PageError] = []

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages that were read."""
        return tuple(item for item in self.read if isinstance(item, Page))

    @property
    def errors(self) -> tuple[PageError, ...]:
        """Those that could not be read."""
        return tuple(item for item in self.read if isinstance(item, PageError))


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own = _Own(namespace="ocr_plugin", registry=self._registry)
        self._requests = Counter("requests", "Requests by HTTP status.", ["status"], **own)
        self._seconds = Histogram("request_seconds", "Of a request.", buckets=_SECONDS, **own)
        self._pages = Counter("pages", "Pages read.", **own)
        self._errors = Counter("page_errors", "Pages that could not be read.", **own)
        self._words = Counter("words", "Words read.", **own)
        self._open = Gauge("open_requests", "Requests being answered.", **own)
        self._load = {
            "waiting_pages": Gauge("waiting_pages", "Decoded pages that wait to be read.", **own),
            "waiting_requests": Gauge(
                "waiting_requests", "Requests that wait for a decoder's turn.", **own
            ),
            "longest_wait": Gauge(
                "longest_wait_seconds",
                "Of the oldest page that is not read yet, or request that waits for a decoder.",
                **own,
            ),
            "busy_decoders": Gauge("busy_decoders", "Processes that decode.", **own),
            "held_bytes": Gauge(
                "held_bytes", "Of the bodies that are on their way or being read.", **own
            ),
        }

    @contextmanager
    def request(self) -> Iterator[Outcome]:
        """Counts a request when it is over."""
        outcome, start = Outcome(), time.monotonic()
        with self._open.track_inprogress():
            try:
                yield outcome
            finally:
                self._requests.labels(outcome.status).inc()
                self._seconds.observe(time.monotonic() - start)
                self._pages.inc(len(outcome.pages))
                self._errors.inc(len(outcome.errors))
                self._words.inc(sum(len(page.words) for page in outcome.pages))

    def render(self, load: Load) -> bytes:
        """Returns the text that Prometheus reads."""
        for name, value in load._asdict().items():
            self._load[name].set(value)
        return generate_latest(self._registry)

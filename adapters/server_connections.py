"""Connections that hang up on clients who do not say what they want."""

import asyncio
import math

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
"""Seconds in which a request's line and headers must have come."""


# So many chunks of a body may be small; more must have so many bytes each, on average.
_SMALL_CHUNKS, _CHUNK_BYTES = 1_000, 64


class PatientConnection(HttpToolsProtocol):
    """An HTTP connection that keeps nobody else waiting.

    It is closed if a request's headers take longer than `HEADER_SECONDS`, or if its body comes in
    chunks of a few bytes, which would keep the server from anything else.
    """

    _impatience: asyncio.TimerHandle | None = None
    _chunks = _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request; where there is no room, another stops waiting."""
        super().connection_made(transport)
        self._make_room()
        self._wait_for_headers()

    def on_message_begin(self) -> None:
        """Begins to wait for the headers of a request, of which the first byte has come."""
        super().on_message_begin()
        self._chunks = self._received = 0
        self._wait_for_headers()

    def on_headers_complete(self) -> None:
        """Ends the wait."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Takes a chunk of a body.

        Raises:
            ValueError: they are too small. The parser then stops at once, and the client is told
                that the request is invalid.
        """
        self._chunks += 1
        self._received += len(body)
        if self._chunks > _SMALL_CHUNKS and self._received < _CHUNK_BYTES * self._chunks:
            raise ValueError("the chunks of the body are too small")
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """Hangs up on a silent connection if there are too many: of who has most, the oldest."""
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        silent: dict[str, list[PatientConnection]] = {}
        for each in self.connections:
            if isinstance(each, PatientConnection) and each._impatience is not None:
                silent.setdefault(each.client[0] if each.client else "", []).append(each)
        if silent:
            most = max(silent.values(), key=lambda own: len(own))
            min(most, key=PatientConnection._patience_ends)._hang_up()

    def _patience_ends(self) -> float:
        return self._impatience.when() if self._impatience is not None else math.inf

    def _wait_for_headers(self) -> None:
        self._stop_waiting()
        self._impatience = self.loop.call_later(HEADER_SECONDS, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _hang_up(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.close()

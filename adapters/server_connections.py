"""Connections that hang up on clients who keep them for nothing, and how long the end may take."""

import asyncio
import math

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ocr_plugin.adapters.server_bodies import BYTES_A_SECOND

HEADER_SECONDS = 10.0
"""Seconds in which a request's line and headers must have come."""
ANSWER_SECONDS = 10.0
"""Seconds in which a client must take an answer, and one more for each 100 kB of it."""

LAST_REQUESTS_S = 15
"""Seconds that requests may go on for when the server is told to end.

What comes then takes a few seconds more: processes are killed, and a last batch is let end.
"""

# Connections at once: for each request that may be read, and besides, such as for health checks.
_CONNECTIONS_A_REQUEST, _CONNECTIONS = 8, 64
# So many chunks of a body may be small; more must have so many bytes each, on average.
_SMALL_CHUNKS, _CHUNK_BYTES = 1_000, 64


class PatientConnection(HttpToolsProtocol):
    """An HTTP connection that keeps nobody else waiting.

    It is closed if a request's headers, or what is left of its body after the answer, take longer
    than `HEADER_SECONDS`; if its body comes in chunks of a few bytes, which would keep the server
    from anything else; and if the client does not take the answer in `ANSWER_SECONDS`.
    """

    _impatience: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None
    _chunks = _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request; where there is no room, another stops waiting."""
        super().connection_made(transport)
        # What the system does not take at once is told by `pause_writing`.
        transport.set_write_buffer_limits(high=0)
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

    def on_response_complete(self) -> None:
        """Begins to wait for the rest of a body, if the answer did not."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._wait_for_headers()

    def pause_writing(self) -> None:
        """Begins to wait for the client to take what was written."""
        super().pause_writing()
        left = self.transport.get_write_buffer_size() / BYTES_A_SECOND
        self._untaken = self.loop.call_later(ANSWER_SECONDS + left, self.transport.abort)

    def resume_writing(self) -> None:
        """Ends that wait, as all is taken."""
        self._stop_writing()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends all waits."""
        self._stop_waiting()
        self._stop_writing()
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

    def _stop_writing(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _hang_up(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.close()


def config_of(app: ASGIApp, max_requests: int, time_limit: float) -> uvicorn.Config:
    """Returns how uvicorn runs an application.

    Told to end, it goes on with requests for `LAST_REQUESTS_S` at most, however long they may take.

    Args:
        app: the server's, by `server.make_app`.
        max_requests: that may be read at once.
        time_limit: seconds of a request.
    """
    return uvicorn.Config(
        app,
        http=PatientConnection,
        # Beyond this, connections are answered 503 by the server itself.
        limit_concurrency=_CONNECTIONS_A_REQUEST * max_requests + _CONNECTIONS,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=min(math.ceil(time_limit), LAST_REQUESTS_S),
    )

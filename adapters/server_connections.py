"""Connections that hang up on clients who do not say what they want."""

import asyncio
from operator import itemgetter

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
"""Seconds in which a request's line and headers must have come."""


class PatientConnection(HttpToolsProtocol):
    """An HTTP connection, closed if a request's headers take longer than `HEADER_SECONDS`."""

    _impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request; where there is no room, another stops waiting."""
        super().connection_made(transport)
        self._make_room()
        self._wait_for_headers()

    def on_message_begin(self) -> None:
        """Begins to wait for the headers of a request, of which the first byte has come."""
        super().on_message_begin()
        self._wait_for_headers()

    def on_headers_complete(self) -> None:
        """Ends the wait."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """Hangs up on who has kept the server waiting for the longest, if there are too many."""
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        silent = [
            (each._impatience.when(), each)
            for each in self.connections
            if isinstance(each, PatientConnection) and each._impatience is not None
        ]
        if silent:
            min(silent, key=itemgetter(0))[1]._hang_up()

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

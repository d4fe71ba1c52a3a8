"""Receives the bodies of requests: limits of each, and of all together."""

import asyncio
import io
from contextlib import AbstractContextManager

from fastapi import Request
from starlette.requests import ClientDisconnect

from ocr_plugin.adapters.server_refusals import Refusal, client_of, gone
from ocr_plugin.adapters.server_shares import Budget, Holding, Places

BYTES_A_SECOND = 100_000
"""So many bytes give a body or an answer a second more."""
# A body must come within so many seconds, and those for its bytes.
_BODY_SECONDS = 10.0


class Bodies:
    """Bodies that are on their way, or are being read.

    Args:
        most: bytes of one.
        together: bytes of all; one alone may have `most` in any case.
        count: that may be on their way at once.
    """

    def __init__(self, most: int, together: int, count: int) -> None:
        self._most, self._held = most, Budget(max(most, together))
        self._arriving = Places(count)

    @property
    def arriving(self) -> int:
        """How many are on their way."""
        return len(self._arriving)

    @property
    def held_bytes(self) -> int:
        """Bytes of all of them, as far as they have come."""
        return self._held.total

    def holding(self, client: str) -> AbstractContextManager[Holding]:
        """Gives what a request's body is counted in, for as long as it is kept."""
        return self._held.holding(client)

    async def received(self, request: Request, holding: Holding) -> bytes:
        """Returns a body once it is there.

        Raises:
            Refusal: it is empty, too long, a form, or comes too slowly; or the client hung up.
            Full: too many bodies are on their way, or all have too many bytes.
            Lost: it gave way to a client with fewer.
        """
        with self._arriving.taken(client_of(request)) as place:
            try:
                return await place.keep(self._body(request, holding))
            except TimeoutError:
                raise Refusal(408, "TooSlow", "the body takes too long to come") from None
            except ClientDisconnect:
                raise gone() from None

    async def _body(self, request: Request, holding: Holding) -> bytes:
        """Returns the body, or rejects it as soon as it is known to be too long or a form."""
        if request.headers.get("content-type", "").startswith("multipart/"):
            message = "send the bytes themselves as the body, not a form: curl --data-binary @FILE"
            raise Refusal(415, "Form", message)
        too_long = Refusal(413, "TooLarge", f"more than {self._most} bytes")
        stated = request.headers.get("content-length", "")
        if stated.isdecimal():
            if int(stated) > self._most:
                raise too_long
            holding.check(int(stated))
        body = io.BytesIO()
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(begun + _BODY_SECONDS) as patience:
            async for chunk in request.stream():
                if body.tell() + len(chunk) > self._most:
                    raise too_long
                holding.grow(len(chunk))
                body.write(chunk)
                patience.reschedule(begun + _BODY_SECONDS + body.tell() / BYTES_A_SECOND)
        if not body.tell():
            raise Refusal(400, "Empty", "the body is empty: send the picture's or document's bytes")
        return body.getvalue()  # not copied

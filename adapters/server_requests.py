"""Request limits, and handling of one request."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from ocr_plugin.adapters.server_decoding import ServerDecoder
from ocr_plugin.adapters.server_guidance import Told, readers_for
from ocr_plugin.adapters.server_metrics import Metrics, Outcome
from ocr_plugin.adapters.server_shares import Full, Lost, Places, cancelled
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.page_readers import PageReaders
from ocr_plugin.engine.shared_engine import Busy, PageFuture, SharedEngine
from ocr_plugin.errors import ConfigurationError, UnreadableImage, one_line
from ocr_plugin.options import (
    DEFAULT_MEMORY,
    LEAST_MEMORY,
    MAX_MEMORY,
    ImageOptions,
    Options,
    PdfText,
)
from ocr_plugin.pages.decoder_pool import Decoding
from ocr_plugin.pages.raster import PageImage
from ocr_plugin.schema import Page, PageError

_Done = TypeVar("_Done")

# A body must come within so many seconds, and one more for each so many bytes of it.
_BODY_SECONDS, _BYTES_A_SECOND = 10.0, 100_000
# Bodies that may be on their way at once, for each request that may be read.
_BODIES_A_REQUEST = 4
# Pages of one request that are submitted ahead, and pages that are read together: no more, so that
# who comes next does not wait for long.
_WINDOW, _BATCH = 4, 8
# For what is being read when the server ends: nobody waits for it any more.
_LAST_BATCH_S = 5.0
_RETRY_S = 0.02


class ServerOptions(Options):
    """Limits of requests."""

    max_bytes: int = Field(default=25_000_000, gt=0, description="Limit of a request's body.")
    max_pages: int = Field(default=100, gt=0, description="Limit of a document.")
    time_limit: float = Field(default=60.0, gt=0, description="Seconds per request.")
    page_seconds: float = Field(
        default=10.0, gt=0, description="Seconds that decoding a page may take."
    )
    max_memory: float = Field(default=DEFAULT_MEMORY, ge=LEAST_MEMORY, description=MAX_MEMORY)
    max_requests: int = Field(
        default=32, gt=0, description="Requests at once; others get status 503."
    )
    readers: int = Field(default=1, gt=0, description="Batches of pages read in parallel.")


class Answer(BaseModel):
    """What was read, page by page; a page that could not be read is among the errors."""

    pages: tuple[Page, ...]
    errors: tuple[PageError, ...] = ()


class Problem(BaseModel):
    """Why a request failed."""

    kind: str
    message: str


class Refusal(Exception):
    """A request is rejected, with an HTTP status."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.problem = status, Problem(kind=kind, message=message)


# Never sent, only counted; 499 is nginx's status for a closed connection.
_GONE = Refusal(499, "ClientGone", "the client hung up")


class RequestHandler:
    """Admits requests, and answers them."""

    def __init__(self, engine: Engine, limits: ServerOptions) -> None:
        self.shared = SharedEngine(engine, readers=limits.readers, batch=_BATCH)
        self.metrics = Metrics()
        self._limits = limits
        self._inside = Places(limits.max_requests)
        # So many that slow clients cannot keep others out, and few enough for memory.
        self._arriving = Places(_BODIES_A_REQUEST * limits.max_requests)
        self._decoder = ServerDecoder(
            engine.options.images,
            min(limits.time_limit, limits.page_seconds),
            limits.max_requests,
            is_alone=lambda: self._inside.clients <= 1,
            max_memory=limits.max_memory,
        )

    async def start(self) -> None:
        """Waits until what decodes has begun."""
        await self._decoder.start()

    def close(self) -> None:
        """Stops decoding and reading; does not wait for long for what is being read."""
        self._decoder.close()
        self.shared.close(_LAST_BATCH_S)

    async def answer(
        self, request: Request, name: str, asked: Told, pdf_text: PdfText | None = None
    ) -> Answer:
        """Returns what was read; raises `Refusal` if the request is rejected.

        Args:
            request: its body is a picture or a document.
            name: of the source, in the answer; its control characters are left out.
            asked: what guides the reading.
            pdf_text: as in `ImageOptions`; None for the engine's own.
        """
        images = self.shared.engine.options.images
        if pdf_text is not None:
            images = images.model_copy(update={"pdf_text": pdf_text})
        name = "".join(each for each in name if each.isprintable()) or "upload"
        with self.metrics.request() as outcome:
            await self._admit(
                request,
                outcome,
                lambda data: self._read(
                    data, name, client_of(request), asked, images, outcome.read
                ),
            )
            return Answer(pages=outcome.pages, errors=outcome.errors)

    async def picture(self, request: Request, index: int) -> bytes:
        """Returns a page as JPEG; raises `Refusal` if there is none."""
        with self.metrics.request() as outcome:
            return await self._admit(
                request, outcome, lambda data: self._shown(data, client_of(request), index)
            )

    async def _admit(
        self,
        request: Request,
        outcome: Outcome,
        work: Callable[[bytes], Coroutine[Any, Any, _Done]],
    ) -> _Done:
        """Returns what `work` makes of a request's body, and notes the status."""
        try:
            done = await self._within_limits(request, outcome, work)
        except Refusal as refusal:
            outcome.status = refusal.status
            raise
        outcome.status = 200
        return done

    async def _within_limits(
        self,
        request: Request,
        outcome: Outcome,
        work: Callable[[bytes], Coroutine[Any, Any, _Done]],
    ) -> _Done:
        data = await self._received(request)
        try:
            with self._inside.taken(client_of(request)) as place:
                async with asyncio.timeout(self._limits.time_limit):
                    return await place.keep(_until_disconnected(request, work(data)))
        except (Full, Lost):
            raise self._busy() from None
        except TimeoutError:
            pages = f"{len(outcome.read)} pages were read"
            message = f"time limit of {self._limits.time_limit:g} s: {pages}"
            raise Refusal(504, "TimeLimit", message) from None
        except UnreadableImage as error:
            raise Refusal(422, "UnreadableImage", str(error)) from error
        except ConfigurationError as error:
            raise Refusal(422, "BadRequest", one_line(error)) from error

    def _busy(self) -> Refusal:
        return Refusal(503, "Busy", f"{len(self._inside)} requests are being read; try again")

    async def _received(self, request: Request) -> bytes:
        """Returns the body once it is there; until then the request takes nobody's place."""
        client = client_of(request)
        try:
            # Before the body comes, which would be for nothing.
            self._inside.check(client)
        except Full:
            raise self._busy() from None
        try:
            with self._arriving.taken(client) as place:
                return await place.keep(self._body(request))
        except (Full, Lost):
            message = f"{len(self._arriving)} requests are on their way; try again"
            raise Refusal(503, "Busy", message) from None
        except TimeoutError:
            raise Refusal(408, "TooSlow", "the body takes too long to come") from None
        except ClientDisconnect:
            raise _GONE from None

    async def _body(self, request: Request) -> bytes:
        """Returns the body, or rejects it as soon as it is known to be too long or a form."""
        if request.headers.get("content-type", "").startswith("multipart/"):
            message = "send the bytes themselves as the body, not a form: curl --data-binary @FILE"
            raise Refusal(415, "Form", message)
        too_long = Refusal(413, "TooLarge", f"more than {self._limits.max_bytes} bytes")
        stated = request.headers.get("content-length", "")
        if stated.isdigit() and int(stated) > self._limits.max_bytes:
            raise too_long
        body = bytearray()
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(begun + _BODY_SECONDS) as patience:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._limits.max_bytes:
                    raise too_long
                patience.reschedule(begun + _BODY_SECONDS + len(body) / _BYTES_A_SECOND)
        if not body:
            raise Refusal(400, "Empty", "the body is empty: send the picture's or document's bytes")
        return bytes(body)

    async def _read(
        self,
        data: bytes,
        name: str,
        client: str,
        asked: Told,
        images: ImageOptions,
        read: list[Page | PageError],
    ) -> None:
        """Appends the result of each page of a document, in order."""
        readers = await self._decoder.in_thread(readers_for, self.shared.engine, asked)
        ahead: deque[PageFuture] = deque()

        async def hand_in(decoding: Decoding) -> bool:
            pages = await self._decoder.next_pages(decoding)
            for page in pages or ():
                ahead.append(await self._hand_in(page, readers, client))
            return pages is not None

        try:
            async with AsyncExitStack() as stack:
                async with self._decoder.turns.of(client):
                    if await self._decoder.has_more_pages(data, self._limits.max_pages, name):
                        raise Refusal(413, "TooLarge", f"more than {self._limits.max_pages} pages")
                    begun = self._decoder.decoding(data, name, images)
                    decoding = await stack.enter_async_context(begun)
                    goes_on = await hand_in(decoding)
                while goes_on:
                    while len(ahead) >= _WINDOW:
                        read.append(await _first_of(ahead))
                    async with self._decoder.turns.of(client, goes_on=True):
                        goes_on = await hand_in(decoding)
            while ahead:
                read.append(await _first_of(ahead))
        finally:
            for future in ahead:
                future.give_up()

    async def _shown(self, data: bytes, client: str, index: int) -> bytes:
        """Returns a page of a document as JPEG."""
        # As it is drawn: whether it has a text of its own does not matter.
        images = self.shared.engine.options.images.model_copy(update={"pdf_text": "ocr"})
        if index < self._limits.max_pages:
            shown = await self._decoder.jpeg(data, client, index, images)
            if shown is not None:
                return shown
        raise Refusal(404, "NoPage", f"there is no page {index}, counted from 0")

    async def _hand_in(
        self, page: PageImage | PageError, readers: PageReaders, client: str
    ) -> PageFuture:
        """Submits a page once there is room for it.

        Raises:
            UnreadableImage: it stands for the document as a whole, which cannot be read.
        """
        if isinstance(page, PageError):
            if page.page_index is None:
                raise UnreadableImage(page.name, page.message)
            failed = PageFuture()
            failed.set_result(page)
            return failed
        while True:
            with suppress(Busy):
                return self.shared.submit(page, readers=readers, client=client)
            await asyncio.sleep(_RETRY_S)


def client_of(request: Request) -> str:
    """Returns the address of a request's client; behind a proxy it is the one that this tells."""
    return request.client.host if request.client else ""


async def _first_of(ahead: deque[PageFuture]) -> Page | PageError:
    """Waits for the result of the oldest page and removes it."""
    # A wait that is cancelled leaves the page here, to be given up.
    result = await asyncio.shield(asyncio.wrap_future(ahead[0]))
    ahead.popleft()
    return result


async def _until_disconnected(request: Request, work: Coroutine[Any, Any, _Done]) -> _Done:
    """Returns the result of some work, or cancels it when the client disconnects."""
    tasks = reading, leaving = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise _GONE
        return reading.result()
    finally:
        await cancelled(reading, leaving)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

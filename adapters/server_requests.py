"""Request limits, and handling of one request."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field

from ocr_plugin.adapters.server_bodies import Bodies
from ocr_plugin.adapters.server_decoding import ServerDecoder
from ocr_plugin.adapters.server_guidance import Told, readers_for
from ocr_plugin.adapters.server_metrics import Load, Metrics, Outcome
from ocr_plugin.adapters.server_refusals import Refusal, client_of, gone
from ocr_plugin.adapters.server_shares import Full, Holding, Lost, Places, cancelled
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

# Bodies that may be on their way at once, for each request that may be read: so many that slow
# clients cannot keep others out.
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
    max_held_bytes: int = Field(
        default=500_000_000,
        gt=0,
        description="Limit of the bodies of all requests together, or `max_bytes` if that is more;"
        " others get status 503.",
    )
    readers: int = Field(default=1, gt=0, description="Batches of pages read in parallel.")


class Answer(BaseModel):
    """What was read, page by page; a page that could not be read is among the errors."""

    pages: tuple[Page, ...]
    errors: tuple[PageError, ...] = ()


class RequestHandler:
    """Admits requests, and answers them."""

    def __init__(self, engine: Engine, limits: ServerOptions) -> None:
        self.shared = SharedEngine(engine, readers=limits.readers, batch=_BATCH)
        self.metrics = Metrics()
        self._limits = limits
        self._inside = Places(limits.max_requests)
        self._bodies = Bodies(
            limits.max_bytes, limits.max_held_bytes, _BODIES_A_REQUEST * limits.max_requests
        )
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

    def load(self) -> Load:
        """Returns what the server is at."""
        turns = self._decoder.turns
        return Load(
            waiting_pages=self.shared.waiting,
            waiting_requests=turns.waiting,
            longest_wait=max(self.shared.longest_wait, turns.longest_wait),
            busy_decoders=self._decoder.busy,
            held_bytes=self._bodies.held_bytes,
        )

    async def check(self) -> None:
        """Raises `Refusal` where the server does not read."""
        if not self.shared.works:
            raise Refusal(503, "Stopped", "the reader threads have died; restart the server")
        waited, limit = self.shared.longest_wait, self._limits.time_limit
        if waited > limit:
            raise Refusal(503, "Overloaded", f"a page has been waiting for {waited:.0f} s")
        silence = await self._decoder.silence()
        if silence > limit:
            message = f"the processes that decode have not answered for {silence:.0f} s"
            raise Refusal(503, "Overloaded", message)

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
            _let_go(refusal)
            raise
        except asyncio.CancelledError:  # by the server, which does not wait any longer
            outcome.status = 503
            raise Refusal(503, "Stopping", "the server is being stopped; try again") from None
        outcome.status = 200
        return done

    async def _within_limits(
        self,
        request: Request,
        outcome: Outcome,
        work: Callable[[bytes], Coroutine[Any, Any, _Done]],
    ) -> _Done:
        client = client_of(request)
        try:
            # Before the body comes, which would be for nothing.
            self._inside.check(client)
            with self._bodies.holding(client) as holding:
                return await holding.keep(self._answered(request, holding, work))
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

    async def _answered(
        self,
        request: Request,
        holding: Holding,
        work: Callable[[bytes], Coroutine[Any, Any, _Done]],
    ) -> _Done:
        """Returns what `work` makes of the body; until it is there it takes nobody's place."""
        data = await self._bodies.received(request, holding)
        with self._inside.taken(client_of(request)) as place:
            async with asyncio.timeout(self._limits.time_limit):
                return await place.keep(_until_disconnected(request, work(data)))

    def _busy(self) -> Refusal:
        bodies, megabytes = self._bodies.arriving, self._bodies.held_bytes / 1e6
        message = (
            f"{len(self._inside)} requests are being read, {bodies} are on their way,"
            f" {megabytes:.0f} MB together; try again"
        )
        return Refusal(503, "Busy", message)

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


def _let_go(refusal: Refusal) -> None:
    """Drops the tracebacks, whose frames and tasks are circles and would keep the body."""
    chain: list[BaseException | None] = [refusal]
    while chain:
        if (error := chain.pop()) is not None:
            error.__traceback__ = None
            chain += [error.__cause__, error.__context__]


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
            raise gone()
        return reading.result()
    finally:
        await cancelled(reading, leaving)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

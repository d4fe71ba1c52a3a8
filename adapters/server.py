"""A small HTTP server: a picture or a document in, its pages as JSON out.

    uvicorn.run(make_app(Engine()))

or ``ocr-plugin serve``. Requests of all clients share the recognizer's batches. What a request
may cost is bounded at every step: its bytes, its pages, its time, and how many are let in at
once. Needs the extra `serve`.
"""

import asyncio
import io
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from ocr_plugin.adapters.server_metrics import CONTENT_TYPE, Metrics
from ocr_plugin.engine import Engine
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.images import PageImage, has_more_pages, open_pages
from ocr_plugin.options import Options
from ocr_plugin.prefetch import Failure
from ocr_plugin.schema import Page, PageError
from ocr_plugin.shared_engine import Busy, SharedEngine

_Done = TypeVar("_Done")

# Pages of one request that are handed in ahead, and pages that are decoded at once.
_WINDOW = 4
_DECODERS = 2
_RETRY_S = 0.02
# The page needs nothing from anywhere else, so nothing else is allowed to it.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src blob:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class ServerOptions(Options):
    """What a request may cost."""

    max_bytes: int = Field(default=25_000_000, gt=0, description="Bytes of a request's body.")
    max_pages: int = Field(default=100, gt=0, description="Pages of a document.")
    time_limit: float = Field(default=60.0, gt=0, description="Seconds for a request in all.")
    max_requests: int = Field(
        default=32, gt=0, description="Requests at once; more are answered 503."
    )


class Answer(BaseModel):
    """What was read, page by page; a page that could not be read is among the errors."""

    pages: tuple[Page, ...]
    errors: tuple[PageError, ...] = ()


class Problem(BaseModel):
    """Why a request was not answered."""

    kind: str
    message: str


class Refusal(Exception):
    """A request that is not answered, with the HTTP status that says so."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.problem = status, Problem(kind=kind, message=message)


# Nobody hears it, but it is counted; the status is nginx's.
_GONE = Refusal(499, "ClientGone", "the client hung up")
_STATUSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body is empty."},
    413: {"model": Problem, "description": "Too many bytes or pages."},
    422: {"model": Problem, "description": "No picture or document, or a damaged one."},
    503: {"model": Problem, "description": "Too many requests at once; try again later."},
    504: {"model": Problem, "description": "The time limit was reached."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of one picture (any format that Pillow reads), TIFF or PDF.",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def make_app(engine: Engine, options: ServerOptions | None = None) -> FastAPI:
    """Returns the server's ASGI application.

    Args:
        engine: reads the pages; its `EngineOptions` set the limit of a page's pixels.
        options: what a request may cost.
    """
    limits = options or ServerOptions()
    door = _Door(engine, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(door.close)

    app = FastAPI(
        title="ocr-plugin",
        version=engine.info.version,
        description="Reads the text of pictures and documents.",
        lifespan=lifespan,
        # Their pages would be fetched from another host.
        docs_url=None,
        redoc_url=None,
    )

    @app.post(
        "/v1/read", responses=_STATUSES, openapi_extra=_BODY, summary="Read a picture or document"
    )
    async def read(
        request: Request,
        name: Annotated[str, Query(max_length=255, description="What to call it.")] = "upload",
    ) -> Answer:
        return await door.answer(request, name)

    @app.get("/v1/health", summary="Whether the server reads")
    async def health() -> dict[str, str]:
        return {"status": "ok", "recognizer": engine.info.recognizer.name}

    @app.get("/metrics", summary="Counters for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(door.metrics.render(door.shared.waiting), media_type=CONTENT_TYPE)

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        text = files("ocr_plugin.adapters").joinpath("server_page.html").read_text("utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> JSONResponse:
        # A body that is not wanted is not waited for either.
        headers = {503: {"Retry-After": "1"}, 413: {"Connection": "close"}}.get(refusal.status)
        return JSONResponse(refusal.problem.model_dump(), refusal.status, headers)

    return app


class _Door:
    """Lets requests in, and sees each through to its answer."""

    def __init__(self, engine: Engine, limits: ServerOptions) -> None:
        self.shared = SharedEngine(engine)
        self.metrics = Metrics()
        self._limits = limits
        self._inside = 0
        self._decoders = ThreadPoolExecutor(_DECODERS, thread_name_prefix="ocr-decode")
        self._decoding = asyncio.Semaphore(_DECODERS)

    def close(self) -> None:
        """Reads what is waiting, then stops."""
        self._decoders.shutdown(cancel_futures=True)
        self.shared.close()

    async def answer(self, request: Request, name: str) -> Answer:
        """Returns what was read; raises `Refusal` where nothing was."""
        with self.metrics.request() as outcome:
            read: list[Page | PageError] = []
            try:
                await self._let_in(request, name, read)
            except Refusal as refusal:
                outcome.status = refusal.status
                raise
            answer = Answer(
                pages=tuple(item for item in read if isinstance(item, Page)),
                errors=tuple(item for item in read if isinstance(item, PageError)),
            )
            outcome.count(answer.pages, len(answer.errors))
            return answer

    async def _let_in(self, request: Request, name: str, read: list[Page | PageError]) -> None:
        """Appends what becomes of each page, as far as the limits allow."""
        if self._inside >= self._limits.max_requests:
            raise Refusal(503, "Busy", f"{self._inside} requests are being read; try again")
        self._inside += 1
        try:
            async with asyncio.timeout(self._limits.time_limit):
                data = await self._body(request)
                await _unless_gone(request, self._read(data, name, read))
        except TimeoutError:
            message = f"{self._limits.time_limit:g} s were not enough: {len(read)} pages were read"
            raise Refusal(504, "TimeLimit", message) from None
        except UnreadableImage as error:
            raise Refusal(422, "UnreadableImage", str(error)) from error
        except ClientDisconnect:
            raise _GONE from None
        finally:
            self._inside -= 1

    async def _body(self, request: Request) -> bytes:
        """Returns the body, or refuses it as soon as it is known to be too long."""
        too_long = Refusal(413, "TooLarge", f"more than {self._limits.max_bytes} bytes")
        stated = request.headers.get("content-length", "")
        if stated.isdigit() and int(stated) > self._limits.max_bytes:
            raise too_long
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise too_long
        if not body:
            raise Refusal(400, "Empty", "the body is to be the picture's or document's bytes")
        return bytes(body)

    async def _read(self, data: bytes, name: str, read: list[Page | PageError]) -> None:
        """Appends what becomes of each page of a document, in order."""
        async with self._decoding:
            too_many = await self._in_decoder(has_more_pages, data, self._limits.max_pages, name)
        if too_many:
            raise Refusal(413, "TooLarge", f"more than {self._limits.max_pages} pages")
        pages = open_pages(_Named(data, name), self.shared.engine.options.images)
        ahead: deque[Future[Page | PageError]] = deque()
        try:
            while (handed_in := await self._hand_in(pages)) is not None:
                ahead.append(handed_in)
                if len(ahead) >= _WINDOW:
                    read.append(await asyncio.wrap_future(ahead.popleft()))
            while ahead:
                read.append(await asyncio.wrap_future(ahead.popleft()))
        finally:
            for future in ahead:
                future.cancel()

    async def _in_decoder(self, work: Callable[..., _Done], *arguments: Any) -> _Done:
        """Does what takes time in another thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, work, *arguments)

    async def _hand_in(
        self, pages: Iterator[PageImage | UnreadableImage]
    ) -> Future[Page | PageError] | None:
        """Decodes the next page and hands it in; returns None after the last.

        A decoder is kept busy until there is room for its page, so that decoded pages do not
        pile up before the queue.
        """
        async with self._decoding:
            image = await self._in_decoder(next, pages, None)
            if image is None:
                return None
            if isinstance(image, UnreadableImage):
                failed: Future[Page | PageError] = Future()
                failed.set_result(Failure(image.name, image.page_index, image).as_value())
                return failed
            while True:
                with suppress(Busy):
                    return self.shared.submit(image)
                await asyncio.sleep(_RETRY_S)


class _Named(io.BytesIO):
    """A file of bytes whose pages say that they came from there."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


async def _unless_gone(request: Request, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, or gives it up where the client hangs up before it is done."""
    tasks = reading, leaving = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise _GONE
        reading.result()
    finally:
        reading.cancel()
        leaving.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

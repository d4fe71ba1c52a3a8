"""A small HTTP server: a picture or a document in, its pages as JSON out.

    uvicorn.run(make_app(Engine()))

or ``ocr-plugin serve``. Requests of all clients share the recognizer's batches. Requests are
limited in bytes, pages, time and number. Needs the extra `serve`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from ocr_plugin.adapters.server_access import LocalHostsOnly, TokenRequired
from ocr_plugin.adapters.server_guidance import Guided
from ocr_plugin.adapters.server_metrics import CONTENT_TYPE
from ocr_plugin.adapters.server_refusals import Problem, Refusal
from ocr_plugin.adapters.server_requests import Answer, RequestHandler, ServerOptions
from ocr_plugin.engine.engine import Engine
from ocr_plugin.options import PdfText

# The page loads nothing from other hosts, so nothing else is allowed.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src blob:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


_STATUSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body is empty."},
    401: {"model": Problem, "description": "The token is missing or wrong, where one is set."},
    408: {"model": Problem, "description": "The body took too long to come."},
    413: {"model": Problem, "description": "Too many bytes or pages."},
    415: {"model": Problem, "description": "A form; send the bytes themselves as the body."},
    422: {"model": Problem, "description": "No picture or document, a damaged one, or bad query."},
    500: {"model": Problem, "description": "An internal error."},
    503: {"model": Problem, "description": "Too many requests at once; try again later."},
    504: {"model": Problem, "description": "The time limit was reached."},
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The page as a person sees it."},
    404: {"model": Problem, "description": "The document has no such page."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of one picture (JPEG, PNG, WEBP and others, HEIC with the extra"
        " heif), TIFF or PDF.",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def make_app(
    engine: Engine,
    options: ServerOptions | None = None,
    token: str | None = None,
    local_only: bool = False,
) -> FastAPI:
    """Returns the server's ASGI application.

    Args:
        engine: reads the pages; its `EngineOptions` set the limit of a page's pixels.
        options: limits of requests.
        token: that requests must bring, as ``Authorization: Bearer TOKEN``; None for none.
        local_only: whether requests for a host other than this machine are refused.
    """
    handler = RequestHandler(engine, options or ServerOptions())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await handler.start()
        yield
        await asyncio.to_thread(handler.close)

    app = FastAPI(
        title="ocr-plugin",
        version=engine.info.version,
        description="Reads the text of pictures and documents.",
        lifespan=lifespan,
        # FastAPI's pages load scripts from another host.
        docs_url=None,
        redoc_url=None,
    )

    _add_reading(app, handler)
    _add_pages(app, handler)
    _add_refusals(app)
    if token is not None:
        app.add_middleware(TokenRequired, token=token)
    if local_only:
        app.add_middleware(LocalHostsOnly)
    return app


def _add_reading(app: FastAPI, handler: RequestHandler) -> None:
    """Adds what takes a picture or document."""

    @app.post(
        "/v1/read", responses=_STATUSES, openapi_extra=_BODY, summary="Read a picture or document"
    )
    async def read(
        request: Request,
        guidance: Guided,
        name: Annotated[
            str, Query(max_length=255, description="Its name in the answer.")
        ] = "upload",
        pdf_text: Annotated[
            PdfText | None,
            Query(
                description="Text of PDFs: ocr reads the pages as pictures, layer takes the text"
                " that they carry, auto takes it where it is sound; by default as the server was"
                " started."
            ),
        ] = None,
    ) -> Answer:
        return await handler.answer(request, name, guidance, pdf_text)

    @app.post(
        "/v1/picture",
        responses=_PICTURE | _STATUSES,
        openapi_extra=_BODY,
        summary="Show a page of a picture or document",
        response_class=Response,
    )
    async def picture(
        request: Request,
        page: Annotated[int, Query(ge=0, description="Counted from 0.")] = 0,
    ) -> Response:
        return Response(await handler.picture(request, page), media_type="image/jpeg")


def _add_pages(app: FastAPI, handler: RequestHandler) -> None:
    """Adds health, metrics, and the page to drop pictures on."""
    info = handler.shared.engine.info

    @app.get("/v1/health", summary="Whether the server reads", responses={503: {"model": Problem}})
    async def health() -> dict[str, str]:
        await handler.check()
        return {"status": "ok", "recognizer": info.recognizer.name}

    @app.get("/metrics", summary="Counters for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        text = handler.metrics.render(handler.load())
        return Response(text, media_type=CONTENT_TYPE)

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        text = files("ocr_plugin.adapters").joinpath("server_page.html").read_text("utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})


def _add_refusals(app: FastAPI) -> None:
    """Makes every error response of an application a `Problem`."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> JSONResponse:
        # Closing the connection spares receiving a body that is not wanted.
        close = {"Connection": "close"}
        headers = {503: {"Retry-After": "1"}, 408: close, 413: close, 415: close}.get(
            refusal.status
        )
        return _refusal(refusal.status, refusal.problem, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][1:]))
        return _refusal(422, Problem(kind="BadRequest", message=f"{place}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> JSONResponse:
        kind = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
        message = f"{request.method} {request.url.path}: {error.detail}"
        return _refusal(error.status_code, Problem(kind=kind, message=message), error.headers)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> JSONResponse:
        message = f"unexpected {type(error).__name__}; see the server's log"
        return _refusal(500, Problem(kind="ServerError", message=message))


def _refusal(
    status: int, problem: Problem, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(problem.model_dump(), status, headers)

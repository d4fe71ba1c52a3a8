"""``ocr-plugin serve``: the HTTP server."""

import ipaddress
import os
import socket
from typing import Annotated

import typer

from ocr_plugin.cli.console import say
from ocr_plugin.cli.guidance import (
    AbstainBelow,
    Allow,
    Language,
    Lexicon,
    LexiconWeight,
    Pattern,
    constraint_of,
)
from ocr_plugin.cli.parameters import (
    Device,
    MaxMemory,
    Model,
    Offline,
    PdfTextName,
    Precision,
    RecognizerName,
    chosen,
    runtime_of,
)
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import (
    DEFAULT_DETECTOR,
    DEFAULT_MEMORY,
    DEFAULT_PDF_TEXT,
    EngineOptions,
    ImageOptions,
)

# Smaller than elsewhere: requests are not trusted.
_MAX_PIXELS = 50_000_000


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for all networks.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free port.")] = 8000,
    detector: Annotated[
        str, typer.Option(metavar="NAME", help="Detector that finds text.")
    ] = DEFAULT_DETECTOR,
    recognizer: RecognizerName = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
    pdf_text: PdfTextName = DEFAULT_PDF_TEXT,
    language: Language = None,
    allow: Allow = None,
    pattern: Pattern = None,
    lexicon: Lexicon = None,
    lexicon_weight: LexiconWeight = None,
    abstain_below: AbstainBelow = None,
    max_megabytes: Annotated[
        float, typer.Option(min=0.001, help="Limit of a picture or document.")
    ] = 25,
    max_pages: Annotated[int, typer.Option(min=1, help="Limit of a document.")] = 100,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Seconds per request.")] = 60,
    page_seconds: Annotated[
        float, typer.Option(min=0.1, help="Seconds that decoding a page may take.")
    ] = 10,
    max_memory: MaxMemory = DEFAULT_MEMORY,
    max_requests: Annotated[int, typer.Option(min=1, help="At once; others get status 503.")] = 32,
    max_total_megabytes: Annotated[
        float, typer.Option(min=0.001, help="Limit of what all requests hold; others get 503.")
    ] = 500,
    readers: Annotated[
        int, typer.Option(min=1, help="Batches read in parallel; on a GPU more than one.")
    ] = 1,
    offline: Offline = False,
) -> None:
    """Serve: POST a picture or PDF to /v1/read, or drop one on the page at /.

    Clients must send the token in OCR_PLUGIN_TOKEN, if it is set. There is no encryption: on open
    networks, run it behind a proxy.
    """
    try:
        import uvicorn

        from ocr_plugin.adapters.server import make_app
        from ocr_plugin.adapters.server_access import TOKEN_VARIABLE, is_loopback
        from ocr_plugin.adapters.server_connections import config_of
        from ocr_plugin.adapters.server_requests import ServerOptions
    except ModuleNotFoundError as error:
        message = f"{error.name} is missing: pip install 'ocr-plugin[serve]'"
        raise ConfigurationError(message) from None
    from ocr_plugin.engine.engine import Engine

    name, options = chosen(recognizer, model)
    images = ImageOptions.parse({"pdf_text": pdf_text, "max_pixels": _MAX_PIXELS})
    constraint = constraint_of(allow, pattern, lexicon, lexicon_weight, abstain_below)
    limits = ServerOptions(
        max_bytes=round(max_megabytes * 1_000_000),
        max_pages=max_pages,
        time_limit=time_limit,
        page_seconds=page_seconds,
        max_memory=max_memory,
        max_requests=max_requests,
        max_held_bytes=round(max_total_megabytes * 1_000_000),
        readers=readers,
    )
    with _listener(host, port) as listener:
        engine = Engine(
            detector,
            name,
            runtime=runtime_of(device, precision, offline),
            recognizer_options=options,
            options=EngineOptions(images=images),
            language=language,
            constraint=constraint,
        )
        local, token = is_loopback(host), os.environ.get(TOKEN_VARIABLE) or None
        if not local and token is None:
            say(f"anybody who reaches {host} may use this server: set {TOKEN_VARIABLE}")
        app = make_app(engine, limits, token, local_only=local)
        config = config_of(app, max_requests, time_limit)
        say(f"listening on http://{_shown(host)}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run([listener])


def _listener(host: str, port: int) -> socket.socket:
    if not host:  # the system would take it for all networks
        raise ConfigurationError("--host is empty: give 0.0.0.0 to listen on all networks")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # The error's own text repeats the address.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ConfigurationError(f"{host}:{port}: cannot listen: {reason}") from error


def _shown(host: str) -> str:
    """Returns a host as written in a URL."""
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host

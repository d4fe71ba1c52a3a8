"""Servers, in this process and in one of their own, for the tests."""

import asyncio
import io
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import uvicorn
from PIL import Image
from starlette.types import ASGIApp

from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_requests import ServerOptions
from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB, Reading, Regions, Unit
from ocr_plugin.schema import Component
from tests.pictures import draw_lines

PHOTO = Path(__file__).parents[2] / "examples" / "shop_signs.jpg"


class Slow:
    """A detector that takes its time, and notes its batches; it may be held at a gate."""

    component = Component(name="slow", version="1")

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.batches = seconds, [0]
        self.entered, self.open = threading.Event(), threading.Event()
        self.open.set()

    def detect(self, pages: Sequence[RGB]) -> list[Regions]:
        self.batches.append(len(pages))
        self.entered.set()
        assert self.open.wait(30)
        time.sleep(self.seconds * len(pages))
        quad = np.array([(0, 0), (8, 0), (8, 8), (0, 8)], np.float32)
        return [Regions([quad], np.ones(1, np.float32), kind="line") for _ in pages]


class Says:
    component = Component(name="says", version="1")
    unit: Unit = "line"

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        return [Reading("word", 0.9) for _ in crops]


def png(text: str = "Harbour office") -> bytes:
    coded = io.BytesIO()
    Image.fromarray(draw_lines([(30, 30, text)], size=(420, 100)).pixels).save(coded, "PNG")
    return coded.getvalue()


def pdf(pages: int) -> bytes:
    sheets = [Image.new("RGB", (60, 60), "white") for _ in range(pages)]
    coded = io.BytesIO()
    sheets[0].save(coded, "PDF", save_all=True, append_images=sheets[1:])
    return coded.getvalue()


def app_client(app: ASGIApp, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """Returns a client, at an address, of an application in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60)


@contextmanager
def running(config: uvicorn.Config) -> Iterator[tuple[uvicorn.Server, int, threading.Thread]]:
    """Runs a server in a thread: the server, its port, the thread."""
    server, listener = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield server, listener.getsockname()[1], thread
    finally:
        server.should_exit = True
        thread.join(60)


Requests = Callable[[httpx.AsyncClient], Awaitable[list[httpx.Response]]]


def answers_of(engine: Engine, requests: Requests, **limits: float) -> list[httpx.Response]:
    """Returns the answers of a server in this process to some requests."""
    app = make_app(engine, ServerOptions.parse(dict(limits)))

    async def run() -> list[httpx.Response]:
        async with app.router.lifespan_context(app), app_client(app) as client:
            return await requests(client)

    return asyncio.run(run())


def ask(detector: Slow, *bodies: bytes, **limits: float) -> list[httpx.Response]:
    """Returns the answers to requests that are made at once, in order."""

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        posts = (client.post("/v1/read", content=body) for body in bodies)
        return list(await asyncio.gather(*posts))

    return answers_of(Engine(detector, Says()), requests, **limits)


class Server:
    """``ocr-plugin serve`` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "ocr_plugin", "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        found = re.fullmatch(r"ocr-plugin: listening on (http://127\.0\.0\.1:(\d+))\n", line)
        assert found, line + self.process.stderr.read()
        self.url, self.port = found[1], int(found[2])

    def post(self, body: bytes, **parameters: str) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/read", content=body, params=parameters, timeout=60)

    def metric(self, name: str) -> float:
        text = httpx.get(f"{self.url}/metrics").text
        values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name)]
        return sum(map(float, values))

    def stop(self, told: int = signal.SIGINT) -> tuple[str, str]:
        self.process.send_signal(told)
        return self.process.communicate(timeout=60)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["kind"]

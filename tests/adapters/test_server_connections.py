"""Connections of clients that keep the server waiting, and how it ends."""

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ocr_plugin.adapters import server_connections
from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_connections import config_of
from ocr_plugin.adapters.server_requests import ServerOptions
from ocr_plugin.engine.engine import Engine
from tests.adapters.servers import Says, Slow, png, problem, running

pytestmark = pytest.mark.filterwarnings("default")

BIG = 30_000_000


async def big(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, with more than a system takes for a client that does not read."""
    if scope["type"] == "http":
        await Response(bytes(BIG if scope["path"] == "/big" else 10))(scope, receive, send)


def connected(port: int, sent: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(sent)
    return client


def taken(client: socket.socket) -> Iterator[int]:
    """Yields how much came, until the server hangs up."""
    try:
        while part := client.recv(1_000_000):
            yield len(part)
    except ConnectionResetError:
        pass


def test_silent_connections_are_closed_and_others_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_connections, "HEADER_SECONDS", 0.5)
    with running(config_of(make_app(Engine(Slow(), Says())), 32, 60)) as (_, port, _):
        halfway = connected(port, b"POST /v1/read HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        with connected(port, b"") as silent, halfway:
            assert httpx.post(f"http://127.0.0.1:{port}/v1/read", content=png()).is_success
            assert silent.recv(10) == b"" and halfway.recv(10) == b""
        with httpx.Client() as client:  # a connection that is kept is not hung up on at once
            for _ in range(2):
                assert client.get(f"http://127.0.0.1:{port}/v1/health").status_code == 200
                time.sleep(0.8)


def test_who_does_not_take_an_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_connections, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(server_connections, "BYTES_A_SECOND", BIG / 2)
    get = b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
    with (
        running(config_of(big, 32, 60)) as (server, port, _),
        connected(port, get) as idle,
        connected(port, get + get) as late,
    ):
        time.sleep(0.5)
        got = 0
        for count in taken(late):  # in time, for so large an answer
            got += count
            if got > 2 * BIG:
                break
        assert got > 2 * BIG
        late.close()
        until = time.monotonic() + 30
        while server.server_state.connections and time.monotonic() < until:
            time.sleep(0.05)
        assert not server.server_state.connections
        assert sum(taken(idle)) < BIG


def test_who_goes_on_with_a_body_after_the_answer_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_connections, "HEADER_SECONDS", 0.5)
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    with (
        running(config_of(big, 32, 60)) as (_, port, _),
        connected(port, post) as client,
    ):
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        with pytest.raises(OSError):  # reset or broken pipe
            for _ in range(100):
                client.sendall(b"x")
                time.sleep(0.05)


def test_the_end_does_not_wait_for_the_time_limit_of_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_connections, "LAST_REQUESTS_S", 1)
    detector, answers = Slow(), list[httpx.Response]()
    detector.open.clear()
    app = make_app(Engine(detector, Says()), ServerOptions(time_limit=600.0))
    with running(config_of(app, 32, 600.0)) as (server, port, thread):

        def ask() -> None:
            url = f"http://127.0.0.1:{port}/v1/read"
            answers.append(httpx.post(url, content=png(), timeout=60))

        asking = threading.Thread(target=ask)
        asking.start()
        assert detector.entered.wait(30)
        server.should_exit = True  # as SIGTERM does
        asking.join(30)
        detector.open.set()
        thread.join(30)
        assert not thread.is_alive()
    assert [problem(each) for each in answers] == [(503, "Stopping")]
    assert answers[0].headers["Retry-After"] == "1"


def test_the_end_comes_sooner_where_requests_may_take_less() -> None:
    ends = [config_of(big, 32, limit).timeout_graceful_shutdown for limit in (0.5, 7, 60, 3600)]
    assert ends == [1, 7, 15, 15]

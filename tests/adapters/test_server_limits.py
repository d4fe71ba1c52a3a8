"""Limits of requests, and clients that misbehave."""

import io
import re
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from ocr_plugin.engine.engine import Engine
from tests.adapters.servers import (
    Says,
    Server,
    Slow,
    answers_of,
    ask,
    pdf,
    png,
    problem,
)

pytestmark = pytest.mark.filterwarnings("default")


def test_a_body_of_unknown_length_is_cut_off(server: Server) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 100_000
            yield bytes(100_000)

    try:
        response = httpx.post(f"{server.url}/v1/read", content=chunks(), timeout=60)
        assert problem(response) == (413, "TooLarge")
    except (httpx.WriteError, httpx.RemoteProtocolError):
        pass  # the server hung up while the client still sent
    assert sent < 90_000_000
    assert server.post(png()).status_code == 200


def test_a_hundred_megabytes_are_refused_unread(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        head = "POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n"
        client.sendall(head.encode() + bytes(1000))
        assert client.recv(100).startswith(b"HTTP/1.1 413")
    assert server.post(png()).status_code == 200


def test_a_client_that_hangs_up_is_given_up(server: Server) -> None:
    body = pdf(200)
    gone = server.metric('ocr_plugin_requests_total{status="499"}')
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        head = f"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        time.sleep(0.3)
    assert server.post(png()).status_code == 200
    until = time.monotonic() + 30
    while server.metric('ocr_plugin_requests_total{status="499"}') == gone:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert server.metric("ocr_plugin_open_requests") == 0


def test_a_long_document_meets_the_time_limit() -> None:
    detector = Slow(0.05)
    (late,) = ask(detector, pdf(200), time_limit=0.6, max_pages=300)
    assert problem(late) == (504, "TimeLimit")
    found = re.fullmatch(r"time limit of 0\.6 s: (\d+) pages were read", late.json()["message"])
    assert found and 0 < int(found[1]) < 60
    assert sum(detector.batches) < 60  # no more is read for a request that is over


def test_too_many_pages_are_refused_before_any_is_read() -> None:
    detector = Slow(0.5)
    sheets = [Image.new("L", (60, 60)) for _ in range(6)]
    tiff = io.BytesIO()
    sheets[0].save(tiff, "TIFF", save_all=True, append_images=sheets[1:])
    for refused in ask(detector, pdf(6), tiff.getvalue(), max_pages=5):
        assert problem(refused) == (413, "TooLarge")
    assert detector.batches == [0]


def test_requests_of_many_clients_share_batches() -> None:
    detector = Slow(0.02)
    answers = ask(detector, *[png()] * 12)
    assert [answer.status_code for answer in answers] == [200] * 12
    assert sum(detector.batches) == 12 and max(detector.batches) >= 3


def test_a_full_server_says_so_at_once() -> None:
    detector = Slow()
    detector.open.clear()
    threading.Timer(1.0, detector.open.set).start()
    answers = ask(detector, *[png()] * 5, max_requests=3)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 503, 503]
    full = next(answer for answer in answers if answer.status_code == 503)
    assert full.json()["kind"] == "Busy" and full.headers["Retry-After"] == "1"


def test_who_is_answered_makes_room_for_the_next() -> None:
    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post("/v1/read", content=png()) for _ in range(2)]

    answers = answers_of(Engine(Slow(), Says()), requests, max_requests=1)
    assert [answer.status_code for answer in answers] == [200, 200]


def test_pages_that_wait_for_a_request_that_is_over_are_not_read() -> None:
    detector = Slow()
    detector.open.clear()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        late = await client.post("/v1/read", content=pdf(4))
        detector.open.set()
        return [late, await client.post("/v1/read", content=png())]

    late, next_one = answers_of(Engine(detector, Says()), requests, time_limit=1.0)
    assert problem(late) == (504, "TimeLimit") and next_one.status_code == 200
    # What was begun when the time was over, and the next request's page.
    assert len(detector.batches) == 3 and detector.batches[1] < 4 and detector.batches[2] == 1


def test_pages_that_were_read_before_a_refusal_are_counted() -> None:
    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        late = await client.post("/v1/read", content=pdf(200))
        return [late, await client.get("/metrics")]

    late, metrics = answers_of(Engine(Slow(0.05), Says()), requests, time_limit=0.6, max_pages=300)
    read = re.search(r"(\d+) pages were read", late.json()["message"])
    counted = re.search(r"^ocr_plugin_pages_total (\d+)", metrics.text, re.M)
    assert read and counted and int(read[1]) == int(counted[1]) > 0

"""The HTTP server: answers, limits, and clients that misbehave."""

import asyncio
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import httpx
import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pikepdf
import pytest
from PIL import Image

from ocr_plugin.adapters import server_requests
from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_requests import ServerOptions
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.shared_engine import SharedEngine
from ocr_plugin.protocols import RGB, Reading, Regions, Unit
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.schema import Component, Page, PageError
from tests.pictures import draw_lines

pytestmark = pytest.mark.filterwarnings("default")

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


Requests = Callable[[httpx.AsyncClient], Awaitable[list[httpx.Response]]]


def answers_of(engine: Engine, requests: Requests, **limits: float) -> list[httpx.Response]:
    """Returns the answers of a server in this process to some requests."""
    app = make_app(engine, ServerOptions.parse(dict(limits)))

    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
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

    def stop(self) -> tuple[str, str]:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server("--recognizer", "ppocr", "--max-megabytes", "2", "--max-pages", "200")
    yield running
    running.stop()


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["kind"]


def test_a_picture_comes_back_as_page_json(server: Server) -> None:
    response = server.post(PHOTO.read_bytes(), name="signs.jpg")
    assert response.status_code == 200
    (page,) = (Page.model_validate(page) for page in response.json()["pages"])
    expected = Engine(recognizer=PPOcrRecognizer()).read(PHOTO)
    assert page == expected.model_copy(
        update={"source": expected.source.model_copy(update={"name": "signs.jpg"})}
    )


def test_every_page_of_a_document_is_there_and_a_bad_one_is_an_error(server: Server) -> None:
    sheets = [Image.fromarray(draw_lines([(30, 30, text)]).pixels) for text in ("one", "two")]
    coded = io.BytesIO()
    sheets[0].save(coded, "TIFF", save_all=True, append_images=sheets[1:], compression="jpeg")
    whole = server.post(coded.getvalue()).json()
    assert [page["source"]["page_index"] for page in whole["pages"]] == [0, 1]
    broken = bytearray(coded.getvalue())
    first = broken.index(b"\xff\xda")
    broken[first : first + 200] = bytes(200)
    partly = server.post(bytes(broken)).json()
    assert [page["source"]["page_index"] for page in partly["pages"]] == [1]
    assert [PageError.model_validate(error).page_index for error in partly["errors"]] == [0]


def encrypted() -> bytes:
    coded = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(1))) as document:
        document.save(coded, encryption=pikepdf.Encryption(owner="a", user="b"))
    return coded.getvalue()


@pytest.mark.parametrize(
    ("body", "expected", "message"),
    [
        (b"", (400, "Empty"), "the body is empty"),
        (b"no picture", (422, "UnreadableImage"), "upload: not an image"),
        (png()[:200], (422, "UnreadableImage"), "upload: "),
        (b"%PDF-1.7\nnonsense", (422, "UnreadableImage"), "upload: "),
        (encrypted(), (422, "UnreadableImage"), "upload: the PDF is encrypted"),
        (bytes(2_000_001), (413, "TooLarge"), "more than 2000000 bytes"),
        (pdf(201), (413, "TooLarge"), "more than 200 pages"),
    ],
    ids=["empty", "text", "truncated", "corrupt pdf", "locked pdf", "bytes", "pages"],
)
def test_bad_input_gets_a_clear_answer_and_the_next_request_works(
    server: Server, body: bytes, expected: tuple[int, str], message: str
) -> None:
    response = server.post(body)
    assert problem(response) == expected
    assert response.json()["message"].startswith(message)
    assert "\n" not in response.json()["message"]
    assert server.post(png()).json()["pages"][0]["blocks"][0]["lines"]


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
        head = "POST /v1/read HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
        client.sendall(head.encode() + bytes(1000))
        assert client.recv(100).startswith(b"HTTP/1.1 413")
    assert server.post(png()).status_code == 200


def test_a_client_that_hangs_up_is_given_up(server: Server) -> None:
    body = pdf(200)
    gone = server.metric('ocr_plugin_requests_total{status="499"}')
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        head = f"POST /v1/read HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
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


def test_every_refusal_has_a_kind_and_a_line(server: Server) -> None:
    form = httpx.post(f"{server.url}/v1/read", files={"file": png()}, timeout=60)
    assert problem(form) == (415, "Form") and "--data-binary" in form.json()["message"]
    assert problem(server.post(png(), name="a" * 256)) == (422, "BadRequest")
    assert problem(httpx.get(f"{server.url}/v2/read")) == (404, "NotFound")
    wrong = httpx.get(f"{server.url}/v1/read")
    assert problem(wrong) == (405, "MethodNotAllowed") and wrong.headers["Allow"] == "POST"
    assert "GET /v1/read" in wrong.json()["message"]


def test_a_defect_is_a_refusal_too_and_a_server_that_stopped_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(server_requests, "has_more_pages", broken)
    monkeypatch.setattr(SharedEngine, "works", False)

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post("/v1/read", content=png()), await client.get("/v1/health")]

    failed, health = answers_of(Engine(Slow(), Says()), requests)
    assert problem(failed) == (500, "ServerError")
    assert "ZeroDivisionError" in failed.json()["message"]
    assert problem(health) == (503, "Stopped")


def test_a_page_is_shown_as_a_picture(server: Server) -> None:
    sheets = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    tiff = io.BytesIO()
    sheets[0].save(tiff, "TIFF", save_all=True, append_images=sheets[1:])
    asked = [
        httpx.post(f"{server.url}/v1/picture", content=tiff.getvalue(), params={"page": index})
        for index in (0, 1, 2, 10**9)
    ]
    assert [answer.status_code for answer in asked] == [200, 200, 404, 404]
    assert asked[0].headers["Content-Type"] == "image/jpeg"
    second = Image.open(io.BytesIO(asked[1].content)).convert("RGB")
    assert second.size == (60, 40) and second.getpixel((5, 5)) == pytest.approx((0, 0, 254), abs=3)
    assert problem(asked[2]) == (404, "NoPage")
    bad = httpx.post(f"{server.url}/v1/picture", content=b"no picture")
    assert problem(bad) == (422, "UnreadableImage")


def test_health_metrics_and_the_description(server: Server) -> None:
    health = httpx.get(f"{server.url}/v1/health").json()
    assert health == {"status": "ok", "recognizer": "ppocr:PP-OCRv6_rec_small"}
    before = server.metric("ocr_plugin_pages_total"), server.metric("ocr_plugin_words_total")
    assert server.post(png("Harbour office")).status_code == 200
    after = server.metric("ocr_plugin_pages_total"), server.metric("ocr_plugin_words_total")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 2)

    described = httpx.get(f"{server.url}/openapi.json").json()
    operation = described["paths"]["/v1/read"]["post"]
    statuses = set(operation["responses"])
    assert statuses == {"200", *map(str, (400, 413, 415, 422, 500, 503, 504))}
    assert operation["requestBody"]["required"]
    schema = {"$ref": "#/components/schemas/Answer", "components": described["components"]}
    jsonschema.validate(server.post(PHOTO.read_bytes()).json(), schema)


def test_the_page_brings_all_it_needs(server: Server) -> None:
    page = httpx.get(server.url)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert set(re.findall(r"https?://[^\"' ]+", page.text)) == {"http://www.w3.org/2000/svg"}


def test_the_command_ends_when_told_and_prints_nothing_else() -> None:
    running = Server("--recognizer", "ppocr")
    assert running.post(png()).status_code == 200
    out, err = running.stop()
    assert out == ""
    assert err.splitlines()[-1:] in ([], ["ocr-plugin: error: interrupted"])
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)


def test_a_port_that_is_taken_is_one_line(server: Server) -> None:
    command = [sys.executable, "-m", "ocr_plugin", "serve", "--port", str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    message = f"ocr-plugin: error: 127.0.0.1:{server.port}: cannot listen: Address already in use\n"
    assert (done.stdout, done.stderr) == ("", message)


def test_answers_are_strict_json(server: Server) -> None:
    text = server.post(PHOTO.read_bytes()).text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the answer"))

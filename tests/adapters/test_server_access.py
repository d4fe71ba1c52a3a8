"""Who may ask the server, and clients that keep it waiting."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from ocr_plugin.adapters import server_bodies
from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_access import is_loopback
from ocr_plugin.engine.engine import Engine
from ocr_plugin.protocols import RGB, Reading
from tests.adapters.servers import Says, Slow, answers_of, png, problem

pytestmark = pytest.mark.filterwarnings("default")


def answer(request: httpx.Request, token: str | None = None, local: bool = False) -> httpx.Response:
    app = make_app(Engine(Slow(), Says()), token=token, local_only=local)

    async def run() -> httpx.Response:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            return await client.send(request)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("Bearer secret", 200),
        ("Bearer secre", 401),
        ("secret", 401),
        ("Bearer é", 401),
        ("", 401),
    ],
)
def test_a_token_is_asked_for_where_one_is_set(sent: str, status: int) -> None:
    headers = {b"Authorization": sent.encode()}
    post = httpx.Request("POST", "http://test/v1/read", content=png(), headers=headers)
    response = answer(post, token="secret")
    assert response.status_code == status
    if status == 401:
        assert response.json()["kind"] == "NoToken"
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_health_needs_no_token() -> None:
    assert answer(httpx.Request("GET", "http://test/v1/health"), token="secret").is_success
    assert answer(httpx.Request("GET", "http://test/metrics"), token="secret").status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("127.0.0.2:8000", 200),
        ("LOCALHOST", 200),
        ("[::1].evil.example", 400),
        ("127.0.0.1.evil.example:8000", 400),
        ("192.168.0.7:8000", 400),
        ("", 400),
        ("evil.example:8000", 400),
        ("localhost.evil.example", 400),
    ],
)
def test_a_local_server_answers_to_local_names_alone(host: str, status: int) -> None:
    request = httpx.Request("GET", "http://test/v1/health", headers={"Host": host})
    assert answer(request, local=True).status_code == status


def test_loopback_addresses() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.1.2.3", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "192.168.0.7", "::", "box.example"]))


def test_a_body_that_takes_too_long_is_given_up_and_keeps_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_bodies, "_BODY_SECONDS", 0.4)

    async def slowly() -> "asyncio.AsyncIterator[bytes]":  # type: ignore[name-defined]
        for _ in range(100):
            yield b"a"
            await asyncio.sleep(0.1)

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        slow = [asyncio.create_task(client.post("/v1/read", content=slowly())) for _ in range(3)]
        await asyncio.sleep(0.1)
        quick = await client.post("/v1/read", content=png())
        return [quick, *(await asyncio.gather(*slow))]

    quick, *slow = answers_of(Engine(Slow(), Says()), requests, max_requests=1)
    assert quick.status_code == 200
    assert [problem(each) for each in slow] == [(408, "TooSlow")] * 3


def test_a_page_whose_request_is_over_is_not_read_any_further() -> None:
    crops = 0

    class Counting(Says):
        def recognize(self, given: Sequence[RGB]) -> list[Reading]:
            nonlocal crops
            crops += len(given)
            return super().recognize(given)

    detector = Slow()
    detector.open.clear()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        late = await client.post("/v1/read", content=png())  # its page is being looked at
        detector.open.set()
        return [late, await client.post("/v1/read", content=png())]

    late, after = answers_of(Engine(detector, Counting()), requests, time_limit=1.0)
    assert problem(late) == (504, "TimeLimit") and after.status_code == 200
    assert crops == 1


def test_a_name_has_no_control_characters() -> None:
    request = httpx.Request(
        "POST", "http://test/v1/read", content=png(), params={"name": "a\x1b[31m\u202egnp.b"}
    )
    assert answer(request).json()["pages"][0]["source"]["name"] == "a[31mgnp.b"

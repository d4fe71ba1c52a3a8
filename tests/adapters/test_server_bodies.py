"""Bodies of requests: what all of them together may hold."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from fastapi import Request
from starlette.types import Message

from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_bodies import Bodies
from ocr_plugin.adapters.server_requests import ServerOptions
from ocr_plugin.adapters.server_shares import Budget, Full, Lost
from ocr_plugin.engine.engine import Engine
from tests.adapters.servers import Says, Slow, answers_of, app_client, png, problem

pytestmark = pytest.mark.filterwarnings("default")


def test_a_client_alone_may_hold_all_and_no_more() -> None:
    budget = Budget(10)
    with budget.holding("one") as first, budget.holding("one") as second:
        first.grow(6)
        second.check(4)
        second.grow(4)
        assert budget.total == 10
        with pytest.raises(Full):
            second.check(1)
        with pytest.raises(Full):
            first.grow(1)
        assert budget.total == 4  # it is of no use any more
        second.grow(6)
    assert budget.total == 0


def test_who_holds_most_gives_way_with_the_newest_to_who_would_hold_less() -> None:
    budget = Budget(10)
    with ExitStack() as stack:
        old, new, few = (
            stack.enter_context(budget.holding(client)) for client in ("many", "many", "few")
        )
        stack.enter_context(budget.holding("many"))  # it holds nothing, so it cannot help
        old.grow(5)
        new.grow(5)
        with pytest.raises(Full):
            few.check(10)
        few.grow(4)
        assert budget.total == 9
        with pytest.raises(Lost):
            new.grow(1)
        few.grow(1)
        assert budget.total == 10
        with pytest.raises(Full):  # now that would be no fairer
            few.grow(1)


def test_what_is_done_for_a_holding_ends_where_it_gives_way() -> None:
    async def run() -> None:
        budget = Budget(10)
        with budget.holding("many") as given, budget.holding("few") as few:
            given.grow(10)
            work = asyncio.create_task(given.keep(asyncio.sleep(60)))
            await asyncio.sleep(0)
            few.grow(1)
            with pytest.raises(Lost):
                await asyncio.wait_for(work, 30)

    asyncio.run(run())


def test_of_bodies_that_grow_side_by_side_as_many_come_as_there_is_room_for() -> None:
    def request() -> Request:
        left = 10

        async def receive() -> Message:
            nonlocal left
            await asyncio.sleep(0)
            left -= 1
            return {"type": "http.request", "body": bytes(10), "more_body": left > 0}

        return Request({"type": "http", "headers": [], "client": ("10.0.0.1", 1)}, receive)

    async def run() -> list[bytes | BaseException]:
        bodies, most = Bodies(100, 400, 10), 0
        done = asyncio.Event()

        async def received() -> bytes:
            nonlocal most
            with bodies.holding("10.0.0.1") as holding:
                body = await holding.keep(bodies.received(request(), holding))
                most = max(most, bodies.held_bytes)
                await done.wait()
                return body

        posts = [asyncio.create_task(received()) for _ in range(10)]
        await asyncio.wait(posts, timeout=0.5)
        done.set()
        found = await asyncio.gather(*posts, return_exceptions=True)
        assert most <= 400
        return found

    found = asyncio.run(run())
    assert sum(isinstance(each, bytes) for each in found) >= 3
    assert sum(isinstance(each, Full) for each in found) >= 6


def test_requests_hold_what_they_may_together_and_others_are_busy() -> None:
    body = png()
    detector, limits = Slow(), ServerOptions(max_bytes=len(body), max_held_bytes=3 * len(body))
    detector.open.clear()
    app = make_app(Engine(detector, Says()), limits)

    async def run() -> list[httpx.Response]:
        async with (
            app.router.lifespan_context(app),
            app_client(app, "10.0.0.1") as many,
            app_client(app, "10.0.0.2") as few,
        ):
            posts = [asyncio.create_task(many.post("/v1/read", content=body)) for _ in range(3)]
            await asyncio.to_thread(detector.entered.wait, 30)
            refused = await many.post("/v1/read", content=body)
            other = asyncio.create_task(few.post("/v1/read", content=body))
            done, _ = await asyncio.wait(posts, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            detector.open.set()
            (gave_way,) = done
            rest = [await each for each in posts if each is not gave_way]
            return [refused, gave_way.result(), await other, *rest]

    refused, gave_way, *read = asyncio.run(run())
    for each in (refused, gave_way):
        assert problem(each) == (503, "Busy") and each.headers["Retry-After"] == "1"
    assert [each.status_code for each in read] == [200] * 3


def test_a_body_for_which_there_is_no_room_is_not_even_received() -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10):
            sent += 1
            yield bytes(100)

    detector, body = Slow(), png()
    detector.open.clear()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        post = asyncio.create_task(client.post("/v1/read", content=body))
        await asyncio.to_thread(detector.entered.wait, 30)
        told = {"Content-Length": "1000"}
        refused = await client.post("/v1/read", content=chunks(), headers=told)
        detector.open.set()
        return [refused, await post]

    limits = {"max_bytes": len(body), "max_held_bytes": len(body) + 999}
    refused, read = answers_of(Engine(detector, Says()), requests, **limits)
    assert problem(refused) == (503, "Busy") and sent == 0 and read.status_code == 200


def test_one_body_may_be_as_large_as_one_may_be() -> None:
    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post("/v1/read", content=png())]

    (read,) = answers_of(Engine(Slow(), Says()), requests, max_held_bytes=1)
    assert read.status_code == 200


def test_a_body_is_held_once() -> None:
    size, chunk = 20_000_000, bytes(50_000)
    left = size // len(chunk)

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": chunk, "more_body": left > 0}

    async def run() -> int:
        bodies = Bodies(size, size, 1)
        request = Request({"type": "http", "headers": [], "client": ("10.0.0.1", 1)}, receive)
        with bodies.holding("10.0.0.1") as holding:
            body = await bodies.received(request, holding)
            assert bodies.held_bytes == size
            return len(body)  # of a larger result `asyncio.run` makes a text

    tracemalloc.start()
    try:
        length = asyncio.run(run())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length == size and most < 1.4 * size


def held_after(send: Callable[[httpx.AsyncClient], Awaitable[None]]) -> list[int]:
    """Returns what is held after each of some requests, without collecting garbage."""
    held = list[int]()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        for _ in range(4):
            await send(client)
            held.append(tracemalloc.get_traced_memory()[0])
        return []

    gc.disable()
    tracemalloc.start()
    try:
        answers_of(Engine(Slow(), Says()), requests)
    finally:
        tracemalloc.stop()
        gc.enable()
    return held


def test_a_body_that_is_refused_is_let_go_at_once() -> None:
    body = b"junk" * 1_000_000

    async def send(client: httpx.AsyncClient) -> None:
        refused = await client.post("/v1/read", content=body)
        assert problem(refused) == (422, "UnreadableImage")

    held = held_after(send)
    assert held[-1] - held[0] < len(body)


def test_a_body_whose_client_hung_up_is_let_go() -> None:
    part, sent = bytes(4_000_000), 0

    async def receive() -> Message:
        nonlocal sent
        sent += 1
        if sent % 2 == 0:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": True}

    async def send(client: httpx.AsyncClient) -> None:
        app: Any = client._transport.app  # type: ignore[attr-defined]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/read",
            "query_string": b"",
            "headers": [],
            "client": ("10.0.0.1", 1),
        }

        async def answer(message: Message) -> None:
            assert message["type"] != "http.response.start" or message["status"] == 499

        await app(scope, receive, answer)

    held = held_after(send)
    assert sent == 8 and held[-1] - held[0] < len(part)

"""What clients share: one that asks for much does not keep others out."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack, ExitStack

import httpx
import pytest

from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_decoding import ServerDecoder
from ocr_plugin.adapters.server_requests import ServerOptions
from ocr_plugin.adapters.server_shares import Full, Lost, Places, Turns
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import UnreadableImage
from ocr_plugin.options import ImageOptions
from tests.adapters.servers import Says, Server, Slow, png

pytestmark = pytest.mark.filterwarnings("default")


def test_a_client_alone_has_all_places() -> None:
    places = Places(2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(places.taken("one"))
        with pytest.raises(Full):
            places.check("one")
        with pytest.raises(Full):
            stack.enter_context(places.taken("one"))
    assert len(places) == 0


def test_who_has_most_loses_the_newest_place_to_who_has_fewer() -> None:
    async def run() -> list[str]:
        places, ended = Places(3), list[str]()

        async def work(client: str, name: str, seconds: float) -> None:
            try:
                with places.taken(client) as place:
                    await place.keep(asyncio.sleep(seconds))
                    ended.append(f"{name} done")
            except (Lost, Full) as error:
                ended.append(f"{name} {type(error).__name__}")

        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(work("many", f"many {number}", 0.2))
            await asyncio.sleep(0.05)
            group.create_task(work("few", "few 0", 0.1))
            await asyncio.sleep(0.01)
            # Now it would be no fairer.
            group.create_task(work("few", "few 1", 0.1))
            group.create_task(work("many", "many 3", 0.1))
        assert len(places) == 0
        return ended

    assert asyncio.run(run()) == [
        "many 2 Lost", "few 1 Full", "many 3 Full", "few 0 done", "many 0 done", "many 1 done",
    ]  # fmt: skip


def test_what_is_done_in_a_lost_place_is_cancelled() -> None:
    async def run() -> None:
        places, cancelled = Places(2), False

        async def work() -> None:
            nonlocal cancelled
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled = True
                raise

        with ExitStack() as stack:
            first, _ = (stack.enter_context(places.taken("many")) for _ in range(2))
            first.give_up()
            with pytest.raises(Lost):
                await first.keep(work())
            # Not even begun where the place is lost already.
            assert cancelled

    asyncio.run(run())


async def _taken(turns: Turns, client: str, name: str, order: list[str]) -> None:
    async with turns.of(client):
        order.append(name)
        await asyncio.sleep(0.01)


def test_clients_take_turns_however_much_each_asks_for() -> None:
    async def run() -> list[str]:
        turns, order = Turns(1, is_alone=lambda: False), list[str]()
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(_taken(turns, "many", f"many {number}", order))
            await asyncio.sleep(0)
            group.create_task(_taken(turns, "few", "few 0", order))
            group.create_task(_taken(turns, "few", "few 1", order))
        return order

    assert asyncio.run(run()) == ["many 0", "few 0", "many 1", "few 1", "many 2", "many 3"]


def test_work_that_is_begun_comes_before_the_clients_other() -> None:
    async def run() -> list[str]:
        turns, order = Turns(1, is_alone=lambda: True), list[str]()

        async def document(name: str) -> None:
            for page in range(2):
                async with turns.of("one", goes_on=page > 0):
                    order.append(f"{name} {page}")
                    await asyncio.sleep(0.01)

        await asyncio.gather(document("a"), document("b"))
        return order

    assert asyncio.run(run()) == ["a 0", "b 0", "a 1", "b 1"]


def test_nobody_holds_all_turns_while_others_are_there() -> None:
    async def run(is_alone: bool) -> bool:
        turns = Turns(2, is_alone=lambda: is_alone)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(turns.of("slow"))
            second = asyncio.create_task(_taken(turns, "slow", "", []))
            await asyncio.sleep(0.05)
            got_both = second.done()
            async with asyncio.timeout(5):
                await _taken(turns, "other", "", [])
        async with asyncio.timeout(5):
            await second
        return got_both

    assert asyncio.run(run(is_alone=True))
    assert not asyncio.run(run(is_alone=False))


def test_who_gives_up_waiting_leaves_its_turn_to_others() -> None:
    async def run() -> list[str]:
        turns, order = Turns(1, is_alone=lambda: True), list[str]()
        async with turns.of("first"):
            leaving = asyncio.create_task(_taken(turns, "leaving", "leaving", order))
            staying = asyncio.create_task(_taken(turns, "staying", "staying", order))
            await asyncio.sleep(0.01)
            leaving.cancel()
        # And one that is cancelled as its turn comes.
        await asyncio.sleep(0)
        staying.cancel()
        await asyncio.gather(leaving, staying, return_exceptions=True)
        async with asyncio.timeout(5):
            await _taken(turns, "last", "last", order)
        return order

    assert asyncio.run(run())[-1] == "last"


def test_a_page_of_another_client_is_read_before_the_rest_of_a_flood() -> None:
    async def run() -> tuple[list[int], int]:
        detector = Slow()
        detector.open.clear()
        app = make_app(Engine(detector, Says()), ServerOptions(max_requests=12, time_limit=30.0))

        def client(address: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, client=(address, 1))
            return httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60)

        async with (
            app.router.lifespan_context(app),
            client("10.0.0.1") as many,
            client("10.0.0.2") as few,
        ):
            flood = [asyncio.create_task(many.post("/v1/read", content=png())) for _ in range(14)]
            await asyncio.to_thread(detector.entered.wait, 30)
            honest = asyncio.create_task(few.post("/v1/read", content=png()))
            await asyncio.sleep(0.5)
            detector.open.set()
            answer = await honest
            return sorted([(await each).status_code for each in flood]), answer.status_code

    flood, honest = asyncio.run(run())
    assert honest == 200
    # Two were too many, and one gave way.
    assert flood == [200] * 11 + [503] * 3


def test_a_document_whose_pages_cannot_be_counted_in_time_is_unreadable() -> None:
    async def run() -> None:
        decoder = ServerDecoder(ImageOptions(), 0.5, 1, is_alone=lambda: True)
        try:
            await decoder.start()
            with pytest.raises(UnreadableImage, match="a: decoding it takes more than"):
                await decoder._in_process("a", time.sleep, 60)
        finally:
            await asyncio.to_thread(decoder.close)

    asyncio.run(run())


def test_silent_connections_make_room_for_others() -> None:
    # 1 request at once: 8 connections, and 64 besides.
    server = Server("--recognizer", "ppocr", "--max-requests", "1")
    silent = []
    try:
        for _ in range(100):
            silent.append(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        begun = time.monotonic()
        answers = [httpx.get(f"{server.url}/v1/health", timeout=30) for _ in range(3)]
        assert [each.status_code for each in answers] == [200] * 3
        if time.monotonic() - begun < 5:  # later they are hung up on in any case
            silent[0].settimeout(5)
            assert silent[0].recv(1) == b""
    finally:
        for each in silent:
            each.close()
        server.stop()


def test_a_body_in_chunks_of_a_byte_is_refused() -> None:
    server = Server("--recognizer", "ppocr")
    head = b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            client.sendall(head + b"1\r\nx\r\n" * 1500)
            assert client.recv(100).startswith(b"HTTP/1.1 400")
        body = png()
        parts = (body[start : start + 100] for start in range(0, len(body), 100))
        answer = httpx.post(f"{server.url}/v1/read", content=parts, timeout=60)
        assert answer.status_code == 200
        assert server.metric("ocr_plugin_open_requests") == 0
    finally:
        server.stop()

"""Whether the server says that it does not read, and what it is at."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future

import httpx
import psutil
import pytest

from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_decoding import ServerDecoder
from ocr_plugin.adapters.server_requests import ServerOptions
from ocr_plugin.engine.engine import Engine
from ocr_plugin.options import ImageOptions
from ocr_plugin.pages.worker_processes import WorkerProcesses
from tests.adapters.servers import Says, Slow, answers_of, app_client, pdf, png, problem

pytestmark = pytest.mark.filterwarnings("default")


def gauge(metrics: httpx.Response, name: str) -> float:
    (line,) = (line for line in metrics.text.splitlines() if line.startswith(f"ocr_plugin_{name} "))
    return float(line.split()[1])


def test_pages_under_way_are_no_fault_and_show_in_the_metrics() -> None:
    detector = Slow()
    detector.open.clear()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        posted = asyncio.create_task(client.post("/v1/read", content=png()))
        await asyncio.to_thread(detector.entered.wait, 30)
        answers = [await client.get(path) for path in ("/v1/health", "/metrics")]
        detector.open.set()
        return [await posted, *answers, await client.get("/metrics")]

    posted, health, metrics, after = answers_of(Engine(detector, Says()), requests)
    assert (posted.status_code, health.status_code) == (200, 200)
    assert gauge(metrics, "longest_wait_seconds") > 0
    assert gauge(metrics, "held_bytes") == len(png())
    assert gauge(after, "longest_wait_seconds") == gauge(after, "held_bytes") == 0


def test_a_page_that_waits_for_longer_than_the_limit_is_overload() -> None:
    detector = Slow()
    detector.open.clear()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        first = asyncio.create_task(client.post("/v1/read", content=png()))
        await asyncio.to_thread(detector.entered.wait, 30)
        late = [await client.post("/v1/read", content=png()), await first]
        health = await status(client, 503)
        detector.open.set()
        return [*late, health]

    *late, health = answers_of(Engine(detector, Says()), requests, time_limit=0.5)
    assert [problem(each) for each in late] == [(504, "TimeLimit")] * 2
    assert problem(health) == (503, "Overloaded")
    assert health.headers["Retry-After"] == "1" and "page" in health.json()["message"]


def workers() -> set[int]:
    """Processes that decode: a process that has imported all they need begins them."""
    own = psutil.Process()
    return {each.pid for each in own.children(recursive=True)} - {
        each.pid for each in own.children()
    }


async def new_workers(before: set[int], count: int) -> set[int]:
    async with asyncio.timeout(60):
        while len(found := workers() - before) < count:
            await asyncio.sleep(0.05)
    return found


async def status(client: httpx.AsyncClient, expected: int) -> httpx.Response:
    """Asks for the health until it has a status."""
    async with asyncio.timeout(60):
        while (answer := await client.get("/v1/health")).status_code != expected:
            await asyncio.sleep(0.05)
    return answer


@pytest.fixture
def frozen() -> Iterator[set[int]]:
    """Processes to be stopped, which go on at the end of the test."""
    own = set[int]()
    yield own
    for pid in own & workers():
        os.kill(pid, signal.SIGCONT)


def test_processes_that_do_not_answer_are_overload_until_they_do(frozen: set[int]) -> None:
    before = workers()
    app = make_app(Engine(Slow(), Says()), ServerOptions(time_limit=0.5))

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with app.router.lifespan_context(app), app_client(app) as client:
            assert (await client.get("/v1/health")).status_code == 200
            frozen.update(await new_workers(before, 2))
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            silent = await status(client, 503)
            for pid in frozen & workers():
                os.kill(pid, signal.SIGCONT)
            await status(client, 200)
            return silent, await client.post("/v1/read", content=png())

    silent, after = asyncio.run(run())
    assert problem(silent) == (503, "Overloaded")
    assert "processes that decode have not answered" in silent.json()["message"]
    assert after.status_code == 200


def test_processes_that_cannot_be_asked_are_overload_until_they_can(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(Engine(Slow(), Says()), ServerOptions(time_limit=0.3))

    def broken(*_: object, **__: object) -> Future[int]:
        raise OSError("no more processes")

    async def run() -> httpx.Response:
        async with app.router.lifespan_context(app), app_client(app) as client:
            with monkeypatch.context() as patch:
                patch.setattr(WorkerProcesses, "ask", broken)
                silent = await status(client, 503)
            await status(client, 200)
            return silent

    assert problem(asyncio.run(run())) == (503, "Overloaded")
    assert "do not answer: no more processes" in caplog.text


def test_decoders_at_work_and_requests_that_wait_for_them_are_counted(frozen: set[int]) -> None:
    before = workers()
    app = make_app(Engine(Slow(), Says()), ServerOptions())

    async def run() -> tuple[httpx.Response, list[httpx.Response], httpx.Response]:
        async with app.router.lifespan_context(app), app_client(app) as client:
            await client.post("/v1/read", content=png())
            frozen.update(await new_workers(before, 2))
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            posts = [asyncio.create_task(client.post("/v1/read", content=pdf(2))) for _ in range(5)]
            await asyncio.sleep(0.3)
            during = await client.get("/metrics")
            for pid in frozen & workers():
                os.kill(pid, signal.SIGCONT)
            return during, await asyncio.gather(*posts), await client.get("/metrics")

    during, posts, after = asyncio.run(run())
    assert [each.status_code for each in posts] == [200] * 5
    assert gauge(during, "busy_decoders") == 2 and gauge(during, "waiting_requests") == 3
    assert gauge(during, "longest_wait_seconds") > 0
    assert gauge(after, "busy_decoders") == gauge(after, "waiting_requests") == 0


def test_a_decoder_is_busy_also_between_the_turns_of_its_document(frozen: set[int]) -> None:
    async def run() -> list[int]:
        before = workers()
        decoder = ServerDecoder(ImageOptions(), 60.0, 1, is_alone=lambda: True)
        try:
            await decoder.start()
            frozen.update(await new_workers(before, 2))
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            async with decoder.decoding(pdf(2), "a", ImageOptions()) as decoding:
                busy = [decoder.busy]
                for pid in frozen:
                    os.kill(pid, signal.SIGCONT)
                while await decoder.next_pages(decoding) is not None:
                    pass
                return [*busy, decoder.busy]
        finally:
            await asyncio.to_thread(decoder.close)

    assert asyncio.run(run()) == [1, 0]

"""Many requests at once, bombs among them, and the end in their midst."""

import asyncio
import threading
import time

import httpx
import pytest

from benchmarks.attackers import bomb
from ocr_plugin.engine.engine import Engine
from tests.adapters.servers import Says, Server, Slow, answers_of, pdf, png, problem

pytestmark = pytest.mark.filterwarnings("default")


def test_of_two_hundred_requests_those_admitted_are_answered_the_others_busy_at_once() -> None:
    detector = Slow()
    detector.open.clear()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        posts = [asyncio.create_task(client.post("/v1/read", content=png())) for _ in range(200)]
        first = list[httpx.Response]()
        async with asyncio.timeout(30):
            for post in asyncio.as_completed(posts):  # while not a page is read
                first.append(await post)
                if len(first) == 200 - 32:
                    break
        assert [each.status_code for each in first] == [503] * len(first)
        detector.open.set()
        return [await each for each in posts]

    answers = answers_of(Engine(detector, Says()), requests)
    refused = [each for each in answers if each.status_code != 200]
    assert len(answers) - len(refused) == 32
    for each in refused:
        assert problem(each) == (503, "Busy") and each.headers["Retry-After"] == "1"
    read = [each.json()["pages"] for each in answers if each.status_code == 200]
    assert all(len(pages) == 1 and pages[0]["blocks"] for pages in read)


def test_a_server_stands_two_bombs_and_ends_amid_bombs_and_pages() -> None:
    server = Server("--recognizer", "ppocr", "--page-seconds", "1", "--time-limit", "600")
    try:
        answers = list[httpx.Response]()

        def post(body: bytes) -> threading.Thread:
            thread = threading.Thread(target=lambda: answers.append(server.post(body)))
            thread.start()
            return thread

        for thread in [post(bomb()) for _ in range(2)]:
            thread.join(60)
        assert len(answers) == 2
        for each in answers:
            assert each.status_code == 200 and each.json()["pages"] == []
            (error,) = each.json()["errors"]
            assert error["kind"] == "TimeLimit"
            assert error["message"] == "decoding took more than 1 s"
        assert server.post(png()).json()["pages"][0]["blocks"]
        answers.clear()
        posts = [post(body) for body in (bomb(), png(), pdf(4))]
        until = time.monotonic() + 30
        while server.metric("ocr_plugin_open_requests") < len(posts):
            assert time.monotonic() < until
        begun = time.monotonic()
        server.process.terminate()
        server.process.communicate(timeout=60)
        assert time.monotonic() - begun < 30
        for thread in posts:
            thread.join(60)
        # What was under way was answered, or told that it would not be.
        statuses = [each.status_code for each in answers]
        assert len(statuses) == len(posts) and set(statuses) <= {200, 503}
    finally:
        server.process.kill()

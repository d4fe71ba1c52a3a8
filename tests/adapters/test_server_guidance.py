"""Requests that tell what they hold."""

import time

import httpx
import pytest

from ocr_plugin.adapters.server_guidance import Told, readers_for
from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import ConfigurationError
from tests.adapters.servers import answers_of, png

pytestmark = pytest.mark.filterwarnings("default")

DIGITS = Constraint(characters="0123456789")


def posted(engine: Engine, body: bytes, *queries: str) -> list[httpx.Response]:
    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post(f"/v1/read?{query}", content=body) for query in queries]

    return answers_of(engine, requests)


def words(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    (page,) = response.json()["pages"]
    return [
        word["text"]
        for block in page["blocks"]
        for line in block["lines"]
        for word in line["words"]
    ]


def test_each_request_has_its_own_guidance() -> None:
    queries = [
        "",
        "allow=0123456789",
        "pattern=[A-Za-z]%2B&language=de",
        "lexicon=dock,pier&lexicon=harbour",
        "abstain_below=1",
        "language=none",
    ]
    found = posted(Engine(recognizer="ppocr"), png("Harbour 4711"), *queries)
    assert [words(each) for each in found] == [
        ["Harbour", "4711"], ["4711"], ["Harbour"], ["Harbour"], [], ["Harbour", "4711"],
    ]  # fmt: skip
    (page,) = found[4].json()["pages"]
    assert [each["alternatives"][0]["text"] for each in page["withheld"]] == ["Harbour", "4711"]


def test_a_request_without_guidance_has_the_servers() -> None:
    engine = Engine(recognizer="ppocr", constraint=DIGITS)
    found = posted(engine, png("Harbour 4711"), "", "pattern=[A-Z][a-z]%2B")
    assert [words(each) for each in found] == [["4711"], ["Harbour"]]


BAD = {
    "allow=": "characters: the set is empty",
    "pattern=[a": "pattern '[a'",
    "pattern=(a)%5C1": "a backreference is not supported",
    "pattern=date&allow=abc": "exclude each other",
    "pattern=((((a{99}){99}){99}){99})": "too large",
    "pattern=(.{30}a{30}){30}": "1000 is the most for a request",
    "lexicon=": "there is no entry in it",
    "lexicon=" + ",".join(map(str, range(1200))): "at most 1000 entries",
    "lexicon=abc&allow=12": "none of its entries is allowed",
    "language=xx": "xx",
    "abstain_below=2": "less than or equal to 1",
    "pattern=" + "a" * 201: "at most 200 characters",
}


def test_what_cannot_be_is_one_line() -> None:
    found = posted(Engine("whole_image", "ppocr"), png(), *BAD)
    for response, (query, message) in zip(found, BAD.items(), strict=True):
        assert response.status_code == 422, query
        told = response.json()
        assert told["kind"] == "BadRequest" and message in told["message"], told
        assert "\n" not in told["message"]


def test_no_file_is_read_for_a_client() -> None:
    with pytest.raises(ConfigurationError) as refused:
        readers_for(Engine("whole_image", "ppocr"), Told(lexicon=["/etc/passwd"], allow="0"))
    assert "none of its entries is allowed" in str(refused.value)


@pytest.mark.parametrize("pattern", ["(.?){100}x", "(.*a.{40})+b", r"(\w*\W*){40}z"])
def test_a_hostile_pattern_takes_no_longer_than_another(pattern: str) -> None:
    start = time.perf_counter()
    (found,) = posted(
        Engine("whole_image", "ppocr"),
        png("Hello World and more of it"),
        str(httpx.QueryParams({"pattern": pattern})),
    )
    assert found.status_code == 200 and time.perf_counter() - start < 20

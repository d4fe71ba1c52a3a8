"""The HTTP server's answers."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import httpx
import jsonschema  # type: ignore[import-untyped]
import pikepdf
import pytest
from PIL import Image

from ocr_plugin.adapters import server_requests
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.shared_engine import SharedEngine
from ocr_plugin.protocols import RGB, Regions
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.schema import Page, PageError
from tests.adapters.servers import PHOTO, Says, Server, Slow, answers_of, pdf, png, problem
from tests.pages.test_pdf_text import LINES, drawn, paragraph
from tests.pictures import draw_lines

pytestmark = pytest.mark.filterwarnings("default")


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


def test_a_request_says_where_the_text_of_a_pdf_comes_from() -> None:
    body, detector = drawn(paragraph), Slow()

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        posts = [await client.post("/v1/read", content=body)]
        for way in ("ocr", "auto", "layer"):
            posts.append(await client.post("/v1/read", content=body, params={"pdf_text": way}))
        wrong = await client.post("/v1/read", content=body, params={"pdf_text": "both"})
        none = await client.post("/v1/read", content=pdf(1), params={"pdf_text": "layer"})
        shown = await client.post("/v1/picture", content=body)
        return [*posts, wrong, none, shown]

    *read, wrong, none, shown = answers_of(Engine(detector, Says()), requests)
    texts = [Page.model_validate(answer.json()["pages"][0]).text for answer in read]
    assert texts == ["word", "word", "\n".join(LINES), "\n".join(LINES)]
    assert sum(detector.batches) == 2
    assert problem(wrong) == (422, "BadRequest")
    assert none.status_code == 200 and none.json()["pages"][0]["blocks"] == []
    assert shown.headers["content-type"] == "image/jpeg"


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


def test_every_refusal_has_a_kind_and_a_line(server: Server) -> None:
    form = httpx.post(f"{server.url}/v1/read", files={"file": png()}, timeout=60)
    assert problem(form) == (415, "Form") and "--data-binary" in form.json()["message"]
    assert problem(server.post(png(), name="a" * 256)) == (422, "BadRequest")
    assert problem(httpx.get(f"{server.url}/v2/read")) == (404, "NotFound")
    wrong = httpx.get(f"{server.url}/v1/read")
    assert problem(wrong) == (405, "MethodNotAllowed") and wrong.headers["Allow"] == "POST"
    assert "GET /v1/read" in wrong.json()["message"]


def test_warnings_are_in_the_answer() -> None:
    class Warns(Slow):
        def detect(self, pages: Sequence[RGB]) -> list[Regions]:
            found = super().detect(pages)
            return [replace(each, warnings=("something was missed",)) for each in found]

    animation, flat = io.BytesIO(), io.BytesIO()
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    Image.new("L", (60, 2)).save(flat, "PNG")

    async def requests(client: httpx.AsyncClient) -> list[httpx.Response]:
        bodies = (animation.getvalue(), flat.getvalue(), png())
        return [await client.post("/v1/read", content=body) for body in bodies]

    answers = answers_of(Engine(Warns(), Says()), requests)
    of_animation, of_flat, of_sound = (each.json()["pages"][0]["warnings"] for each in answers)
    assert of_animation == [
        "only the first of 3 frames was read; 2 were left out", "something was missed"
    ]  # fmt: skip
    assert of_flat == ["no text was looked for: a side of 2 px is too short"]
    assert of_sound == ["something was missed"]


def test_a_defect_is_a_refusal_too_and_a_server_that_stopped_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(server_requests, "readers_for", broken)
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
    assert statuses == {"200", *map(str, (400, 401, 408, 413, 415, 422, 500, 503, 504))}
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

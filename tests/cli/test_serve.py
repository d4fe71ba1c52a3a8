"""``ocr-plugin serve``: who may ask, and what it says of that."""

import asyncio
import re
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from ocr_plugin.adapters import server
from ocr_plugin.adapters.server import make_app
from ocr_plugin.adapters.server_access import TOKEN_VARIABLE
from ocr_plugin.adapters.server_requests import ServerOptions
from ocr_plugin.engine.engine import Engine
from tests.adapters.servers import app_client
from tests.cli.commands import Capture, run

pytestmark = pytest.mark.filterwarnings("default")

Asked = list[tuple[str, dict[str, str]]]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[uvicorn.Server]:
    """What would be run, in place of running it."""
    servers = list[uvicorn.Server]()
    monkeypatch.setattr(uvicorn.Server, "run", lambda each, sockets: servers.append(each))
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    return servers


def serve(capfd: Capture, *arguments: str) -> tuple[int, list[str]]:
    code, out, said = run(
        capfd,
        "serve",
        "--port",
        "0",
        "--recognizer",
        "ppocr",
        "--detector",
        "whole_image",
        *arguments,
    )
    assert out == ""
    return code, [re.sub(r":\d+$", ":PORT", line) for line in said]


def statuses(running: uvicorn.Server, asked: Asked) -> list[int]:
    app: Any = running.config.app

    async def ask() -> list[httpx.Response]:
        async with app_client(app) as client:
            return [await client.get(path, headers=headers) for path, headers in asked]

    return [answer.status_code for answer in asyncio.run(ask())]


def test_a_server_for_all_warns_where_it_has_no_token(
    capfd: Capture, served: list[uvicorn.Server]
) -> None:
    code, said = serve(capfd, "--host", "0.0.0.0")
    assert code == 0 and said == [
        "ocr-plugin: anybody who reaches 0.0.0.0 may use this server: set OCR_PLUGIN_TOKEN",
        "ocr-plugin: listening on http://0.0.0.0:PORT",
    ]
    assert statuses(served[0], [("/metrics", {"Host": "box.example"})]) == [200]


def test_the_token_in_the_environment_is_asked_for(
    capfd: Capture, served: list[uvicorn.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    code, said = serve(capfd, "--host", "0.0.0.0")
    assert code == 0 and said == ["ocr-plugin: listening on http://0.0.0.0:PORT"]
    asked: Asked = [
        ("/metrics", {}),
        ("/metrics", {"Authorization": "Bearer secre"}),
        ("/metrics", {"Authorization": "Bearer secret"}),
    ]
    assert statuses(served[0], asked) == [401, 401, 200]


def test_a_token_that_is_empty_is_none(
    capfd: Capture, served: list[uvicorn.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "")
    _, said = serve(capfd, "--host", "0.0.0.0")
    assert "may use this server" in said[0]


def test_an_empty_host_is_no_address(capfd: Capture, served: list[uvicorn.Server]) -> None:
    message = "--host is empty: give 0.0.0.0 to listen on all networks"
    assert serve(capfd, "--host", "") == (2, [f"ocr-plugin: error: {message}"])
    assert not served


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_on_this_machine_alone_it_answers_to_its_own_names_alone(
    capfd: Capture, served: list[uvicorn.Server], host: str
) -> None:
    code, said = serve(capfd, "--host", host)
    assert code == 0 and said == [f"ocr-plugin: listening on http://{host}:PORT"]
    asked: Asked = [
        ("/metrics", {"Host": f"{host}:8000"}),
        ("/metrics", {"Host": "localhost:8000"}),
        ("/metrics", {"Host": "evil.example:8000"}),
    ]
    assert statuses(served[0], asked) == [200, 200, 400]


def test_limits_reach_the_server(
    capfd: Capture, served: list[uvicorn.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = list[ServerOptions]()

    def made(engine: Engine, limits: ServerOptions, *arguments: Any, **other: Any) -> FastAPI:
        given.append(limits)
        return make_app(engine, limits, *arguments, **other)

    monkeypatch.setattr(server, "make_app", made)
    serve(capfd, "--max-megabytes", "0.001", "--max-total-megabytes", "0.002", "--time-limit", "7")
    (limits,) = given
    assert (limits.max_bytes, limits.max_held_bytes, limits.time_limit) == (1000, 2000, 7)
    assert served[0].config.timeout_graceful_shutdown == 7

"""Files of named models: the real download code against a hub on this machine, and checks."""

import dataclasses
import hashlib
import os
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ocr_plugin.errors import ModelUnavailable
from ocr_plugin.recognizers.clip4str.catalogue import (
    DEFAULT_MODEL,
    ModelEntry,
    catalogue,
    published,
)
from ocr_plugin.recognizers.clip4str.model_files import fetch, locate, resolve
from ocr_plugin.runtime.hub import HubFile
from ocr_plugin.runtime.weights import cache_directory, sha256_of

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ENTRY = ModelEntry(
    name="test-model",
    tower="none",
    pretraining="none",
    training="none",
    parameters=1,
    file="weights.pt",
    source=HubFile("someone/something", "weights.pt"),
)


@dataclass
class Hub:
    """What the server on this machine says, and what it was asked."""

    url: str = ""
    sent: bytes = CONTENT
    etag: str = SHA256
    status: int = 200
    requests: list[str] = field(default_factory=list)
    clients: set[str] = field(default_factory=set)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path))
    for variable in ("OCR_PLUGIN_OFFLINE", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "models"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(b"")

        def do_GET(self) -> None:
            self.answer(state.sent)

        def answer(self, body: bytes) -> None:
            state.requests.append(f"{self.command} {self.path}")
            state.clients.add(self.headers["User-Agent"])
            self.send_response(state.status)
            self.send_header("X-Repo-Commit", "c" * 40)
            self.send_header("ETag", '"weak"')
            self.send_header("X-Linked-Etag", f'"{state.etag}"')
            self.send_header("X-Linked-Size", str(len(CONTENT)))
            self.send_header("Content-Length", str(len(state.sent) if state.status == 200 else 0))
            self.end_headers()
            if state.status == 200:
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", state.url)
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def refuse_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_default_comes_with_the_package(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_network(monkeypatch)
    (entry,) = set(catalogue()) - set(published())
    assert entry.name == DEFAULT_MODEL
    path = fetch(entry, offline=True)
    assert path == locate(entry) == resolve(DEFAULT_MODEL) and path.is_file()
    assert path.stat().st_size < 25_000_000
    assert not cache.exists()


def test_a_bundled_file_that_is_gone_asks_to_reinstall(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_network(monkeypatch)
    entry = dataclasses.replace(ENTRY, source=None)
    with pytest.raises(ModelUnavailable, match=r"comes with this package.*reinstall"):
        fetch(entry)


def test_a_model_is_downloaded_checked_and_recorded(hub: Hub, cache: Path) -> None:
    assert locate(ENTRY) is None
    path = fetch(ENTRY, progress=False)
    assert path == cache / ENTRY.file == locate(ENTRY)
    assert path.read_bytes() == CONTENT
    assert sha256_of(path) == SHA256
    assert names(cache) == [f".{ENTRY.file}.lock", ENTRY.file, f"{ENTRY.file}.sha256"]
    assert (cache / f"{ENTRY.file}.sha256").read_text() == f"{SHA256}  {ENTRY.file}\n"
    assert all("/someone/something/resolve/" in request for request in hub.requests)
    # The hub need not know what else is installed or at work here.
    assert not any("torch/" in client or "agent/" in client for client in hub.clients)
    asked = len(hub.requests)
    assert fetch(ENTRY) == path
    assert len(hub.requests) == asked


@pytest.mark.parametrize("progress", [False, True])
def test_progress_is_shown_on_a_terminal_when_asked(progress: bool, hub: Hub, cache: Path) -> None:
    code = (
        "from ocr_plugin.recognizers.clip4str.catalogue import ModelEntry\n"
        "from ocr_plugin.recognizers.clip4str.model_files import fetch\n"
        "from ocr_plugin.runtime.hub import HubFile\n"
        f"fetch({ENTRY!r}, progress={progress})"
    )
    terminal, its_end = os.openpty()
    termios.tcsetwinsize(its_end, (24, 80))
    process = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=its_end, check=True
    )
    os.write(its_end, b"(end)")
    shown = b""
    while b"(end)" not in shown:
        shown += os.read(terminal, 10_000)
    os.close(its_end)
    os.close(terminal)
    assert process.stdout == b""
    assert (b"100%" in shown) is progress
    assert locate(ENTRY) is not None


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) - 1])
def test_a_damaged_download_is_thrown_away(size: int, hub: Hub, cache: Path) -> None:
    hub.sent = bytes(size)
    with pytest.raises(ModelUnavailable, match="test-model") as caught:
        fetch(ENTRY, progress=False)
    assert "\n" not in str(caught.value)
    assert locate(ENTRY) is None
    assert ENTRY.file not in names(cache)
    hub.sent = CONTENT
    assert fetch(ENTRY, progress=False).read_bytes() == CONTENT


def test_a_file_without_a_stated_hash_is_refused(hub: Hub, cache: Path) -> None:
    hub.etag = "abc"
    with pytest.raises(ModelUnavailable, match="states no sha256"):
        fetch(ENTRY, progress=False)
    assert locate(ENTRY) is None


@pytest.mark.parametrize("status", [404, 401, 500])
def test_a_hub_that_refuses_is_reported(status: int, hub: Hub, cache: Path) -> None:
    hub.status = status
    with pytest.raises(ModelUnavailable, match=f"could not be downloaded: .*{status}") as caught:
        fetch(ENTRY, progress=False)
    assert "\n" not in str(caught.value)
    assert locate(ENTRY) is None


def test_a_hub_that_is_not_there_is_reported(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(ModelUnavailable, match="could not be downloaded"):
        fetch(ENTRY, progress=False)
    assert locate(ENTRY) is None


@pytest.mark.parametrize("variable", [None, "OCR_PLUGIN_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_touches_no_network(
    variable: str | None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_network(monkeypatch)
    if variable is not None:
        monkeypatch.setenv(variable, "1")
    with pytest.raises(ModelUnavailable) as caught:
        fetch(ENTRY, offline=variable is None)
    for part in (ENTRY.name, ENTRY.file, "someone/something", str(cache / ENTRY.file)):
        assert part in str(caught.value)


def test_a_file_that_is_here_touches_no_network(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_network(monkeypatch)
    cache.mkdir()
    entry = published()[0]
    (cache / entry.file).write_bytes(CONTENT)
    assert fetch(entry) == resolve(entry.name) == locate(entry) == cache / entry.file


def test_a_path_is_taken_as_it_is(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "own.pt").write_bytes(b"x")
    assert resolve(tmp_path / "own.pt") == tmp_path / "own.pt"
    with pytest.raises(ModelUnavailable) as caught:
        resolve("own-model")
    assert all(entry.name in str(caught.value) for entry in catalogue())


def test_the_cache_is_the_users_unless_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OCR_PLUGIN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "ocr-plugin" in str(cache_directory())
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine" / "models"

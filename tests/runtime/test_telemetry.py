"""Reading tells nobody and leaves nothing behind, in the home folder or elsewhere.

ONNX Runtime looks names up in native code, so it is the C library's functions that are refused.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from PIL import Image

import ocr_plugin
from tests.pictures import draw_lines

C_SOURCE = Path(__file__).with_name("refused_network.c")

# Has Python's own sockets refused; ocr_plugin is not imported yet.
NO_NETWORK = """
import socket, sys

def refused(*_, **__):
    raise SystemExit("the network was asked for")

socket.socket.connect = socket.getaddrinfo = socket.gethostbyname = refused
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that refuses and notes what would reach the network, for `LD_PRELOAD`."""
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("needs Linux and a C compiler to refuse native connections")
    made = tmp_path_factory.mktemp("preload") / "refused.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(C_SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return made


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder of a short name: sockets of processes lie there, whose paths have 107 bytes."""
    with TemporaryDirectory(prefix="ocr") as folder:
        yield Path(folder)


def environment_at(home: Path) -> dict[str, str]:
    """Returns one with this home folder, and no variable that switches telemetry off."""
    kept = {"PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    root = str(Path(ocr_plugin.__file__).parents[1])
    return environment | {"HOME": str(home), "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}


def run_at(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env=environment_at(home),
        capture_output=True,
        text=True,
        timeout=300,
    )


def files_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


Command = Callable[[Path, dict[str, str]], None]


def run_of(*arguments: str) -> Command:
    """Returns what runs the command with a page, and waits for its end."""

    def run(page: Path, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "ocr_plugin", *arguments, str(page)]
        done = subprocess.run(
            command, cwd=page.parent, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr

    return run


def served(page: Path, environment: dict[str, str]) -> None:
    """Serves a page once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ocr_plugin", "serve", "--offline", "--port", "0"],
        cwd=page.parent,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = re.search(r"http://\S+", line)
        assert address, line + process.stderr.read()
        answer = httpx.post(f"{address[0]}/v1/read", content=page.read_bytes(), timeout=120)
        assert answer.status_code == 200 and len(answer.json()["pages"]) == 1
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(run_of("read", "--offline"), id="read"),
        pytest.param(run_of("batch", "run", "--offline", "--out", "job"), id="batch"),
        pytest.param(served, id="serve"),
    ],
)
def test_no_connection_no_look_up_and_no_file(
    command: Command, library: Path, temporary: Path, tmp_path: Path
) -> None:
    home, work, refused = (tmp_path / name for name in ("home", "work", "refused"))
    home.mkdir()
    work.mkdir()
    page = work / "page.png"
    Image.fromarray(draw_lines([(30, 30, "Harbour")], size=(320, 100)).pixels).save(page)
    command(
        page,
        environment_at(home)
        | {"LD_PRELOAD": str(library), "REFUSED": str(refused), "TMPDIR": str(temporary)},
    )
    assert not refused.exists(), refused.read_text()
    assert files_in(home) == files_in(temporary) == []
    assert {Path(name).parts[0] for name in files_in(work)} <= {"page.png", "job"}


def test_native_look_ups_and_connections_would_be_noted(library: Path, tmp_path: Path) -> None:
    code = (
        "import ctypes, socket\n"
        "ctypes.CDLL(None).getaddrinfo(b'telemetry.example', None, None, None)\n"
        "try: socket.create_connection(('192.0.2.1', 9), 1)\n"
        "except OSError: pass"
    )
    noted = {"LD_PRELOAD": str(library), "REFUSED": str(tmp_path / "refused")}
    subprocess.run([sys.executable, "-c", code], env=environment_at(tmp_path) | noted, check=True)
    told = (tmp_path / "refused").read_text().splitlines()
    assert told == ["getaddrinfo telemetry.example", "connect an address"]


def test_openvino_tells_nobody_that_it_was_imported(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    code = (
        f"{NO_NETWORK}\nfrom ocr_plugin.runtime.openvino_runtime import shared_core\n"
        "shared_core()\nassert sys.modules['openvino_telemetry'] is None"
    )
    run = run_at(tmp_path, "-c", code)
    assert run.returncode == 0, run.stderr
    assert files_in(tmp_path) == []

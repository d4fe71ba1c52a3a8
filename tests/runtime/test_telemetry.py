"""Reading tells nobody and leaves nothing behind, in the home folder or elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

# Has Python's own sockets refused; ocr_plugin is not imported yet.
NO_NETWORK = """
import socket, sys

def refused(*_, **__):
    raise SystemExit("the network was asked for")

socket.socket.connect = socket.getaddrinfo = socket.gethostbyname = refused
"""


def run_at(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with this home folder, and none of the variables that switch telemetry off."""
    kept = {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    return subprocess.run(
        [sys.executable, *command],
        env=environment | {"HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def files_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_reading_leaves_no_file_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    Image.new("RGB", (60, 40), "white").save(tmp_path / "page.png")
    page = str(tmp_path / "page.png")
    run = run_at(home, "-m", "ocr_plugin", "read", "--offline", page)
    assert run.returncode == 0, run.stderr
    assert files_in(home) == []


def test_reading_asks_for_no_connection(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), "white").save(tmp_path / "page.png")
    page = str(tmp_path / "page.png")
    code = f"{NO_NETWORK}\nfrom ocr_plugin.cli.app import main\nsys.exit(main(['read', {page!r}]))"
    run = run_at(tmp_path, "-c", code)
    assert run.returncode == 0, run.stderr


def test_openvino_tells_nobody_that_it_was_imported(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    code = (
        f"{NO_NETWORK}\nfrom ocr_plugin.runtime.openvino_runtime import shared_core\n"
        "shared_core()\nassert sys.modules['openvino_telemetry'] is None"
    )
    run = run_at(tmp_path, "-c", code)
    assert run.returncode == 0, run.stderr
    assert files_in(tmp_path) == []

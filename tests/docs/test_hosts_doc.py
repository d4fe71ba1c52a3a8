"""The examples of docs/hosts.md, run as they stand there."""

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from tests.examples import Examples, python, shell

PHOTO = Path(__file__).parents[2] / "examples" / "shop_signs.jpg"
HOSTS = Examples("hosts.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(PHOTO, tmp_path / "photo.jpg")
    Image.open(PHOTO).save(tmp_path / "scan.pdf", resolution=150)
    return tmp_path


@pytest.mark.nightly
@pytest.mark.parametrize("index", range(4))
def test_paddleocr(folder: Path, index: int) -> None:
    examples = HOSTS.blocks("PaddleOCR", "python")
    assert len(examples) == 4
    out = python(folder, examples[index])
    assert ("OPENING HOURS" in out) == ("print" in examples[index])


@pytest.mark.nightly
def test_ocrmypdf(folder: Path) -> None:
    (example,) = HOSTS.blocks("OCRmyPDF", "python")
    python(folder, example)
    assert "OPENING HOURS" in (folder / "scan.txt").read_text()
    (folder / "searchable.pdf").unlink()
    (command,) = HOSTS.commands("OCRmyPDF")
    shell(folder, command)
    text = pypdfium2.PdfDocument(folder / "searchable.pdf")[0].get_textpage().get_text_bounded()
    assert "OPENING HOURS" in text


@pytest.mark.nightly
def test_docling(folder: Path) -> None:
    (example,) = HOSTS.blocks("docling", "python")
    assert "OPENING HOURS" in python(folder, example)


def test_http(folder: Path) -> None:
    serve, ask = HOSTS.commands("HTTP")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    arguments = serve.replace("8000", port).split()
    assert arguments[0] == "ocr-plugin"
    server = subprocess.Popen(
        [sys.executable, "-m", "ocr_plugin", *arguments[1:]], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr and "listening" in server.stderr.readline()
        assert '"OPENING"' in shell(folder, ask.replace("8000", port)).stdout
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def test_formats(folder: Path) -> None:
    for command in HOSTS.commands("Formats"):
        shell(folder, command)
    assert "OPENING" in (folder / "photo.hocr").read_text()
    text = pypdfium2.PdfDocument(folder / "searchable" / "scan.pdf")[0].get_textpage()
    assert "OPENING HOURS" in text.get_text_bounded()
    assert "OPENING" in (folder / "alto" / "scan.alto.xml").read_text()

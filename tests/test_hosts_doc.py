"""The examples of docs/hosts.md, run as they stand there."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from tests.distributions import install
from tests.test_docling import LAYOUT

DOCUMENT = (Path(__file__).parents[1] / "docs" / "hosts.md").read_text(encoding="utf-8")
PHOTO = Path(__file__).parents[1] / "examples" / "shop_signs.jpg"
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCUMENT, re.M | re.S))


def blocks(section: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", SECTIONS[section], re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(PHOTO, tmp_path / "photo.jpg")
    Image.open(PHOTO).save(tmp_path / "scan.pdf", resolution=150)
    return tmp_path


def python(folder: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "OCR_PLUGIN_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        line, cwd=folder, shell=True, env=os.environ | {"PATH": path},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def commands(section: str) -> list[str]:
    return [
        line.removeprefix("$ ")
        for block in blocks(section, "console")
        for line in block.splitlines()
    ]


@pytest.mark.parametrize("index", range(4))
def test_paddleocr(folder: Path, index: int) -> None:
    examples = blocks("PaddleOCR", "python")
    assert len(examples) == 4
    out = python(folder, examples[index])
    assert ("OPENING HOURS" in out) == ("print" in examples[index])


def test_ocrmypdf(folder: Path) -> None:
    (example,) = blocks("OCRmyPDF", "python")
    python(folder, example)
    assert "OPENING HOURS" in (folder / "scan.txt").read_text()
    (folder / "searchable.pdf").unlink()
    (command,) = commands("OCRmyPDF")
    shell(folder, command)
    text = pypdfium2.PdfDocument(folder / "searchable.pdf")[0].get_textpage().get_text_bounded()
    assert "OPENING HOURS" in text


def test_docling(folder: Path) -> None:
    # docling's own layout and table models would be fetched. Without a layout it names no regions.
    install(folder, "no_layout", plugins={"no": "no_layout"}, group="docling", module=LAYOUT)
    (example,) = blocks("docling", "python")
    own = "layout_options=NoLayoutOptions(), do_table_structure=False,\n    ocr_options="
    code = "from no_layout import NoLayoutOptions\n" + example.replace("ocr_options=", own)
    code = code.replace(
        "OcrPluginOptions(recognizer", "OcrPluginOptions(mode='full_page', recognizer"
    )
    assert "OPENING HOURS" in python(folder, code)


def test_http(folder: Path) -> None:
    serve, ask = commands("HTTP")
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
    for command in commands("Formats"):
        shell(folder, command)
    assert "OPENING" in (folder / "photo.hocr").read_text()
    text = pypdfium2.PdfDocument(folder / "searchable" / "scan.pdf")[0].get_textpage()
    assert "OPENING HOURS" in text.get_text_bounded()
    assert "OPENING" in (folder / "alto" / "scan.alto.xml").read_text()

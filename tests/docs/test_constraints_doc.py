"""The examples of docs/constraints.md, run as they stand there."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ocr_plugin.constraints.named_patterns import descriptions
from tests.examples import Examples, python, shell
from tests.pictures import draw_lines

CONSTRAINTS = Examples("constraints.md")
IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [(30, 35, "Rechnung 4711"), (30, 125, IBAN), (30, 215, "29.02.2024")]
    Image.fromarray(draw_lines(lines).pixels).save(tmp_path / "invoice.png")
    return tmp_path


def test_in_python(folder: Path) -> None:
    fields, reader = CONSTRAINTS.blocks("In Python", "python")
    out = python(folder, fields).splitlines()
    assert {"4711", IBAN, "29.02.2024"} <= set(out)
    assert "no allowed text was found - Rechnung" in out
    code = "from PIL import Image\nimport numpy as np\n" + reader
    code += "picture = np.array(Image.open('invoice.png').convert('RGB'))[:90]\n"
    assert python(folder, code + "print(sizes.recognize([picture])[0].confidence < 0.5)") == (
        "True\n"
    )


def test_on_the_command_line(folder: Path) -> None:
    account, digits = CONSTRAINTS.commands("On the command line")
    page = json.loads(shell(folder, account).stdout)
    words = [
        word["text"]
        for block in page["blocks"]
        for line in block["lines"]
        for word in line["words"]
    ]
    assert " ".join(words) == IBAN and page["withheld"]
    assert "4711" in shell(folder, digits).stdout


def test_over_http(folder: Path) -> None:
    (ask,) = CONSTRAINTS.commands("Over HTTP")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", "ocr_plugin", "serve", "--port", port, "--recognizer", "ppocr"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr and "listening" in server.stderr.readline()
        (page,) = json.loads(shell(folder, ask.replace("8000", port)).stdout)["pages"]
        assert page["withheld"] and '"DE89"' in json.dumps(page["blocks"])
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def test_the_patterns_are_all_named() -> None:
    text = (Path(__file__).parents[2] / "docs" / "constraints.md").read_text(encoding="utf-8")
    assert not [name for name in descriptions() if f"`{name}`" not in text]

"""Reading with decoders that are processes of their own."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ocr_plugin
from ocr_plugin.cli.app import main
from ocr_plugin.engine.engine import Engine
from ocr_plugin.errors import ConfigurationError, ExitCode, UnreadableImage
from ocr_plugin.options import EngineOptions
from ocr_plugin.pages import decoder_pool
from ocr_plugin.pages.prefetch import opened
from ocr_plugin.pages.raster import PageFailure, PageImage
from ocr_plugin.pages.source import Source
from ocr_plugin.schema import Page, PageError
from tests import hostile

ISOLATED = EngineOptions(isolate=True, page_seconds=3)
RED, BLUE, YELLOW = (255, 0, 0), (0, 0, 255), (255, 255, 0)


@pytest.fixture
def dangerous(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has red pages kill and blue ones stall what decodes them."""
    monkeypatch.setattr(decoder_pool, "_decoded", hostile.decoded)


def picture(*colour: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "PNG")
    return file.getvalue()


def document(*colours: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    first, *more = (Image.new("RGB", (60, 40), colour) for colour in colours)
    first.save(file, "TIFF", save_all=True, append_images=more)
    return file.getvalue()


def told(sources: list[Source], options: EngineOptions = ISOLATED) -> list[Any]:
    """Returns a page's first pixel, or its error's message, for each page."""
    return [
        int(page.pixels[0, 0, 0]) if isinstance(page, PageImage) else str(page.error)
        for page in opened(sources, options, 2)
    ]


def test_pages_are_those_of_this_process(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1, 1, 1))
    (tmp_path / "no.txt").write_bytes(b"no picture")
    array = np.full((40, 60, 3), 9, np.uint8)
    sources: list[Source] = [
        tmp_path / "a.png",
        document((2, 2, 2), (3, 3, 3)),
        tmp_path / "no.txt",
        tmp_path / "missing.png",
        array,
        Image.new("RGB", (60, 40), (4, 4, 4)),
        bytearray(picture(5, 5, 5)),
    ]
    mine = list(opened(sources, EngineOptions(), 2))
    theirs = list(opened(sources, ISOLATED, 2))
    assert len(mine) == len(theirs) == 8
    for own, other in zip(mine, theirs, strict=True):
        assert (own.name, own.page_index) == (other.name, other.page_index)
        if isinstance(own, PageImage):
            assert isinstance(other, PageImage)
            assert (own.pixels == other.pixels).all() and own.sha256 == other.sha256
        else:
            assert isinstance(other, PageFailure) and own.as_error() == other.as_error()


@pytest.mark.usefixtures("dangerous")
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_what_kills_or_stalls_a_decoder_is_an_error_and_the_rest_is_read() -> None:
    sources: list[Source] = [
        picture(*RED),
        picture(7, 7, 7),
        picture(*BLUE),
        document(RED, (8, 8, 8)),
    ]
    died, seven, stalled, first, eight = told(sources)
    assert (seven, eight) == (7, 8)
    assert died == first == "<bytes>: the decoder process died, exit code -9"
    assert stalled == "<bytes>: decoding took more than 3 s"


@pytest.mark.skipif(sys.platform == "win32", reason="memory is not limited there")
def test_a_bomb_is_an_error_and_the_rest_is_read() -> None:
    bomb = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(bomb, "PNG")
    options = EngineOptions(isolate=True, max_memory=0.8)
    refused, seven = told([bomb.getvalue(), picture(7, 7, 7)], options)
    assert "memory" in refused.casefold() and "\n" not in refused
    assert seven == 7


@pytest.mark.usefixtures("dangerous")
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_the_engine_decodes_so_when_asked() -> None:
    engine = Engine("whole_image", "ppocr", options=ISOLATED)
    with pytest.raises(UnreadableImage, match="the decoder process died"):
        engine.read(picture(*RED))
    assert engine.read(picture(1, 2, 3)).source.width == 60
    failed, page = engine.read_many([picture(*RED), picture(1, 2, 3)])
    assert isinstance(failed, PageError) and isinstance(page, Page)


@pytest.mark.usefixtures("dangerous")
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_the_command_line_reads_the_rest(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, colour in (("a.png", RED), ("b.png", (250, 250, 250)), ("c.png", YELLOW)):
        (tmp_path / name).write_bytes(picture(*colour))
    options = ["--isolate", "--json", "--recognizer", "ppocr", "--overlay", str(tmp_path / "over")]
    files = [str(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    code = main(["read", *options, "--max-memory", "3.5", *files])
    out, err = capfd.readouterr()
    assert code == ExitCode.INPUT
    (page,) = out.splitlines()
    assert json.loads(page)["source"]["name"].endswith("b.png")
    assert err.splitlines()[0].endswith("a.png: the decoder process died, exit code -9")
    assert "c.png: decoding failed: 3500000000 bytes\n" in err
    assert [path.name for path in (tmp_path / "over").iterdir()] == ["b.overlay.png"]


@pytest.mark.parametrize("guarded", [True, False])
def test_a_script_must_be_guarded(guarded: bool, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(7, 7, 7))
    script = tmp_path / "script.py"
    condition = "__name__ == '__main__'" if guarded else "True"
    script.write_text(
        "from ocr_plugin.options import EngineOptions\n"
        "from ocr_plugin.pages.prefetch import opened\n"
        f"if {condition}:\n"
        f"    pages = opened([{str(tmp_path / 'a.png')!r}], EngineOptions(isolate=True), 1)\n"
        "    print(len(list(pages)))\n"
    )
    run = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(Path(ocr_plugin.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if guarded:
        assert (run.returncode, run.stdout, run.stderr) == (0, "1\n", "")
    else:
        assert run.returncode == 1 and 'must read under: if __name__ == "__main__":' in run.stderr


def test_without_the_extra_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ocr_plugin.pages.isolated")
    monkeypatch.setitem(sys.modules, "ocr_plugin.pages.decoder_pool", None)
    with pytest.raises(ConfigurationError, match=r"isolated decoding needs .*ocr-plugin\[serve\]"):
        opened([], ISOLATED, 1)

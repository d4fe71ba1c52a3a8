"""Fixtures of the command line."""

from pathlib import Path

import pytest
from PIL import Image

from tests.pictures import draw_lines


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_PLUGIN_CACHE", str(tmp_path / "cache"))
    # Set, so that what a command sets itself is undone after the test.
    monkeypatch.setenv("OCR_PLUGIN_OFFLINE", "1")
    monkeypatch.setenv("OCR_PLUGIN_DEBUG", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures: a.png and sub/a.png of one line each, blank.png, two.tiff of two pages."""
    made = tmp_path_factory.mktemp("pictures")
    (made / "sub").mkdir()
    first = Image.fromarray(draw_lines([(30, 30, "Hello there")], size=(320, 100)).pixels)
    second = Image.fromarray(draw_lines([(30, 30, "another page")], size=(320, 100)).pixels)
    first.save(made / "a.png")
    second.save(made / "sub" / "a.png")
    first.save(made / "Größe.png")
    # A copy, as Pillow leaves settings of the PNG encoder in the image that it saved.
    first.copy().save(made / "two.tiff", save_all=True, append_images=[second.copy()])
    Image.new("RGB", (320, 100), "white").save(made / "blank.png")
    (made / "broken.png").write_bytes((made / "a.png").read_bytes()[:60])
    return made

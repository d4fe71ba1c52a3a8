"""Fixtures of synthetic pages."""

from pathlib import Path

import pytest
from PIL import Image, ImageFont

from ocr_plugin.training.synthetic.pages.lettering import TextStyle, ink_of


@pytest.fixture(scope="session")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A font file; Pillow carries one, so that none need be installed."""
    default = ImageFont.load_default(size=20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    path = tmp_path_factory.mktemp("fonts") / "plain.ttf"
    path.write_bytes(default.font_bytes)
    return path


@pytest.fixture(scope="session")
def crops(font: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of word crops on grey paper."""
    folder = tmp_path_factory.mktemp("crops")
    style, lines = TextStyle(font, 24), []
    for number in range(40):
        ink = ink_of(f"word{number}", style).coverage
        Image.fromarray(210 - ink // 2).convert("RGB").save(folder / f"{number}.png")
        lines.append(f'{number}.png, "word{number}"')
    (folder / "gt.txt").write_text("\n".join(lines))
    return folder

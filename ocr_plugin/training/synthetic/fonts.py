"""Font files, and which characters each of them can draw."""

import os
import string
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.charset import CHARACTERS

SIZE = 48
"""Pixels of an em in which words are drawn; they are scaled afterwards."""

_SUFFIXES = {".ttf", ".otf", ".ttc"}
_NEEDED = set(string.digits + string.ascii_uppercase)
_NOWHERE = "\U0010fffe"  # no character, so every font draws its sign for a missing one
_OPEN_FONTS = 4096


@dataclass(frozen=True)
class SkippedFont:
    """A file that is not drawn with, and why."""

    path: Path
    reason: str


def system_folders() -> tuple[Path, ...]:
    """Returns the folders in which the system keeps its fonts."""
    home = Path.home()
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    return (
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".fonts",
        home / ".local/share/fonts",
    )


def find_fonts(places: Sequence[Path]) -> list[Path]:
    """Returns the font files in some folders, and below them, in a fixed order.

    Args:
        places: folders and single files; none for those of the system.

    Raises:
        ConfigurationError: there are none, or a place does not exist.
    """
    found: set[Path] = set()
    for place in places or [folder for folder in system_folders() if folder.is_dir()]:
        if not place.exists():
            raise ConfigurationError(f"{place}: no such file or folder of fonts")
        files = [place] if place.is_file() else place.rglob("*")
        found |= {path for path in files if path.suffix.lower() in _SUFFIXES and path.is_file()}
    if not found:
        where = ", ".join(map(str, places)) or "this system"
        raise ConfigurationError(f"no fonts in {where}: name folders that have .ttf or .otf files")
    return sorted(found)


@lru_cache(maxsize=_OPEN_FONTS)
def face(path: Path) -> ImageFont.FreeTypeFont:
    """Returns a font, opened, at `SIZE`.

    Raises:
        OSError: the file is no font.
    """
    # Without a layout engine each character is drawn by itself, which is fast and needs no library.
    return ImageFont.truetype(str(path), SIZE, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=_OPEN_FONTS)
def drawable(path: Path, characters: str = CHARACTERS) -> frozenset[str] | SkippedFont:
    """Returns those characters that a font really draws, or why the font is unusable.

    Lower-case letters that look just like the capitals do not count: what they say is capitals.
    """
    try:
        font = face(path)
        missing = bytes(font.getmask(_NOWHERE))
        drawn = {
            character: bytes(mask)
            for character in characters
            if (mask := font.getmask(character)).getbbox() is not None
        }
    except (OSError, ValueError) as error:
        return SkippedFont(path, str(error) or type(error).__name__)
    for letter in filter(str.islower, characters):
        if letter in drawn and drawn[letter] == drawn.get(letter.upper()):
            del drawn[letter]
    found = frozenset(name for name, mask in drawn.items() if mask != missing)
    needed = _NEEDED & set(characters)
    if lacking := sorted(needed - found):
        return SkippedFont(path, f"lacks {' '.join(lacking[:10])}")
    # A font of symbols draws boxes or ornaments alike for everything.
    if len({drawn[character] for character in needed}) < len(needed) - 1:  # but 0 may be O
        return SkippedFont(path, "draws different letters alike")
    return found

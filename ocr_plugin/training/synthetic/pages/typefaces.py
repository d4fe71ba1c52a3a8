"""Fonts at their sizes, and a choice among them."""

import random
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training.synthetic.fonts import SIZE, SkippedFont, drawable, find_fonts

_TRIES = 300
_MONOSPACED_TRIES = 40
_LIKE_PAIRS = (("E", "F"), ("O", "Q"), ("P", "R"))
_LEAST_LIKE = 0.35


@lru_cache(maxsize=512)
def sized(path: Path, size: int, shaped: bool = False) -> ImageFont.FreeTypeFont:
    """Returns a font, opened, at `size` pixels an em.

    Raises:
        OSError: the file is no font.
    """
    engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
    return ImageFont.truetype(str(path), size, layout_engine=engine)


@lru_cache(maxsize=16384)
def heights(path: Path, size: int) -> tuple[float, float]:
    """Returns how many pixels capitals and small letters stand above the baseline."""
    font = sized(path, size)
    return tuple(-font.getbbox(letter, anchor="ls")[1] for letter in "Hx")  # type: ignore[return-value]


class Typefaces:
    """Chooses fonts; immutable."""

    def __init__(self, places: Sequence[Path]) -> None:
        """Finds fonts, and opens none.

        Raises:
            ConfigurationError: there are none.
        """
        self.paths: Sequence[Path] = find_fonts(places)
        # A family has one file or forty; each family is drawn with alike.
        families: dict[str, list[Path]] = defaultdict(list)
        for path in self.paths:
            families[path.stem.split("-")[0]].append(path)
        self._families = list(families.values())

    def latin(self, rng: random.Random) -> Path:
        """Returns a font that has at least digits and capitals.

        Raises:
            ConfigurationError: there seems to be none.
        """
        for _ in range(_TRIES):
            path = rng.choice(rng.choice(self._families))
            if not isinstance(drawable(path), SkippedFont) and not _is_ornamental(path):
                return path
        raise ConfigurationError(f"none of {_TRIES} fonts drawn has digits and capitals")

    def monospaced(self, rng: random.Random) -> Path:
        """Returns a font of equally wide letters if one is soon found, else any."""
        for _ in range(_MONOSPACED_TRIES):
            path = self.latin(rng)
            if _is_monospaced(path):
                break
        return path

    def any(self, rng: random.Random) -> Path:
        """Returns any font, of any script."""
        return rng.choice(rng.choice(self._families))


def spelled(text: str, path: Path) -> str:
    """Returns a text as a font can spell it: in capitals, or without what it lacks."""
    characters = drawable(path)
    if isinstance(characters, SkippedFont):
        return text
    for written in (text, text.upper()):
        if characters.issuperset(written):
            return written
    return "".join(filter(characters.__contains__, text.upper())) or "A"


@lru_cache(maxsize=4096)
def _is_ornamental(path: Path) -> bool:
    """Returns whether a font draws ornaments for letters: in it E looks nothing like F."""
    alike = [_likeness(path, first, second) for first, second in _LIKE_PAIRS]
    return sum(alike) / len(alike) < _LEAST_LIKE


def _likeness(path: Path, first: str, second: str) -> float:
    """Returns the intersection over union of two letters' ink."""
    font, size = sized(path, SIZE), (3 * SIZE, 3 * SIZE)
    drawn = []
    for letter in (first, second):
        picture = Image.new("L", size)
        ImageDraw.Draw(picture).text((SIZE, 2 * SIZE), letter, 255, font, anchor="ls")
        drawn.append(np.asarray(picture) > 127)
    both, either = drawn[0] & drawn[1], drawn[0] | drawn[1]
    return float(both.sum()) / max(float(either.sum()), 1.0)


@lru_cache(maxsize=4096)
def _is_monospaced(path: Path) -> bool:
    font = sized(path, 48)
    return len({round(font.getlength(letter)) for letter in "iWm1"}) == 1

"""What pages are made from: fonts, phrases, photos and crops; and texts set in a random style."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.training.synthetic.pages.canvas import Canvas
from ocr_plugin.training.synthetic.pages.lettering import TextStyle
from ocr_plugin.training.synthetic.pages.photos import Photos
from ocr_plugin.training.synthetic.pages.phrases import Phrases
from ocr_plugin.training.synthetic.pages.scripts import Script, draws, scripts
from ocr_plugin.training.synthetic.pages.surfaces import surface
from ocr_plugin.training.synthetic.pages.typefaces import Typefaces, spelled

_ON_A_PHOTO = 0.72
_SPACED, _THICK = 0.15, 0.15
_TRIES = 200


@dataclass(frozen=True)
class Materials:
    """What pages are made from.

    Attributes:
        typefaces: fonts.
        phrases: texts.
        photos: to write on; perhaps none.
        crops: sets of real word crops; perhaps none.
        foreign: share of texts in other scripts.
    """

    typefaces: Typefaces
    phrases: Phrases
    photos: Photos
    crops: tuple[Path, ...] = ()
    foreign: float = 0.0

    def backdrop(
        self,
        rng: random.Random,
        passed_over: list[BadRecord],
        zoom: float = 1.8,
        clear: bool = False,
    ) -> Canvas:
        """Returns a photo or a made-up surface of a usual size.

        Args:
            rng: source of randomness.
            passed_over: photos that do not decode are added to it.
            zoom: the most that a piece of a photo is smaller than it.
            clear: whether to look for a piece with little text in it.
        """
        sides = sorted((rng.randint(560, 900), rng.randint(640, 1200)))
        height, width = sides if rng.random() < 0.65 else reversed(sides)
        if self.photos.paths and rng.random() < _ON_A_PHOTO:
            return self.photos.canvas((height, width), rng, passed_over, zoom, clear)
        return Canvas(surface(height, width, rng))

    def style(self, rng: random.Random, height: float) -> TextStyle:
        """Returns a style whose capitals stand about `height` pixels high."""
        size = max(round(height / 0.71), 7)
        return TextStyle(
            self.typefaces.latin(rng),
            size,
            spacing=rng.choice((0.05, 0.1, 0.25, 0.5)) if rng.random() < _SPACED else 0.0,
            gap=rng.uniform(0.22, 0.5),
            leading=rng.uniform(0.95, 1.6),
            stroke=max(1, round(size / rng.uniform(20, 50))) if rng.random() < _THICK else 0,
            margin=rng.uniform(0.02, 0.06),
        )

    def lines(
        self, rng: random.Random, counts: Sequence[int], style: TextStyle
    ) -> tuple[list[list[str]], TextStyle]:
        """Returns phrases, and the style to set them in: now and then a foreign font.

        Args:
            rng: source of randomness.
            counts: words of each line.
            style: to set them in.
        """
        if rng.random() < self.foreign and (found := self.foreign_font(rng)):
            path, script = found
            counts = counts if script.spaced else [1] * len(counts)
            words = [[script.word(rng) for _ in range(count)] for count in counts]
            return words, _foreign(style, path, script)
        lines = [self.phrases.phrase(rng, count) for count in counts]
        return [[spelled(word, style.font) for word in line] for line in lines], style

    def foreign_font(self, rng: random.Random) -> tuple[Path, Script] | None:
        """Returns another script and a font for it, or None where no font is found."""
        script = rng.choice(scripts())
        for _ in range(_TRIES):
            path = self.typefaces.any(rng)
            if draws(path, script):
                return path, script
        return None


def _foreign(style: TextStyle, path: Path, script: Script) -> TextStyle:
    return TextStyle(
        path,
        style.size,
        spacing=0.0 if script.shaped else style.spacing,
        gap=style.gap,
        leading=max(style.leading, 1.2),
        stroke=style.stroke,
        margin=style.margin,
        shaped=script.shaped,
        stacks=script.stacks,
        latin=False,
    )

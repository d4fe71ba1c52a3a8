"""Endless synthetic words: drawn by loader processes, composed on the training device."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.charset import CHARACTERS
from ocr_plugin.training.synthetic.composition import compose
from ocr_plugin.training.synthetic.fonts import SkippedFont, drawable, find_fonts
from ocr_plugin.training.synthetic.masks import draw_mask
from ocr_plugin.training.synthetic.photo_files import decoded, photos_in
from ocr_plugin.training.synthetic.texts import TextSampler, TextShares, read_vocabulary

_PHOTO_SIDE = 640
_TRIES, _TEXTS = 200, 20
"""Fonts that are tried for a text, and texts that are tried for a word."""

_NAMED = 3
"""Fonts that a report names."""


class SyntheticOptions(Options):
    """What synthetic words are made of."""

    fonts: tuple[Path, ...] = Field(
        default=(), description="Folders and files of fonts; empty for the system's."
    )
    vocabularies: tuple[Path, ...] = Field(
        default=(), description="Word lists, one word per line; empty for made-up words."
    )
    backgrounds: Path | None = Field(
        default=None, description="A folder of photos to write on; null for made-up surfaces."
    )
    texts: TextShares = Field(default=TextShares(), description="The mix of kinds of text.")


@dataclass(frozen=True)
class UncomposedWords:
    """Words that are drawn but not composed.

    Attributes:
        masks: (N, H, W) uint8, 255 where there is ink.
        aspects: (N,) float32, width over height of each word's box before it was squeezed.
        photos: (N, 3, H, W) uint8, what to write on, or None.
        labels: N words.
        passed_over: photos that were drawn but do not decode; others stand in for them.
    """

    masks: Tensor
    aspects: Tensor
    photos: Tensor | None
    labels: list[str]
    passed_over: tuple[BadRecord, ...] = ()

    def to(self, device: torch.device) -> "UncomposedWords":
        """Returns the same with its tensors on a device."""
        photos = None if self.photos is None else self.photos.to(device)
        return replace(
            self, masks=self.masks.to(device), aspects=self.aspects.to(device), photos=photos
        )


class SyntheticWords:
    """Draws and composes words. Immutable; may be passed to loader processes."""

    def __init__(self, options: SyntheticOptions, characters: str = CHARACTERS) -> None:
        """Finds fonts, words and photos; opens none of the fonts and photos.

        Args:
            options: what words are made of.
            characters: that the network can read.

        Raises:
            ConfigurationError: no fonts, or an unreadable word list, or no photos in a folder.
        """
        self.fonts: Sequence[Path] = find_fonts(options.fonts)
        self._vocabulary, self.dropped_words = read_vocabulary(options.vocabularies, characters)
        self._texts = TextSampler(self._vocabulary, options.texts, characters)
        self._characters = characters
        self._photos = photos_in(options.backgrounds)

    def draw(self, count: int, size: tuple[int, int], rng: random.Random) -> UncomposedWords:
        """Returns words as masks.

        Args:
            count: how many.
            size: height and width of the network's input.
            rng: source of randomness.

        Raises:
            ConfigurationError: none of the fonts can draw what words need, or no photo decodes.
        """
        masks, aspects, labels = [], [], []
        for _ in range(count):
            text, font = self._text_and_font(rng)
            mask = draw_mask(text, font, size, rng)
            masks.append(mask.coverage)
            aspects.append(mask.aspect)
            labels.append(text)
        photos = None
        passed_over: list[BadRecord] = []
        if self._photos:
            pieces = np.stack([self._piece(size, rng, passed_over) for _ in range(count)])
            photos = torch.from_numpy(pieces).permute(0, 3, 1, 2).contiguous()
        return UncomposedWords(
            torch.from_numpy(np.stack(masks)),
            torch.tensor(aspects),
            photos,
            labels,
            tuple(passed_over),
        )

    def compose(self, drawn: UncomposedWords, generator: torch.Generator) -> Tensor:
        """Returns the pictures, (N, 3, H, W) float32 from 0 to 1, on the words' device."""
        return compose(drawn.masks, drawn.aspects, drawn.photos, generator)

    def skipped_fonts(self) -> list[SkippedFont]:
        """Returns the files that are not drawn with, and why; opens all of them.

        Raises:
            ConfigurationError: no font is usable.
        """
        states = (drawable(path, self._characters) for path in self.fonts)
        skipped = [state for state in states if isinstance(state, SkippedFont)]
        if len(skipped) == len(self.fonts):
            raise ConfigurationError(f"none of {len(skipped)} fonts is usable ({_named(skipped)})")
        return skipped

    def describe(self) -> str:
        """Returns one line: how many fonts and words there are, and what is left out and why.

        Opens all fonts.

        Raises:
            ConfigurationError: no font is usable.
        """
        skipped = self.skipped_fonts()
        used = [
            characters
            for path in self.fonts
            if not isinstance(characters := drawable(path, self._characters), SkippedFont)
        ]
        parts = [f"synthetic words: {len(used):,} of {len(self.fonts):,} fonts"]
        if skipped:
            parts.append(f"not drawn with {_named(skipped)}")
        if lacking := sorted(set(self._characters).difference(*used)):
            parts.append(f"none has {' '.join(lacking)}")
        if self._vocabulary:
            parts.append(f"{len(self._vocabulary):,} words, {self.dropped_words:,} lines left out")
        return "; ".join(parts)

    def _text_and_font(self, rng: random.Random) -> tuple[str, Path]:
        """Returns a text and a font that draws it; a text that seems to have none is given up."""
        for _ in range(_TEXTS):
            text = self._texts.sample(rng)
            if (found := self._font(text, rng)) is not None:
                return found
        raise ConfigurationError(f"none of {_TRIES} fonts has all characters of {text!r}")

    def _font(self, text: str, rng: random.Random) -> tuple[str, Path] | None:
        """Returns a text and a font that has its characters; in capitals if it has only those."""
        for _ in range(_TRIES):
            path = rng.choice(self.fonts)
            characters = drawable(path, self._characters)
            if isinstance(characters, SkippedFont):
                continue
            for written in (text, text.upper()):
                if characters.issuperset(written):
                    return written, path
        return None

    def _piece(
        self, size: tuple[int, int], rng: random.Random, passed_over: list[BadRecord]
    ) -> RGB:
        """Returns a random piece of a photo, (H, W, 3)."""
        start = rng.randrange(len(self._photos))
        _, photo = decoded(self._photos, start, _PHOTO_SIDE, passed_over)
        height = min(round(rng.uniform(0.06, 0.5) * photo.shape[0]) + 4, photo.shape[0])
        width = min(round(height * rng.uniform(1, 6)), photo.shape[1])
        top = rng.randint(0, photo.shape[0] - height)
        left = rng.randint(0, photo.shape[1] - width)
        piece = photo[top : top + height, left : left + width]
        resized = cv2.resize(piece, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(resized, np.uint8)


def _named(fonts: Sequence[SkippedFont]) -> str:
    named = ", ".join(f"{font.path}: {font.reason}" for font in fonts[:_NAMED])
    return named + (", ..." if len(fonts) > _NAMED else "")

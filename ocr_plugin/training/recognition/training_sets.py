"""Real words to learn from: which records of a set are used, and samples of them as batches.

The label rules are those of PARSeq's training (https://arxiv.org/abs/2207.06966), but unless a set
asks for them as published, a record whose label they would change is left out instead: a label that
no longer says what the picture shows would teach the network to read wrongly.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from pydantic import Field
from torch import Tensor

from ocr_plugin.datasets.labels import LONGEST, plain_label
from ocr_plugin.datasets.word_sets import BadRecord, WordImage, WordSet
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import Options
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.charset import CHARACTERS
from ocr_plugin.training.recognition.augmentation import augment

_NAMED = 3
"""Records that a report names, for each reason."""


class TrainingSetOptions(Options):
    """A set of labelled word images, and its part in the mix."""

    path: Path = Field(description="LMDB, or a folder with labels.jsonl or gt.txt.")
    weight: float = Field(default=1.0, gt=0, description="In the mix, at the start.")
    final_weight: float | None = Field(
        default=None, gt=0, description="In the mix, at the end; null for the same."
    )
    case: Literal["print", "unknown"] = Field(
        default="print",
        description="unknown: the labels do not follow the print's upper and lower case.",
    )
    labels: Literal["exact", "published"] = Field(
        default="exact",
        description="published: white space, accents and characters that the network lacks are"
        " deleted from labels, as the paper's training does; exact: such records are left out.",
    )
    augment: bool = Field(default=True, description="Whether pictures are varied.")
    hold_back: int = Field(
        default=0, ge=0, description="Every so many records one is kept for validation; 0 for none."
    )


@dataclass(frozen=True)
class Crops:
    """Some words of a set at the network's size.

    Attributes:
        images: (N, 3, H, W) uint8 RGB.
        labels: N words.
        caseless: (N,) bool, true where the label tells nothing about the case.
        passed_over: records that were drawn but do not decode; others stand in for them.
    """

    images: Tensor
    labels: list[str]
    caseless: Tensor
    passed_over: tuple[BadRecord, ...] = ()


class TrainingSet:
    """The usable records of a set.

    Attributes:
        name: the folder's.
        left_out: names of the records whose labels are unusable, by the reason. A
            picture that does not decode is found when it is drawn; see `Crops.passed_over`.
    """

    def __init__(
        self, options: TrainingSetOptions, characters: str = CHARACTERS, longest: int = LONGEST
    ) -> None:
        """Reads the labels, and no pictures.

        Args:
            options: which set.
            characters: that the network can read.
            longest: label that the network can read, in characters.

        Raises:
            ConfigurationError: no such set, or nothing in it is usable.
        """
        self.name = options.path.name
        self.left_out: dict[str, list[str]] = defaultdict(list)
        self._options = options
        self._characters = characters
        self._words = WordSet(options.path)
        self._usable: list[int] = []
        self._held_back: list[int] = []
        for index in range(len(self._words)):
            label = self._words.label(index)
            reason = (
                label.reason
                if isinstance(label, BadRecord)
                else unfit(label, characters, longest, options.labels == "published")
            )
            if reason is not None:
                self.left_out[reason].append(f"#{index + 1}")
                continue
            kept = options.hold_back and index % options.hold_back == 0
            (self._held_back if kept else self._usable).append(index)
        if not self._usable:
            raise ConfigurationError(f"{options.path}: {self.describe()}")

    def __len__(self) -> int:
        return len(self._usable)

    def describe(self) -> str:
        """Returns one line: how many words there are, and what is left out and why."""
        parts = [f"{self.name}: {len(self._usable):,} of {len(self._words):,} words"]
        if self._held_back:
            parts.append(f"{len(self._held_back):,} held back")
        for reason, names in self.left_out.items():
            more = ", ..." if len(names) > _NAMED else ""
            parts.append(f"{len(names):,} left out, {reason} ({', '.join(names[:_NAMED])}{more})")
        return "; ".join(parts)

    def sample(self, count: int, size: tuple[int, int], rng: random.Random) -> Crops:
        """Returns words drawn at random.

        Args:
            count: how many.
            size: height and width of the pictures, in pixels; the aspect ratio is not kept.
            rng: source of randomness.

        Raises:
            ConfigurationError: no picture of the set decodes.
        """
        images, labels = [], []
        passed_over: list[BadRecord] = []
        for _ in range(count):
            record = self._drawn(rng, passed_over)
            pixels = augment(record.pixels, rng) if self._options.augment else record.pixels
            images.append(resized(pixels, size))
            labels.append(self._clean(record.label))
        return Crops(
            torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(),
            labels,
            torch.full((count,), self._options.case == "unknown"),
            tuple(passed_over),
        )

    def held_back(self, most: int) -> tuple[list[WordImage], list[BadRecord]]:
        """Returns up to `most` of the records kept for validation, their labels clean.

        And those of them that do not decode.
        """
        words: list[WordImage] = []
        bad: list[BadRecord] = []
        for index in self._held_back[:most]:
            record = self._words.record(index)
            if isinstance(record, BadRecord):
                bad.append(record)
            else:
                words.append(WordImage(record.name, record.pixels, self._clean(record.label)))
        return words, bad

    def _clean(self, label: str) -> str:
        if self._options.labels == "exact":
            return label.strip()
        return "".join(filter(self._characters.__contains__, plain_label(label)))

    def _drawn(self, rng: random.Random, passed_over: list[BadRecord]) -> WordImage:
        """Returns a random record; after some that do not decode, the next that does."""
        start = rng.randrange(len(self._usable))
        for offset in range(len(self._usable)):
            record = self._words.record(self._usable[(start + offset) % len(self._usable)])
            if isinstance(record, WordImage):
                return record
            passed_over.append(record)
        raise ConfigurationError(f"{self._options.path}: no picture in it decodes")


def unfit(label: str, characters: str, longest: int, published: bool = False) -> str | None:
    """Returns why a label cannot be learnt from, or None where it can.

    Args:
        label: as it stands in the set.
        characters: that the network can read.
        longest: label that the network can read, in characters.
        published: whether the label is cut down to what the network reads, its length being counted
            before; see `TrainingSetOptions.labels`.
    """
    plain = plain_label(label) if published else label.strip()
    if not plain:
        return "empty"
    if len(plain.split()) > 1:
        return "inner white space"
    if len(plain) > longest:
        return f"longer than {longest}"
    outside = set(plain) - set(characters)
    if outside == set(plain) or (outside and not published):
        return "characters outside the charset"
    return None


def resized(pixels: RGB, size: tuple[int, int]) -> RGB:
    """Returns (h, w, 3) pixels at (height, width), as the recognizer makes its input."""
    height, width = size
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def mixed_counts(weights: Sequence[float], batch_size: int, rng: random.Random) -> list[int]:
    """Returns how many images of a batch come from each source, in all `batch_size`.

    Over many batches each source has exactly its share: what does not divide is drawn.
    """
    total = sum(weights)
    shares = [weight / total * batch_size for weight in weights]
    counts = [int(share) for share in shares]
    # Systematic sampling: one draw places all the remainders, each source getting 0 or 1 more.
    position, offset = 0.0, rng.random()
    for index, share in enumerate(shares):
        before = position
        position += share - counts[index]
        counts[index] += int(position + offset) - int(before + offset)
    # Rounding may make the last count one too small.
    counts[-1] += batch_size - sum(counts)
    return counts

"""Batches of real and synthetic words, each a function of the seed and its number alone."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training.recognition.options import DataOptions
from ocr_plugin.training.recognition.training_sets import Crops, TrainingSet, mixed_counts
from ocr_plugin.training.synthetic.words import SyntheticWords, UncomposedWords


@dataclass(frozen=True)
class RawBatch:
    """What loader processes hand over: crops as they are, synthetic words not yet composed.

    Attributes:
        number: of the batch; it seeds the composition.
        crops: of each real set that has any in this batch.
        drawn: synthetic words, if any.
    """

    number: int
    crops: Sequence[Crops]
    drawn: UncomposedWords | None

    @property
    def passed_over(self) -> list[BadRecord]:
        """What was drawn but does not decode."""
        real = [record for crops in self.crops for record in crops.passed_over]
        return real + list(self.drawn.passed_over if self.drawn else ())


@dataclass(frozen=True)
class Batch:
    """What the network learns from.

    Attributes:
        images: (B, 3, H, W) float32, 0 to 1, on the device.
        labels: B words.
        caseless: (B,) bool, true where the label tells nothing about the case.
    """

    images: Tensor
    labels: list[str]
    caseless: Tensor

    def parts(self, count: int) -> Iterator["Batch"]:
        """Yields the batch in `count` parts of about the same size."""
        size = -(-len(self.labels) // count)
        for start in range(0, len(self.labels), size):
            some = slice(start, start + size)
            yield Batch(self.images[some], self.labels[some], self.caseless[some])


class WordBatches:
    """The raw batches of a run by their number."""

    def __init__(
        self,
        options: DataOptions,
        sets: Sequence[TrainingSet],
        size: tuple[int, int],
        characters: str,
        batch_size: int,
        batches: int,
        seed: int,
    ) -> None:
        """Prepares the sources; opens no picture.

        Args:
            options: the mix.
            sets: opened, as `options.sets` names them.
            size: height and width of the network's input.
            characters: that it can read.
            batch_size: images of a batch.
            batches: of the whole run, over which the mix changes.
            seed: of all randomness.

        Raises:
            ConfigurationError: there is nothing to learn from.
        """
        if not sets and options.synthetic is None:
            raise ConfigurationError("the recipe names neither sets nor synthetic words")
        self._sets = sets
        self._synthetic = (
            None if options.synthetic is None else SyntheticWords(options.synthetic, characters)
        )
        self._weights = [(entry.weight, entry.final_weight) for entry in options.sets]
        if self._synthetic is not None:
            self._weights.append((options.synthetic_weight, options.synthetic_final_weight))
        self._size = size
        self._batch_size = batch_size
        self._batches = batches
        self._seed = seed

    def __len__(self) -> int:
        return self._batches

    def describe(self) -> list[str]:
        """Returns a line for each source: what there is, and what is left out and why.

        Raises:
            ConfigurationError: synthetic words cannot be drawn with the fonts that are there.
        """
        lines = [words.describe() for words in self._sets]
        return lines + ([self._synthetic.describe()] if self._synthetic else [])

    def __getitem__(self, number: int) -> RawBatch:
        rng = random.Random(f"{self._seed}:{number}")
        progress = number / self._batches
        weights = [
            first if last is None else first + (last - first) * progress
            for first, last in self._weights
        ]
        counts = mixed_counts(weights, self._batch_size, rng)
        drawn = None
        if self._synthetic is not None:
            synthetic_count = counts.pop()
            if synthetic_count:
                drawn = self._synthetic.draw(synthetic_count, self._size, rng)
        crops = [
            words.sample(count, self._size, rng)
            for words, count in zip(self._sets, counts, strict=True)
            if count
        ]
        return RawBatch(number, crops, drawn)

    def finish(self, raw: RawBatch, device: torch.device) -> Batch:
        """Returns a raw batch on the device, its synthetic words composed there."""
        images = [crops.images.to(device).float() / 255 for crops in raw.crops]
        labels = [label for crops in raw.crops for label in crops.labels]
        caseless = [crops.caseless for crops in raw.crops]
        if raw.drawn is not None and self._synthetic is not None:
            generator = torch.Generator(device)
            generator.manual_seed(
                random.Random(f"{self._seed}:{raw.number}:colours").getrandbits(48)
            )
            images.append(self._synthetic.compose(raw.drawn.to(device), generator))
            labels += raw.drawn.labels
            caseless.append(torch.zeros(len(raw.drawn.labels), dtype=torch.bool))
        return Batch(torch.cat(images), labels, torch.cat(caseless).to(device))

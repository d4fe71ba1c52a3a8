"""Batches of pieces of pages, each a function of the seed and its number alone."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ocr_plugin.datasets.word_sets import BadRecord
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training.detection.augmentation import Piece, piece_of, recoloured
from ocr_plugin.training.detection.options import (
    DetectorDataOptions,
    DetectorObjectiveOptions,
)
from ocr_plugin.training.detection.sources import PageSource, TrainingPages
from ocr_plugin.training.detection.targets import Target, target_of
from ocr_plugin.training.recognition.training_sets import mixed_counts
from ocr_plugin.training.synthetic.pages.pages import SyntheticPages

_MOST_TAUGHT = 1.7
"""Enlargement of a page up to which the teacher's map of lines is learnt."""


@dataclass(frozen=True)
class PieceBatch:
    """What the network learns from in one step.

    Attributes:
        pixels: (B, side, side, 3) uint8 RGB.
        cores: (B, side, side) uint8, 1 in the core of a word.
        weights: (B, side, side) float16; 0 where a pixel does not count.
        taught: which of them the teacher of the map of lines is applied to.
        passed_over: pages that were drawn but do not decode; others stand in for them.
    """

    pixels: Tensor
    cores: Tensor
    weights: Tensor
    taught: tuple[int, ...]
    passed_over: tuple[BadRecord, ...] = ()


class PageBatches:
    """The batches of a run by their number."""

    def __init__(
        self,
        options: DetectorDataOptions,
        sets: Sequence[TrainingPages],
        objective: DetectorObjectiveOptions,
        batch_size: int,
        batches: int,
        seed: int,
    ) -> None:
        """Takes what batches are made of.

        Args:
            options: of the data; paths are those of this machine.
            sets: opened, as the options name them.
            objective: of the run.
            batch_size: pieces of a batch.
            batches: of the whole run.
            seed: of all randomness.

        Raises:
            ConfigurationError: there is nothing to learn from.
        """
        self._sources: list[tuple[PageSource, tuple[float, float]]] = [
            (pages, pages.scales) for pages in sets
        ]
        self._weights = [(entry.weight, entry.final_weight) for entry in options.sets]
        if options.synthetic is not None:
            pages = SyntheticPages(options.synthetic)
            self._sources.append((pages, options.synthetic_scales))
            self._weights.append((options.synthetic_weight, options.synthetic_final_weight))
        if not self._sources:
            raise ConfigurationError("the recipe names neither pages nor synthetic ones")
        self._side = options.side
        self._gap_weight = objective.gap_weight
        self._taught_share = objective.taught_share if objective.line_weight else 0.0
        self._batch_size = batch_size
        self._batches = batches
        self._seed = seed

    def describe(self) -> list[str]:
        """Returns a line for each source of pages."""
        return [source.describe() for source, _ in self._sources]

    def __getitem__(self, number: int) -> PieceBatch:
        rng = random.Random(f"{self._seed}:{number}")
        passed_over: list[BadRecord] = []
        drawn = self.drawn(number, rng, passed_over)
        targets = [target for _, target in drawn]
        # On pages enlarged far beyond what it was made for, the teacher is unreliable.
        fit = [n for n, (piece, _) in enumerate(drawn) if piece.scale <= _MOST_TAUGHT]
        wanted = math.ceil(self._taught_share * len(drawn))
        return PieceBatch(
            torch.from_numpy(np.stack([piece.pixels for piece, _ in drawn])),
            torch.from_numpy(np.stack([target.cores for target in targets])),
            torch.from_numpy(np.stack([target.weights for target in targets])).half(),
            tuple(rng.sample(fit, min(wanted, len(fit)))),
            tuple(passed_over),
        )

    def drawn(
        self, number: int, rng: random.Random, passed_over: list[BadRecord]
    ) -> list[tuple[Piece, Target]]:
        """Returns the pieces of a batch, each with what is to be learnt from it."""
        progress = number / self._batches
        weights = [
            first if last is None else first + (last - first) * progress
            for first, last in self._weights
        ]
        counts = mixed_counts(weights, self._batch_size, rng)
        return [
            self._piece(source, scales, rng, passed_over)
            for (source, scales), count in zip(self._sources, counts, strict=True)
            for _ in range(count)
        ]

    def _piece(
        self,
        source: PageSource,
        scales: tuple[float, float],
        rng: random.Random,
        passed_over: list[BadRecord],
    ) -> tuple[Piece, Target]:
        pixels, page = source.draw(rng, passed_over)
        piece = piece_of(pixels, page.words, self._side, rng, scales)
        piece = replace(piece, pixels=recoloured(piece.pixels, rng))
        size = (self._side, self._side)
        return piece, target_of(piece.words, piece.page, size, self._gap_weight)

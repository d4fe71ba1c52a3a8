"""The trainer of CLIP4STR, in plain PyTorch."""

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from ocr_plugin.errors import ConfigurationError
from ocr_plugin.recognizers.clip4str.checkpoint import save_model
from ocr_plugin.recognizers.clip4str.model import Clip4Str
from ocr_plugin.training import run_state
from ocr_plugin.training.recognition.batches import Batch, RawBatch, WordBatches
from ocr_plugin.training.recognition.freezing import freeze
from ocr_plugin.training.recognition.initial_weights import start
from ocr_plugin.training.recognition.loss import counted_tokens, ctc_loss, permuted_sequence_loss
from ocr_plugin.training.recognition.optimiser import make_optimiser
from ocr_plugin.training.recognition.options import TrainingOptions
from ocr_plugin.training.recognition.permutations import permutations
from ocr_plugin.training.recognition.training_sets import TrainingSet
from ocr_plugin.training.recognition.validation import ValidationSet, accuracies
from ocr_plugin.training.run import TrainingRun
from ocr_plugin.training.schedule import set_learning_rate


class Trainer(TrainingRun[RawBatch, ValidationSet]):
    """A run of a recipe for CLIP4STR; see `TrainingRun`."""

    options: TrainingOptions
    model: Clip4Str
    average: Clip4Str
    _source: WordBatches

    def __init__(self, options: TrainingOptions, folder: Path, sets: Sequence[TrainingSet]) -> None:
        """Builds the network and fills it with its first weights, or the last checkpoint's.

        Args:
            options: the recipe.
            folder: of the run; exists.
            sets: opened, as the recipe names them.

        Raises:
            OcrError: the recipe cannot be run.
        """
        super().__init__(options, folder)
        processes, optimiser = self._processes.count, options.optimiser
        parts = processes * optimiser.accumulate
        if optimiser.batch_size % parts:
            raise ConfigurationError(
                f"a batch of {optimiser.batch_size} does not divide into {parts} parts"
            )
        config = options.config
        if options.objective.ctc_weight and not config.ctc:
            raise ConfigurationError("objective.ctc_weight needs network.ctc = true")
        torch.manual_seed(options.seed)
        self.model = Clip4Str(config)
        state = run_state.load(folder, options)
        if state is None:
            start(self.model, options.start)
        self.model.to(self._device).train()
        self.average = self.model
        if optimiser.average:
            self.average = Clip4Str(config).to(self._device).eval().requires_grad_(False)
            self.average.load_state_dict(self.model.state_dict())
        freezing = options.freeze
        freeze(self.model, freezing.text_blocks, freezing.text_embeddings, freezing.image_blocks)
        self._optimiser = make_optimiser(self.model, optimiser)
        if state is not None:
            self._restore(state)
        self._source = WordBatches(
            options.data.below(options.machine.data),
            sets,
            config.image_size,
            config.characters,
            optimiser.batch_size // processes,
            self.steps * processes,
            options.seed,
        )
        self._mean, self._std = (
            torch.tensor(values, device=self._device).view(3, 1, 1)
            for values in (config.mean, config.std)
        )

    def _learn(self, raw: RawBatch) -> dict[str, float]:
        batch = self._source.finish(raw, self._device)
        options, progress = self.options, self.step / self.steps
        alone = progress < options.objective.ctc_alone_until
        rests = options.freeze.image_blocks > 0 or progress < options.freeze.stem_until
        self.model.stem.requires_grad_(not rests)
        set_learning_rate(self._optimiser, progress, options.optimiser)
        # Dropout and the orders of reading depend on the step alone, as the batch does.
        seed = f"{options.seed}:{self.step}:{self._processes.rank}"
        torch.manual_seed(random.Random(seed).getrandbits(48))
        self._optimiser.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for part in batch.parts(options.optimiser.accumulate):
            losses = self._losses(part, batch, alone, random.Random(f"{seed}:orders"))
            total = sum(losses.values(), start=torch.zeros((), device=self._device))
            total.backward()  # type: ignore[no-untyped-call]
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach()
        norm = self._make_step(options.optimiser.clip_norm, options.optimiser.average)
        return self._noted(sums, norm)

    def _losses(
        self, part: Batch, batch: Batch, ctc_alone: bool, rng: random.Random
    ) -> dict[str, Tensor]:
        """Returns what a part adds to the batch's losses; all parts' together are the batch's."""
        objective = self.options.objective
        images = (part.images - self._mean) / self._std
        caseless = part.caseless if bool(part.caseless.any()) else None
        losses: dict[str, Tensor] = {}
        lower = self.options.machine.precision == "bfloat16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=lower):
            tokens = self.model.encode_image(images)
            if objective.ctc_weight:
                loss = ctc_loss(self.model, tokens, part.labels, caseless)
                share = len(part.labels) / len(batch.labels)
                losses["ctc"] = objective.ctc_weight * share * loss
            if not ctc_alone:
                losses |= self._branch_losses(tokens, part.labels, batch.labels, caseless, rng)
        return losses

    def _branch_losses(
        self,
        tokens: Tensor,
        labels: list[str],
        all_labels: list[str],
        caseless: Tensor | None,
        rng: random.Random,
    ) -> dict[str, Tensor]:
        """Returns what a part adds to the branches' losses, read in groups of words of like length.

        A batch is as long as its longest word, which few words are; in groups they are read in half
        the time. The groups' means count by their tokens, so that each token counts alike. Without
        groups, all parts of a batch are read in the same orders, those of its longest word.
        """
        objective = self.options.objective
        order = sorted(range(len(labels)), key=lambda index: len(labels[index]))
        size = -(-len(order) // objective.length_groups)
        total = counted_tokens(all_labels, objective.permutations)
        losses: dict[str, Tensor] = {}
        for first in range(0, len(order), size):
            indices = order[first : first + size]
            group = torch.tensor(indices, device=self._device)
            words = [labels[index] for index in indices]
            longest = max(map(len, words if objective.length_groups > 1 else all_labels))
            orders = permutations(longest, objective.permutations, rng)
            found = permuted_sequence_loss(
                self.model,
                tokens[group],
                words,
                orders,
                None if caseless is None else caseless[group],
            )
            share = counted_tokens(words, objective.permutations) / total
            for name, loss in found.items():
                losses[name] = losses.get(name, 0) + share * loss
        return losses

    def _validate(self, sets: Sequence[ValidationSet]) -> dict[str, float]:
        alone = self.step / self.steps < self.options.objective.ctc_alone_until
        branches = ["ctc"] if self.options.objective.ctc_weight else []
        if not alone:
            branches += ["visual", "cross"] if self.model.cross_decoder else ["visual"]
        return {
            f"accuracy/{branch}/{words.name}": accuracy
            for words in sets
            for branch, accuracy in accuracies(self.average, words, self._device, branches).items()
        }

    def _write_weights(self, path: Path) -> None:
        try:
            save_model(self.average, path)
        except (OSError, SafetensorError) as error:
            raise ConfigurationError(f"{path.parent}: cannot be written: {error}") from error

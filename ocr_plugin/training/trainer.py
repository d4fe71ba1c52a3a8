"""The training loop: one class, plain PyTorch.

Every step is a function of the seed, the recipe and the weights before it, so a run that is killed
goes on from its last checkpoint to the very same weights.
"""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ocr_plugin.clip4str.checkpoint import save_model
from ocr_plugin.clip4str.model import Clip4Str
from ocr_plugin.device import usable_device
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training import checkpoint
from ocr_plugin.training.batches import Batch, BatchSource, load_batches
from ocr_plugin.training.checkpoint import Checkpoint
from ocr_plugin.training.datasets import TrainingSet
from ocr_plugin.training.freezing import freeze
from ocr_plugin.training.log import TrainingLog
from ocr_plugin.training.loss import counted_tokens, ctc_loss, permuted_sequence_loss
from ocr_plugin.training.optimiser import make_optimiser, set_learning_rate
from ocr_plugin.training.options import TrainingOptions
from ocr_plugin.training.permutations import permutations
from ocr_plugin.training.processes import join, leave
from ocr_plugin.training.starting_weights import start
from ocr_plugin.training.validation import ValidationSet, accuracies

Report = Callable[[int, int, dict[str, float]], None]
"""Is told the steps done, all of them, and what was measured, by name."""

WEIGHTS = "model.safetensors"
"""What a run leaves in its folder: the network as `load_model` takes it."""

_LOSSES_EVERY = 20


class Trainer:
    """A run of a recipe.

    Attributes:
        options: the recipe.
        model: the network as it is trained.
        average: the moving average of its weights, or the network itself where none is kept.
        step: how many steps are done.
        steps: of the whole run.
        passed_over: records and photos that were drawn and did not decode: the reason, by name.
    """

    def __init__(self, options: TrainingOptions, folder: Path, sets: Sequence[TrainingSet]) -> None:
        """Builds the network and fills it with its first weights, or the last checkpoint's.

        Args:
            options: the recipe.
            folder: of the run; exists.
            sets: opened, as the recipe names them.

        Raises:
            OcrError: whatever in the recipe cannot be.
        """
        self.options = options
        self.passed_over: dict[str, str] = {}
        self._folder = folder
        self._processes = join(usable_device(options.machine.device))
        self._device = self._processes.device
        processes, optimiser = self._processes.count, options.optimiser
        parts = processes * optimiser.accumulate
        if optimiser.batch_size % parts:
            raise ConfigurationError(
                f"a batch of {optimiser.batch_size} does not divide into {parts} parts"
            )
        self.steps = max(optimiser.samples // optimiser.batch_size, 1)
        config = options.config
        if options.objective.ctc_weight and not config.ctc:
            raise ConfigurationError("objective.ctc_weight needs network.ctc = true")
        torch.manual_seed(options.seed)
        self.model = Clip4Str(config)
        state = checkpoint.load(folder, options)
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
        self.step = 0
        if state is not None:
            self._restore(state)
        self._source = BatchSource(
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

    def run(
        self,
        validation: Sequence[ValidationSet],
        report: Report,
        stop_after: float | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Trains to the end, or until it is to stop; returns whether the end is reached.

        A checkpoint is written at times, and wherever it ends, together with `WEIGHTS`.

        Args:
            validation: what to measure accuracy on at times; of the first process only.
            report: is told what was measured.
            stop_after: seconds after which to leave off at the next step.
            stop: asked after each step whether to leave off there; of several processes, one that
                says so stops all.

        Raises:
            ConfigurationError: the checkpoint or the log cannot be written, or a source of words
                turns out to be of no use.
        """
        processes = self._processes
        begun = time.monotonic()
        log = TrainingLog(self._folder, self.step) if processes.leads else None

        def stops() -> bool:
            late = stop_after is not None and time.monotonic() - begun >= stop_after
            return processes.any(late or stop())

        try:
            self._run(validation, report, log, stops)
        finally:
            if log is not None:
                log.close()
            leave(processes)
        return self.step == self.steps

    def _run(
        self,
        validation: Sequence[ValidationSet],
        report: Report,
        log: TrainingLog | None,
        stops: Callable[[], bool],
    ) -> None:
        processes, machine = self._processes, self.options.machine
        batch_size = self.options.optimiser.batch_size
        numbers = range(
            self.step * processes.count + processes.rank,
            self.steps * processes.count,
            processes.count,
        )
        saved = time.monotonic()
        every = max(machine.validate_samples // batch_size, 1)
        for raw in load_batches(self._source, numbers, machine.loaders):
            self.passed_over |= {record.name: record.reason for record in raw.passed_over}
            values = self._learn(self._source.finish(raw, self._device))
            ends, stopped = self.step == self.steps, stops()
            if log is not None:
                if self.step % every == 0 or ends:
                    values |= self._validate(validation)
                log.write(self.step, self.step * batch_size, values)
                report(self.step, self.steps, values)
                due = time.monotonic() - saved >= 60 * machine.checkpoint_minutes
                if ends or stopped or due:
                    self.save()
                    saved = time.monotonic()
            if stopped:
                break

    def describe(self) -> list[str]:
        """Returns a line for each source of words: what there is, and what is left out and why.

        Raises:
            ConfigurationError: one of them turns out to be of no use.
        """
        return self._source.describe()

    @property
    def leads(self) -> bool:
        """Whether this is the process, of several, that writes and talks."""
        return self._processes.leads

    def save(self) -> None:
        """Writes the checkpoint and the weights.

        Raises:
            ConfigurationError: they cannot be written; those before them are still there.
        """
        average = None if self.average is self.model else self.average.state_dict()
        state = Checkpoint(
            self.step, self.model.state_dict(), average, self._optimiser.state_dict()
        )
        checkpoint.save(self._folder, state, self.options)
        try:
            save_model(self.average, self._folder / WEIGHTS)
        except (OSError, SafetensorError) as error:
            raise ConfigurationError(f"{self._folder}: cannot be written: {error}") from error

    def _restore(self, state: Checkpoint) -> None:
        self.step = state.step
        self.model.load_state_dict(state.model)
        if state.average is not None:
            self.average.load_state_dict(state.average)
        self._optimiser.load_state_dict(state.optimiser)

    def _learn(self, batch: Batch) -> dict[str, float]:
        """Makes one step; returns the losses."""
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
        parameters = [entry for entry in self.model.parameters() if entry.grad is not None]
        self._processes.average_gradients(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, options.optimiser.clip_norm)
        self._optimiser.step()
        self.step += 1
        if self.average is not self.model:
            self._move_average(options.optimiser.average)
        if self.step % _LOSSES_EVERY:
            return {}  # asking for numbers makes the host wait for a GPU
        rate = max(group["lr"] for group in self._optimiser.param_groups)
        means = self._processes.means(torch.stack(list(sums.values()))).tolist()
        return {
            **{f"loss/{name}": mean for name, mean in zip(sums, means, strict=True)},
            "gradient_norm": float(norm),
            "learning_rate": rate,
        }

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

    def _move_average(self, decay: float) -> None:
        # At first the average follows faster: it would else remember the random start.
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
            for kept, own in pairs:
                kept.lerp_(own, 1 - decay)

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

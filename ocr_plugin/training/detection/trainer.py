"""The trainer of the word detector."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import AdamW

from ocr_plugin.detectors.word_line import bundled_weights
from ocr_plugin.detectors.word_network import TextNetwork
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.training import run_state
from ocr_plugin.training.detection.batches import PageBatches, PieceBatch
from ocr_plugin.training.detection.initial_weights import (
    load_exported,
    load_ppocr,
    load_weights,
)
from ocr_plugin.training.detection.loss import line_loss, word_loss
from ocr_plugin.training.detection.options import DetectorStepOptions, DetectorTrainingOptions
from ocr_plugin.training.detection.sources import TrainingPages
from ocr_plugin.training.detection.validation import HeldPages, word_counts
from ocr_plugin.training.run import TrainingRun
from ocr_plugin.training.schedule import set_learning_rate

_MOST_TEXT = 0.3
"""Share of a picture that cores of lines take up at most; dense print has half of that."""

_LEAST_SIZE = 1e-3
"""Of a tensor's numbers, their root mean square; smaller ones learn as if they had this."""


class DetectorTrainer(TrainingRun[PieceBatch, HeldPages]):
    """A run of a recipe for the word detector; see `TrainingRun`.

    A resumed run comes to the same weights if PyTorch has one thread (``OMP_NUM_THREADS``):
    oneDNN's threads add up gradients in an order of their own each time.
    """

    options: DetectorTrainingOptions
    model: TextNetwork
    average: TextNetwork
    _source: PageBatches

    def __init__(
        self, options: DetectorTrainingOptions, folder: Path, sets: Sequence[TrainingPages]
    ) -> None:
        """Builds the network and fills it with its first weights, or the last checkpoint's.

        Args:
            options: the recipe.
            folder: of the run; exists.
            sets: opened, as the recipe names them.

        Raises:
            OcrError: the recipe cannot be run.
        """
        super().__init__(options, folder)
        processes, optimiser = self._processes, options.optimiser
        # All pieces have one size, so the fastest convolutions need to be sought only once.
        torch.backends.cudnn.benchmark = True
        if optimiser.batch_size % processes.count:
            raise ConfigurationError(
                f"a batch of {optimiser.batch_size} does not divide into {processes.count} parts"
            )
        self.model = TextNetwork()
        state = run_state.load(folder, options)
        if state is None:
            start(self.model, options)
        on_device(self.model, self._device).train()
        self.average = self.model
        if optimiser.average:
            self.average = on_device(TextNetwork(), self._device).eval().requires_grad_(False)
            self.average.load_state_dict(self.model.state_dict())
        self._teacher: TextNetwork | None = None
        if options.objective.line_weight:
            self._teacher = TextNetwork()
            load_ppocr(self._teacher)
            on_device(self._teacher, self._device).eval().requires_grad_(False)
        freeze_places(self.model)
        self._optimiser = make_optimiser(self.model, optimiser)
        if state is not None:
            self._restore(state)
        self._source = PageBatches(
            options.data.below(options.machine.data),
            sets,
            options.objective,
            optimiser.batch_size // processes.count,
            self.steps * processes.count,
            options.seed,
        )

    def _learn(self, raw: PieceBatch) -> dict[str, float]:
        # PP-OCR's weights hold numbers below 1e-38, by which processors multiply slowly.
        torch.set_flush_denormal(True)
        try:
            return self._learn_from(raw)
        finally:
            torch.set_flush_denormal(False)

    def _learn_from(self, raw: PieceBatch) -> dict[str, float]:
        options, device = self.options, self._device
        set_learning_rate(self._optimiser, self.step / self.steps, options.optimiser)
        pixels = network_input(raw.pixels.to(device))
        cores, weights = raw.cores.to(device).float(), raw.weights.to(device).float()
        self._optimiser.zero_grad(set_to_none=True)
        lower = options.machine.precision == "bfloat16"
        taught = list(raw.taught) if self._teacher is not None else []
        with torch.autocast(device.type, torch.bfloat16, enabled=lower):
            logits = self.model(pixels).float()
        ratio = options.objective.negative_ratio
        losses = {"words": word_loss(logits[:, 0], cores, weights, ratio)}
        # All processes average the same gradients, also those without a taught piece.
        losses["lines"] = 0 * logits[:, 1].sum()
        if taught and self._teacher is not None:
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=lower):
                lines = self._teacher.lines(pixels[taught])[:, 0].float().sigmoid()
            # Where the teacher takes all for text it is mistaken.
            sane = lines.mean((1, 2)) < _MOST_TEXT
            if bool(sane.any()):
                chosen = torch.tensor(taught, device=device)[sane]
                loss = line_loss(logits[:, 1].index_select(0, chosen), lines[sane])
                losses["lines"] = options.objective.line_weight * loss
        total = sum(losses.values(), start=torch.zeros((), device=device))
        total.backward()  # type: ignore[no-untyped-call]
        norm = self._make_step(options.optimiser.clip_norm, options.optimiser.average)
        return self._noted({name: loss.detach() for name, loss in losses.items()}, norm)

    def _validate(self, validation: Sequence[HeldPages]) -> dict[str, float]:
        lower = self.options.machine.precision == "bfloat16"
        return {
            f"accuracy/F/{pages.name}": word_counts(self.average, pages, self._device, lower).f
            for pages in validation
        }

    def _write_weights(self, path: Path) -> None:
        tensors = {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in self.average.state_dict().items()
        }
        written = path.with_name(f".{path.name}.writing")
        try:
            save_file(tensors, written)
            written.replace(path)
        except (OSError, SafetensorError) as error:
            raise ConfigurationError(f"{path}: cannot be written: {error}") from error


def on_device(network: TextNetwork, device: torch.device) -> TextNetwork:
    """Moves a network to a device, in the layout that its convolutions are fastest in."""
    return network.to(device).to(memory_format=torch.channels_last)


def start(network: TextNetwork, options: DetectorTrainingOptions) -> None:
    """Fills a network with its first weights.

    Raises:
        CheckpointError: the file is unusable.
    """
    if options.start.source == "ppocr":
        load_ppocr(network)
        return
    file = options.start.file
    path = bundled_weights() if file is None else options.machine.data / file
    (load_exported if path.suffix == ".onnx" else load_weights)(network, path)


def freeze_places(network: TextNetwork) -> None:
    """Leaves the neck's 7x7 depthwise convolutions as they are.

    They are 0.8 % of the weights, and their gradients would take a third of a step on a CPU.
    """
    for output in network.neck.outputs.children():
        next(output.children()).requires_grad_(False)


def make_optimiser(network: TextNetwork, options: DetectorStepOptions) -> AdamW:
    """Returns the optimiser; each group holds the `highest` learning rate the schedule scales.

    Rates are shares of what a tensor's numbers are like. With batch norms folded into them these
    differ by a factor of 500, and what is slow for one would scatter another in a few steps.
    """
    groups = []
    for entry in network.parameters():
        if entry.requires_grad:
            size = float(entry.detach().square().mean().sqrt())
            rate = options.learning_rate * max(size, _LEAST_SIZE)
            decay = options.weight_decay if entry.ndim > 1 else 0.0
            groups.append({"params": [entry], "highest": rate, "lr": rate, "weight_decay": decay})
    return AdamW(groups)


def network_input(pixels: Tensor) -> Tensor:
    """Returns (B, H, W, 3) uint8 pixels as the network takes them, (B, 3, H, W) from -1 to 1."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1  # memory stays channels-last

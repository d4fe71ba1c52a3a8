"""CLIP4STR's large products in eight bits, beside float32 and bfloat16, on one CPU.

    python -m benchmarks.int8_speed --data SET [--accuracy SET]... [--model NAME_OR_PATH]...
        [--engine onednn] [--batch 32] [--crops 512] [--rounds 5] [--out FILE.json]

Eight bits are dynamic: weights are rounded once, a scale for each output; states in every call,
a scale for all. That is PyTorch's ``torch.ao.nn.quantized.dynamic.Linear`` in the place of each
layer that `clip4str.onednn` made ready; convolutions and attention stay as they are. The model
``parity`` is B/16 with the made-up weights of the parity fixture: only its times mean something.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.ao.nn.quantized import dynamic

from benchmarks import machine
from benchmarks.crop_speed import crops_of
from benchmarks.decoding import MADE_UP, title_of
from benchmarks.gpu.parity import network
from benchmarks.speed import Subject, measure
from ocr_plugin.evaluation.word_accuracy import averages, read_set, word_scores
from ocr_plugin.protocols import RGB
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.checkpoint import save_model
from ocr_plugin.recognizers.clip4str.onednn import PackedLinear
from ocr_plugin.recognizers.clip4str.torch_network import TorchWordNetwork

# What is compared: as which numbers a network is loaded.
_NUMBERS = {"float32": "float32", "int8": "float32", "bfloat16": "bfloat16"}
_ACTIVATIONS = {"none": nn.Identity(), "gelu": nn.GELU(), "swish": nn.SiLU()}


class Int8Linear(nn.Module):
    """A packed layer's products in eight bits, and its activation."""

    def __init__(self, packed: PackedLinear) -> None:
        super().__init__()
        weight = packed._weight.to_dense()
        plain = nn.Linear(weight.shape[1], weight.shape[0], bias=packed._bias is not None)
        plain.weight = nn.Parameter(weight, requires_grad=False)
        if packed._bias is not None:
            plain.bias = nn.Parameter(packed._bias, requires_grad=False)
        # PyTorch's quantization has no types.
        plain.qconfig = torch.ao.quantization.per_channel_dynamic_qconfig  # type: ignore[assignment]
        self._linear = dynamic.Linear.from_float(plain)  # type: ignore[no-untyped-call]
        self._activation = _ACTIVATIONS[packed._activation]

    def forward(self, states: Tensor) -> Tensor:
        """Returns (..., out) of (..., in)."""
        return cast(Tensor, self._activation(self._linear(states)))


def in_eight_bits(subject: Subject) -> None:
    """Replaces all packed layers of a recognizer's network."""
    network = subject.recognizer._network
    assert isinstance(network, TorchWordNetwork)
    for parent in list(network.reader.network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, PackedLinear):
                setattr(parent, name, Int8Linear(child))


def compare(
    model: str, crops: list[RGB], batch: int, rounds: int, accuracy: Sequence[Path]
) -> dict[str, dict[str, Any]]:
    """Returns the times of each kind of numbers, and their accuracies."""
    with tempfile.TemporaryDirectory() as folder:
        path = model
        if model == MADE_UP:
            path = str(Path(folder, "made_up.safetensors"))
            save_model(network(None), path)
        options = {"model": path, "batch_size": batch, "settle_ties": False, "backend": "torch"}
        subjects = {
            name: Subject(options | {"precision": precision}, crops)
            for name, precision in _NUMBERS.items()
        }
    in_eight_bits(subjects["int8"])
    found = measure(subjects, len(crops), rounds)
    for name, subject in subjects.items():
        if accuracy and model != MADE_UP:
            scores = [word_scores(read_set(path, subject.recognizer)[0]) for path in accuracy]
            found[name]["averages_36"] = averages(scores)
        print(model, name, found[name], flush=True)
    return found


def main() -> None:
    """Measures every model."""
    parser = argparse.ArgumentParser(description="CLIP4STR in eight bits.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--accuracy", type=Path, action="append", default=[])
    parser.add_argument("--model", action="append")
    parser.add_argument("--engine", choices=torch.backends.quantized.supported_engines)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.engine:
        torch.backends.quantized.engine = arguments.engine
    crops = crops_of(arguments.data, arguments.crops)
    setting = {
        "crops": len(crops),
        "rounds": arguments.rounds,
        "engine": torch.backends.quantized.engine,
        "threads": torch.get_num_threads(),
    }
    results = {}
    for model in arguments.model or [DEFAULT_MODEL]:
        found = compare(model, crops, arguments.batch, arguments.rounds, arguments.accuracy)
        results[f"{title_of(model)}, batches of {arguments.batch}"] = setting | found
    if arguments.out:
        machine.write_report(arguments.out, "int8_speed", results)


if __name__ == "__main__":
    main()

"""What reading costs beside the image tower: our decoding and the plain one, in the same rounds.

    python -m benchmarks.decoding [--model NAME_OR_PATH]... [--data SET] [--batch 16] [--rounds 9]
        [--device DEVICE] [--precision PRECISION]... [--out FILE.json]

The plain one is ``tests/plain_clip4str.py``. Both run on the same network, as PyTorch has it in
float32 and made ready for reading in each precision (`clip4str.reader.ready_to_read`). The
images are words of a set, or with the made-up weights (``parity``, the default) those of the parity
fixture, under which words of 2 to 15 characters are read.
"""

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import machine
from benchmarks.crop_speed import crops_of
from benchmarks.gpu.parity import FIXTURE, network
from ocr_plugin.clip4str import Clip4Str
from ocr_plugin.options import Precision
from ocr_plugin.recognizers.clip4str.model_files import resolve
from ocr_plugin.recognizers.clip4str.options import Clip4StrOptions
from ocr_plugin.recognizers.clip4str.reader import Reader, read_texts, ready_to_read
from ocr_plugin.recognizers.clip4str.torch_network import torch_network
from ocr_plugin.runtime.precision import chosen_dtype
from tests.data.parity import weights
from tests.plain_clip4str import plain_logits

MADE_UP = "parity"


def inputs(model: str, data: Path | None, batch: int) -> Tensor:
    """Returns a batch of the network's input, (batch, 3, H, W) float32."""
    if model == MADE_UP:
        return weights.image_batch(json.loads(FIXTURE.read_text()) | {"batch": batch})
    if data is None:
        raise SystemExit("--data says from where the words are taken")
    return torch_network(resolve(model), Clip4StrOptions()).images(crops_of(data, batch))


def title_of(model: str) -> str:
    """Returns what a model is called in results."""
    return "B/16 with made-up weights" if model == MADE_UP else model


def milliseconds(runs: dict[str, Callable[[], Tensor]], rounds: int) -> dict[str, list[float]]:
    """Returns how long each takes, in turn, round for round; a first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            if run().is_cuda:
                torch.cuda.synchronize()
            if number:
                times[name].append(1000 * (time.perf_counter() - begun))
    return times


@torch.inference_mode()
def compare(
    network: Clip4Str, images: Tensor, device: str, precisions: Sequence[Precision], rounds: int
) -> dict[str, Any]:
    """Returns the times of both decodings on every network, and whether the texts are the same."""
    network = network.to(device).eval()
    readers = {"as PyTorch has it": (Reader(network), torch.float32)}
    for precision in precisions:
        dtype = chosen_dtype(precision, torch.device(device))
        readers[f"ready, {precision}"] = ready_to_read(copy.deepcopy(network), dtype), dtype
    runs: dict[str, Callable[[], Tensor]] = {}
    for name, (reader, dtype) in readers.items():
        batch = images.to(device, dtype)
        runs[f"{name}, tower"] = partial(reader.network.encode_image, batch)
        runs[f"{name}, plain"] = partial(plain_logits, reader.network, batch, reader.refinements)
        runs[f"{name}, ours"] = partial(reader, batch)
    times = milliseconds(runs, rounds)
    texts = {
        name: read_texts(network.config, run()) for name, run in runs.items() if "tower" not in name
    }
    expected = texts["as PyTorch has it, plain"]
    found: dict[str, Any] = {"texts": expected}
    for name in readers:
        tower = times[f"{name}, tower"]
        found[name] = {"tower_ms": summary(tower)}
        for path in ("plain", "ours"):
            whole = times[f"{name}, {path}"]
            ratios = [one / other for one, other in zip(whole, tower, strict=True)]
            found[name][path] = {
                "ms": summary(whole),
                "over_tower": summary(ratios),
                "same_texts": texts[f"{name}, {path}"] == expected,
            }
    return found


def summary(values: list[float]) -> dict[str, Any]:
    """Returns median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": round(middle, 3), "quartiles": [round(low, 3), round(high, 3)]}


def main() -> None:
    """Measures every model."""
    parser = argparse.ArgumentParser(description="What reading costs beside the image tower.")
    parser.add_argument("--model", action="append")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", action="append")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    precisions = arguments.precision or ["float32"]
    for name in arguments.model or [MADE_UP]:
        images = inputs(name, arguments.data, arguments.batch)
        model = network(None if name == MADE_UP else name)
        found = compare(model, images, arguments.device, precisions, arguments.rounds)
        title = title_of(name)
        results[f"{title}, batches of {arguments.batch}"] = {
            "device": arguments.device,
            "threads": torch.get_num_threads(),
            **found,
        }
        print(title, json.dumps(found, indent=2), flush=True)
    if arguments.out:
        machine.write_report(arguments.out, "decoding", results)


if __name__ == "__main__":
    main()

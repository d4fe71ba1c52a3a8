"""CLIP4STR read by ONNX Runtime and by PyTorch, on one CPU, in the same rounds.

    python -m benchmarks.onnx_speed --data SET --onnx DIR [--model NAME_OR_PATH] [--batch 32]
        [--crops 256] [--rounds 9] [--threads 1] [--clock wall|cpu] [--out FILE.json]

``--onnx`` is what ``ocr-plugin models export MODEL`` wrote. Both take the same decisions while they
decode (``tests/onnx_network.py``); resizing the crops and making texts of the logits is part of a
reading, not of a tower. ``--clock cpu`` counts this process's processor time, which tells something
on a machine that does other work as well, provided that there is one thread.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from benchmarks import machine
from benchmarks.crop_speed import crops_of
from benchmarks.decoding import summary
from ocr_plugin.clip4str import Clip4Str, Clip4StrRecognizer
from ocr_plugin.protocols import RGB, Reading
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.reader import Reader
from tests.onnx_network import OnnxNetwork

_CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def recognizers(
    model: str, files: OnnxNetwork, batch: int, mode: str
) -> tuple[Clip4StrRecognizer, Clip4StrRecognizer]:
    """Returns two that differ in what runs the network: PyTorch, and ONNX Runtime."""
    ours, other = (Clip4StrRecognizer(model=model, batch_size=batch, mode=mode) for _ in range(2))
    other._reader = Reader(cast(Clip4Str, files))
    return ours, other


@torch.inference_mode()
def compare(
    model: str, files: OnnxNetwork, crops: list[RGB], batch: int, rounds: int, clock: str
) -> dict[str, Any]:
    """Returns milliseconds a crop of each, and whether the texts are the same."""
    runs: dict[str, Callable[[], Any]] = {}
    texts: dict[str, bool] = {}
    for mode in ("accurate", "fast"):
        ours, other = recognizers(model, files, batch, mode)
        readings = [_texts(each.recognize(crops)) for each in (ours, other)]
        texts[mode] = readings[0] == readings[1]
        runs[f"PyTorch, {mode}"] = partial(ours.recognize, crops)
        runs[f"ONNX Runtime, {mode}"] = partial(other.recognize, crops)
    images = [ours._images(crops[start : start + batch]) for start in range(0, len(crops), batch)]
    network = ours._reader.network
    runs["PyTorch, tower"] = lambda: [_tower(network, each) for each in images]
    runs["ONNX Runtime, tower"] = lambda: [files.run("image_tower", each) for each in images]
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            begun = _CLOCKS[clock]()
            run()
            if number:
                times[name].append(1000 * (_CLOCKS[clock]() - begun) / len(crops))
    found = {name: {"ms_per_crop": summary(values)} for name, values in times.items()}
    return {"same_texts": texts, **found}


def _tower(network: Clip4Str, images: Tensor) -> list[Tensor]:
    """Returns what the tower's file does."""
    tokens = network.encode_image(images)
    return [tokens] if network.ctc_head is None else [tokens, network.ctc_logits(tokens)]


def _texts(readings: list[Reading]) -> list[str]:
    return [reading.text for reading in readings]


def main() -> None:
    """Measures one model."""
    parser = argparse.ArgumentParser(description="ONNX Runtime beside PyTorch.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--crops", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=_CLOCKS, default="wall")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    files = OnnxNetwork(arguments.onnx, threads=arguments.threads)
    crops = crops_of(arguments.data, arguments.crops)
    found = compare(
        arguments.model, files, crops, arguments.batch, arguments.rounds, arguments.clock
    )
    for name, values in found.items():
        print(name, values)
    if arguments.out:
        setting = {"threads": arguments.threads, "clock": arguments.clock, "crops": len(crops)}
        title = f"{arguments.model}, float32, batches of {arguments.batch}"
        machine.write_report(arguments.out, "onnx_speed", {title: setting | found})


if __name__ == "__main__":
    main()

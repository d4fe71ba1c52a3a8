"""The bundled CLIP4STR read by ONNX Runtime and by PyTorch, on one CPU, in the same rounds.

    python -m benchmarks.onnx_speed --data SET [--batch 32] [--crops 256] [--rounds 9]
        [--threads 1] [--clock wall|cpu] [--out FILE.json]

Resizing the crops and making texts of the logits is part of a reading, not of a tower. ``--clock
cpu`` counts this process's processor time, which tells something on a machine that does other work
as well, provided that there is one thread.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from benchmarks.crop_speed import crops_of
from benchmarks.decoding import summary
from ocr_plugin.clip4str import Clip4StrRecognizer
from ocr_plugin.protocols import RGB, Reading
from ocr_plugin.recognizers.clip4str.catalogue import DEFAULT_MODEL
from ocr_plugin.recognizers.clip4str.onnx_network import OnnxWordNetwork
from ocr_plugin.recognizers.clip4str.torch_network import TorchWordNetwork

_CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@torch.inference_mode()
def compare(crops: list[RGB], batch: int, threads: int, rounds: int, clock: str) -> dict[str, Any]:
    """Returns milliseconds a crop of each, and whether the texts are the same."""
    runs: dict[str, Callable[[], Any]] = {}
    texts: dict[str, bool] = {}
    for mode in ("accurate", "fast"):
        options: dict[str, Any] = {"mode": mode, "batch_size": batch, "threads": threads}
        options["language"] = "none"
        ours = Clip4StrRecognizer(backend="torch", **options)
        other = Clip4StrRecognizer(backend="onnxruntime", **options)
        readings = [_texts(each.recognize(crops)) for each in (ours, other)]
        texts[mode] = readings[0] == readings[1]
        runs[f"PyTorch, {mode}"] = partial(ours.recognize, crops)
        runs[f"ONNX Runtime, {mode}"] = partial(other.recognize, crops)
    starts = range(0, len(crops), batch)
    for name, backend in (("PyTorch", ours._network), ("ONNX Runtime", other._network)):
        assert isinstance(backend, TorchWordNetwork | OnnxWordNetwork)
        images = [backend.images(crops[start : start + batch]) for start in starts]
        runs[f"{name}, tower"] = partial(_towers, backend, images)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            begun = _CLOCKS[clock]()
            run()
            if number:
                times[name].append(1000 * (_CLOCKS[clock]() - begun) / len(crops))
    found = {name: {"ms_per_crop": summary(values)} for name, values in times.items()}
    return {"same_texts": texts, **found}


def _towers(network: TorchWordNetwork | OnnxWordNetwork, batches: Sequence[Any]) -> None:
    """Encodes images, which are resized already, and runs the CTC head."""
    for images in batches:
        if isinstance(network, OnnxWordNetwork):
            network.encoded(images)
        else:
            plain = network.reader.network
            plain.ctc_logits(plain.encode_image(images))


def _texts(readings: list[Reading]) -> list[str]:
    return [reading.text for reading in readings]


def main() -> None:
    """Measures one model."""
    parser = argparse.ArgumentParser(description="ONNX Runtime beside PyTorch.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--crops", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=_CLOCKS, default="wall")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    crops = crops_of(arguments.data, arguments.crops)
    found = compare(crops, arguments.batch, arguments.threads, arguments.rounds, arguments.clock)
    for name, values in found.items():
        print(name, values)
    if arguments.out:
        setting = {"threads": arguments.threads, "clock": arguments.clock, "crops": len(crops)}
        title = f"{DEFAULT_MODEL}, float32, batches of {arguments.batch}"
        machine.write_report(arguments.out, "onnx_speed", {title: setting | found})


if __name__ == "__main__":
    main()

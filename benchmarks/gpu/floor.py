"""The least time that a crop can take: the image tower's arithmetic at the rate of plain products.

    python -m benchmarks.gpu.floor [--model NAME_OR_PATH]... [--device cuda]
        [--precision auto] [--size 8192] [--rounds 20] [--out FILE.json]

The rate is measured on square matrix products, which is the most that a network of them can come
to; the arithmetic is counted (a multiplication and an addition are two). Without a model, the
published B/16, whose tower takes 35 GFLOP a crop. What a reading takes beyond this floor is for
the decoders, for smaller products and for waiting.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import machine
from ocr_plugin.clip4str import PRESETS, Clip4Str, Clip4StrConfig, load_network
from ocr_plugin.options import Precision
from ocr_plugin.runtime.precision import chosen_dtype

_B16 = "B/16"


def tower_flop(config: Clip4StrConfig) -> int:
    """Returns the floating-point operations of the image tower for one crop."""
    with torch.device("meta"):
        model = Clip4Str(config).eval()
        image = torch.empty(1, 3, *config.image_size)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model.encode_image(image)
    return int(counter.get_total_flops())


def product_rate(device: torch.device, dtype: torch.dtype, size: int, rounds: int) -> list[float]:
    """Returns the operations a second of products of square matrices, one figure a round."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    rates = []
    for number in range(rounds + 3):
        _finish(device)
        begun = time.perf_counter()
        left @ right
        _finish(device)
        if number >= 3:  # the first ones warm up
            rates.append(2 * size**3 / (time.perf_counter() - begun))
    return rates


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def floor(
    names: list[str], device: torch.device, precision: Precision, size: int, rounds: int
) -> dict[str, Any]:
    """Returns the rate of products and, for each model, the least time of a crop."""
    dtype = chosen_dtype(precision, device)
    low, rate, high = statistics.quantiles(product_rate(device, dtype, size, rounds), n=4)
    found: dict[str, Any] = {
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else "none",
        "precision": str(dtype).removeprefix("torch."),
        "size": size,
        "tflop_per_s": float(f"{rate / 1e12:.4g}"),
        "quartiles": [float(f"{low / 1e12:.4g}"), float(f"{high / 1e12:.4g}")],
    }
    for name in names:
        config = PRESETS[name] if name in PRESETS else load_network(name).config
        flop = tower_flop(config)
        found[name] = {
            "tower_gflop_per_crop": round(flop / 1e9, 2),
            "least_ms_per_crop": float(f"{1000 * flop / rate:.4g}"),
            "most_crops_per_s": float(f"{rate / flop:.4g}"),
        }
    return found


def main() -> None:
    """Prints the floor of every model."""
    parser = argparse.ArgumentParser(description="The least time that a crop can take.")
    parser.add_argument("--model", action="append")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    names = arguments.model or [_B16]
    device = torch.device(arguments.device)
    found = floor(names, device, arguments.precision, arguments.size, arguments.rounds)
    print(json.dumps(found, indent=2))
    if arguments.out:
        machine.write_report(arguments.out, "gpu_floor", {"products": found})


if __name__ == "__main__":
    main()

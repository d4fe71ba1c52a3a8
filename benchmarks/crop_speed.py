"""How long recognizers take for a crop, side by side.

    python -m benchmarks.crop_speed --data SET [--recognizer NAME[=MODEL]]... [--device DEVICE]
        [--batch 32]... [--crops 512] [--rounds 5] [--out FILE.json]

Crops of a set of labelled words are read in batches of a fixed size, all of it: resizing, network,
decoding to text. In every round each recognizer reads all crops once, in turn; the first round
warms up and does not count. A recognizer gives back text, so a GPU has finished when the clock is
read.
"""

import argparse
import statistics
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from ocr_plugin import plugins
from ocr_plugin.datasets.word_sets import WordImage, open_word_set
from ocr_plugin.options import RuntimeOptions
from ocr_plugin.protocols import RGB, Recognizer


def crops_of(path: Path, count: int) -> list[RGB]:
    """Returns the first usable crops of a set."""
    words = (record for record in open_word_set(path) if isinstance(record, WordImage))
    return [word.pixels for word in islice(words, count)]


def made(spec: str, device: str | None) -> Recognizer:
    """Returns the recognizer that ``NAME`` or ``NAME=MODEL`` spells."""
    name, _, model = spec.partition("=")
    options: dict[str, Any] = {"model": model} if model else {}
    return plugins.make_recognizer(name, RuntimeOptions(device=device or "cpu"), **options)


def measure(
    readers: dict[str, Recognizer], crops: list[RGB], batch: int, rounds: int
) -> dict[str, Any]:
    """Returns milliseconds a crop of each recognizer: median, quartiles and crops a second."""
    times: dict[str, list[float]] = {name: [] for name in readers}
    for number in range(rounds + 1):
        for name, reader in readers.items():
            begun = time.perf_counter()
            for start in range(0, len(crops), batch):
                reader.recognize(crops[start : start + batch])
            if number:
                times[name].append(1000 * (time.perf_counter() - begun) / len(crops))
    found = {}
    for name, values in times.items():
        low, middle, high = statistics.quantiles(values, n=4)
        found[name] = {
            "ms_per_crop": round(middle, 3),
            "quartiles": [round(low, 3), round(high, 3)],
            "crops_per_s": round(1000 / middle, 1),
        }
    return found


def main() -> None:
    """Measures every recognizer at every batch size."""
    parser = argparse.ArgumentParser(description="How long recognizers take for a crop.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recognizer", action="append", metavar="NAME[=MODEL]")
    parser.add_argument("--device")
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    specs = arguments.recognizer or ["ppocr", "clip4str", "second_opinion"]
    readers = {spec: made(spec, arguments.device) for spec in specs}
    crops = crops_of(arguments.data, arguments.crops)
    results: dict[str, Any] = {}
    for batch in arguments.batch or [32]:
        found = measure(readers, crops, batch, arguments.rounds)
        results[f"{arguments.data.name}, batches of {batch}"] = {
            "crops": len(crops),
            "rounds": arguments.rounds,
            "device": arguments.device or "cpu",
            "threads": torch.get_num_threads(),
            "recognizers": found,
        }
        for name, values in found.items():
            print(
                f"batch {batch}  {name}: {values['ms_per_crop']} ms a crop"
                f" ({values['quartiles'][0]} to {values['quartiles'][1]})",
                flush=True,
            )
    if arguments.out:
        machine.write_report(arguments.out, "crop_speed", results)


if __name__ == "__main__":
    main()

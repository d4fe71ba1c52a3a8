"""How many synthetic words a second are drawn and composed.

    python -m benchmarks.synthetic_speed [--fonts PLACE]... [--vocabulary FILE]...
        [--backgrounds DIR] [--words 2000] [--rounds 5] [--out FILE.json]

Words are drawn as masks, in one process, as each of training's loaders does, and then composed to
pictures in one thread on the CPU. The first round warms up and does not count.
"""

import argparse
import random
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from ocr_plugin.training.synthetic.words import SyntheticOptions, SyntheticWords

_SIZE = (48, 128)
_BATCH = 128


def measure(words: SyntheticWords, count: int, rounds: int) -> dict[str, Any]:
    """Returns words a second, drawn and composed: median and quartiles."""
    times: dict[str, list[float]] = {"drawn": [], "composed": []}
    for number in range(rounds + 1):
        rng, generator = random.Random(number), torch.Generator().manual_seed(number)
        begun = time.perf_counter()
        batches = [words.draw(_BATCH, _SIZE, rng) for _ in range(0, count, _BATCH)]
        drawn = time.perf_counter()
        for batch in batches:
            words.compose(batch, generator)
        ended = time.perf_counter()
        if number:
            made = len(batches) * _BATCH
            times["drawn"].append(made / (drawn - begun))
            times["composed"].append(made / (ended - drawn))
    found = {}
    for name, values in times.items():
        low, middle, high = statistics.quantiles(values, n=4)
        found[name] = {
            "words_per_s": round(middle),
            "quartiles": [round(low), round(high)],
        }
    return found


def main() -> None:
    """Measures with the fonts, words and photos that are named."""
    parser = argparse.ArgumentParser(description="How fast synthetic words are made.")
    parser.add_argument("--fonts", type=Path, action="append", default=[])
    parser.add_argument("--vocabulary", type=Path, action="append", default=[])
    parser.add_argument("--backgrounds", type=Path)
    parser.add_argument("--words", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    words = SyntheticWords(
        SyntheticOptions(
            fonts=tuple(arguments.fonts),
            vocabularies=tuple(arguments.vocabulary),
            backgrounds=arguments.backgrounds,
        )
    )
    print(words.describe(), flush=True)
    found = measure(words, arguments.words, arguments.rounds)
    for name, values in found.items():
        print(f"{name}: {values['words_per_s']} words a second", flush=True)
    if arguments.out:
        fonts = len(words.fonts) - len(words.skipped_fonts())
        photos = arguments.backgrounds is not None
        results = {"48x128": {"fonts": fonts, "photos": photos, "speeds": found}}
        machine.write_report(arguments.out, "synthetic_speed", results)


if __name__ == "__main__":
    main()

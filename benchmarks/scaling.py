"""One engine over 1 to 10,000 pages: time a page and memory must stay flat.

    python -m benchmarks.scaling --data DIR [--pages 10000] [--recognizer NAME] [--min-side 160]
        [--out FILE.json]

Pages are windows of the pictures below DIR, no two alike, read as one stream. They are cut before
the clock runs, a hundred at a time, so that cutting them costs nothing. What is told of a stretch
is the median and the quartiles of its hundreds, and the memory at its end: resident, of this
process. The first page, with which everything is loaded, is a stretch of its own.
"""

import argparse
import random
import statistics
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import machine
from benchmarks.soak import Pictures, windows
from ocr_plugin import Engine, Page
from ocr_plugin.options import DEFAULT_RECOGNIZER

_HUNDRED = 100


def measure(engine: Engine, pictures: Pictures, most: int) -> list[dict[str, Any]]:
    """Returns what each stretch took: the first page, then up to 10, 100, 1,000... pages."""
    process = psutil.Process()
    stretches, done = [], 0
    for end in _ends(most):
        seconds: list[float] = []
        crops = 0
        while done < end:
            pages = [np.asarray(page) for page in islice(pictures, min(_HUNDRED, end - done))]
            start = time.perf_counter()
            for result in engine.read_many(pages):
                if not isinstance(result, Page):
                    raise SystemExit(f"a page could not be read: {result}")
                crops += len(result.words)
            seconds.append((time.perf_counter() - start) / len(pages))
            done += len(pages)
        stretches.append(
            {
                "pages": done,
                "seconds_per_page": _summary(seconds),
                "words": crops,
                "memory_mb": round(process.memory_info().rss / 1e6),
            }
        )
        print(stretches[-1], flush=True)
    return stretches


def _ends(most: int) -> list[int]:
    """Returns the powers of ten below `most`, and `most`."""
    ends, end = [], 1
    while end < most:
        ends.append(end)
        end *= 10
    return [*ends, most]


def _summary(values: Sequence[float]) -> dict[str, Any]:
    if len(values) == 1:
        return {"median": round(values[0], 4)}
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": round(middle, 4), "quartiles": [round(low, 4), round(high, 4)]}


def main() -> None:
    """Measures and prints every stretch."""
    parser = argparse.ArgumentParser(description="Time and memory of long streams of pages.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--recognizer", default=DEFAULT_RECOGNIZER)
    parser.add_argument("--min-side", type=int, default=160, help="As `DBNet` has it.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    engine = Engine(
        recognizer=arguments.recognizer, detector_options={"min_side": arguments.min_side}
    )
    stretches = measure(engine, windows(arguments.data, random.Random(0)), arguments.pages)
    if arguments.out:
        found = {
            "recognizer": arguments.recognizer,
            "min_side": arguments.min_side,
            "stretches": stretches,
        }
        machine.write_report(arguments.out, "scaling", {arguments.data.name: found})


if __name__ == "__main__":
    main()

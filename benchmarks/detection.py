"""How well words are found on labelled pages, before anything is read, and how long it takes.

    python -m benchmarks.detection --data SET [--data SET] [--detector NAME]... [--limit N]
        [--out FILE.json]

SET is a set of labelled pages. Every page is searched by every detector in turn, so that what else
the machine does falls on all alike. The scores are those of `ocr-plugin eval detection`: a word is
found where the intersection is more than half of the union, one to one, at the detector's own
threshold, which no evaluation set had a say in.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from ocr_plugin.datasets.page_sets import PageSet
from ocr_plugin.evaluation.deteval import thresholds_for
from ocr_plugin.evaluation.page_detection import SetDetection, outlines_of
from ocr_plugin.plugins import make_detector
from ocr_plugin.protocols import Detector


def measure(pages: PageSet, detectors: dict[str, Detector], limit: int | None) -> dict[str, Any]:
    """Returns the scores and times of every detector on one set."""
    kept = pages.pages[:limit]
    thresholds = thresholds_for([word for page in kept for word in page.words])
    scores = {name: SetDetection(thresholds) for name in detectors}
    seconds: dict[str, list[float]] = {name: [] for name in detectors}
    for detector in detectors.values():
        detector.detect([kept[0].pixels()])
    for page in kept:
        pixels = page.pixels()
        for name, detector in detectors.items():
            start = time.perf_counter()
            (regions,) = detector.detect([pixels])
            seconds[name].append(time.perf_counter() - start)
            scores[name].add(page.words, outlines_of(regions))
    return {
        name: {
            **scores[name].scores(),
            "seconds_per_page": {
                "median": round(statistics.median(seconds[name]), 4),
                "mean": round(statistics.fmean(seconds[name]), 4),
            },
        }
        for name in detectors
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every set and prints a line for each detector."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--detector", action="append")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    names = options.detector or ["word_line", "dbnet"]
    detectors = {name: make_detector(name) for name in names}
    results = {}
    for path in options.data:
        pages = PageSet(path)
        results[pages.name] = measure(pages, detectors, options.limit)
        for name, found in results[pages.name].items():
            print(pages.name, name, json.dumps(found), flush=True)
    if options.out:
        machine.write_report(options.out, "detection", results)


if __name__ == "__main__":
    main()

"""How well text lines are cut into words: by the gaps in the ink, and by a line reader's spaces.

    python -m benchmarks.word_spans --data SET... [--limit N] [--out FILE.json]

Each SET is a folder with ``labels.jsonl`` whose ``words`` have polygons. Lines come
from the default detector. A word is found when one of the cut pieces overlaps it by more than 0.4
(intersection over union; labels and pieces differ in how much margin they leave). Pieces that lie
mostly in regions marked as not to be judged do not count.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from ocr_plugin.detectors.dbnet import DBNet
from ocr_plugin.pages.decode import first_page
from ocr_plugin.protocols import RGB, Reading
from ocr_plugin.recognizers import line_words
from ocr_plugin.recognizers.ppocr import PPOcrRecognizer
from ocr_plugin.regions import geometry, rectify, strips, word_gaps

_OVERLAP = 0.4

Spans = list[tuple[float, float]]
CUTTERS: dict[str, Callable[[RGB, Reading], Spans]] = {
    "not cut": lambda crop, reading: [(0.0, 1.0)],
    "ink gaps": lambda crop, reading: word_gaps.ink_spans(crop),
    "reader's spaces": lambda crop, reading: [word.span for word in line_words.words_of(reading)],
}


def found(labels: list[dict[str, Any]], pieces: list[Any]) -> tuple[int, int, int]:
    """Returns how many labelled words were found, how many there are, and how many pieces."""
    shapes = [(geometry.shape(np.array(w["polygon"], np.float32)), w) for w in labels]
    unjudged = [shape for shape, word in shapes if word.get("ignore")]
    targets = [shape for shape, word in shapes if not word.get("ignore") and word["text"].strip()]
    pieces = [
        piece
        for piece in pieces
        if all(piece.intersection(area).area <= 0.5 * piece.area for area in unjudged)
    ]
    free = set(range(len(pieces)))
    hits = 0
    for target in targets:
        overlaps = {
            k: target.intersection(pieces[k]).area / max(target.union(pieces[k]).area, 1e-9)
            for k in free
        }
        best = max(overlaps, key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] > _OVERLAP:
            hits += 1
            free.remove(best)
    return hits, len(targets), len(pieces)


def measure(folder: Path, limit: int | None) -> dict[str, Any]:
    """Returns recall, precision and their harmonic mean for every way of cutting."""
    detector, reader = DBNet(), PPOcrRecognizer()
    counts = {name: np.zeros(3, int) for name in CUTTERS}
    lines = (folder / "labels.jsonl").read_text().splitlines()[:limit]
    for page in map(json.loads, lines):
        image = first_page(folder / page["image"])
        along = [strips.strip_of(quad) for quad in detector.detect([image.pixels])[0].polygons]
        cut = [rectify.rectify(image.pixels, strip) for strip in along]
        readings = reader.recognize(cut)
        for name, cutter in CUTTERS.items():
            pieces = [
                geometry.shape(strip.part(start, end).polygon())
                for strip, crop, reading in zip(along, cut, readings, strict=True)
                for start, end in cutter(crop, reading)
            ]
            counts[name] += found(page["words"], pieces)
    return {"pages": len(lines), "cut by": {name: scores(*c) for name, c in counts.items()}}


def scores(hits: int, targets: int, pieces: int) -> dict[str, float]:
    """Returns the three scores, to four digits."""
    return {
        "recall": round(int(hits) / max(int(targets), 1), 4),
        "precision": round(int(hits) / max(int(pieces), 1), 4),
        "hmean": round(2 * int(hits) / max(int(targets + pieces), 1), 4),
    }


def main() -> None:
    """Measures every set under --data that labels words."""
    parser = argparse.ArgumentParser(description="How well lines are cut into words.")
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results = {}
    for folder in arguments.data:
        results[folder.name] = measure(folder, arguments.limit)
        print(folder.name, json.dumps(results[folder.name]), flush=True)
    if arguments.out:
        machine.write_report(arguments.out, "word_spans", results)


if __name__ == "__main__":
    main()

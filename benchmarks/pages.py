"""Whole pages, end to end: accuracy and seconds per page, beside other engines in the same run.

    python -m benchmarks.pages --data DIR [--detector NAME]... [--recognizer NAME]...
        [--precision TYPE]... [--device DEVICE] [--peer NAME]... [--limit N] [--out FILE.json]

DIR holds one folder a set, each with ``labels.jsonl`` and its pictures. Every page is read by
every engine in turn, so that what else the machine does falls on all alike; the first page is
read once beforehand, outside the measurement. Peers run with their own defaults: ``rapidocr``;
``paddleocr``, 3.x on ONNX Runtime with the files of PP-OCRv6 small that the rapidocr wheel has;
``tesseract``, the command, for sparse text. docTR and OnnxTR are missing: they fetch their weights
at their first use, from where nothing could be fetched.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.page_score import Tally, tally
from ocr_plugin.cli_recognizer import detector_options
from ocr_plugin.options import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER

Item = dict[str, Any]
Reader = Callable[[Path], list[Item]]


def own(**engine_options: Any) -> Reader:
    """Returns this project's engine, answering in words."""
    from ocr_plugin import Engine

    engine = Engine(**engine_options)

    def read(path: Path) -> list[Item]:
        page = engine.read(path)
        return [{"polygon": word.polygon.points, "text": word.text} for word in page.words]

    return read


def rapidocr() -> Reader:
    """Returns rapidocr with its own defaults, answering in lines."""
    from rapidocr import RapidOCR

    engine: Any = RapidOCR(params={"Global.log_level": "critical"})

    def read(path: Path) -> list[Item]:
        result = engine(str(path))
        if result.boxes is None:
            return []
        return [
            {"polygon": box.tolist(), "text": text}
            for box, text in zip(result.boxes, result.txts, strict=True)
        ]

    return read


def _recognizer_options(name: str, device: str | None, precision: str | None) -> dict[str, str]:
    options = {"precision": precision, "device": None if name == "ppocr" else device}
    return {key: value for key, value in options.items() if value is not None}


def paddleocr() -> Reader:
    """Returns PaddleOCR 3.x without its turning and unwarping of whole pages, in lines."""
    from ocr_plugin.paddle_files import offline_models

    models = offline_models()  # before paddleocr is imported, which else asks the network
    from paddleocr import PaddleOCR

    pipeline = PaddleOCR(**models)

    def read(path: Path) -> list[Item]:
        (result,) = pipeline.predict(str(path))
        return [
            {"polygon": polygon.tolist(), "text": text}
            for polygon, text in zip(result["rec_polys"], result["rec_texts"], strict=True)
        ]

    return read


def tesseract() -> Reader:
    """Returns the command tesseract (English, sparse text), answering in words."""

    def read(path: Path) -> list[Item]:
        command = ["tesseract", str(path), "-", "--psm", "11", "tsv"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = list(csv.DictReader(output.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
        return [_word(row) for row in rows if row["text"].strip()]

    return read


def _word(row: Mapping[str, str]) -> Item:
    x, y, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return {"polygon": corners, "text": row["text"]}


PEERS: dict[str, Callable[[], Reader]] = {
    "rapidocr": rapidocr,
    "paddleocr": paddleocr,
    "tesseract": tesseract,
}


def measure(folder: Path, readers: dict[str, Reader], limit: int | None) -> dict[str, Any]:
    """Returns the scores and times of every reader on one set."""
    labels = (folder / "labels.jsonl").read_text().splitlines()
    pages = [json.loads(line) for line in labels][:limit]
    tallies = dict.fromkeys(readers, Tally())
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for read in readers.values():
        read(folder / pages[0]["image"])
    for page in pages:
        for name, read in readers.items():
            start = time.perf_counter()
            items = read(folder / page["image"])
            seconds[name].append(time.perf_counter() - start)
            tallies[name] += tally(page.get("words") or page.get("lines") or [], items)
    return {
        "pages": len(pages),
        "labelled_words": next(iter(tallies.values())).labelled,
        "engines": {
            name: {
                **tallies[name].scores(),
                "seconds_per_page": {
                    "median": round(statistics.median(seconds[name]), 4),
                    "mean": round(statistics.fmean(seconds[name]), 4),
                    "p95": round(sorted(seconds[name])[int(0.95 * (len(pages) - 1))], 4),
                },
            }
            for name in readers
        },
    }


def main() -> None:
    """Measures every set under --data and prints a line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peer", action="append", choices=PEERS, default=[])
    parser.add_argument("--detector", action="append")
    parser.add_argument("--recognizer", action="append")
    parser.add_argument("--precision", action="append", default=[], help="beside the default")
    parser.add_argument("--device")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    folders = sorted(path.parent for path in arguments.data.glob("*/labels.jsonl"))
    if not folders:
        sys.exit(f"{arguments.data}: no folder with a labels.jsonl")
    readers = {
        f"ocr-plugin {detector}+{name}" + (f" {precision}" if precision else ""): own(
            detector=detector,
            recognizer=name,
            detector_options=detector_options(detector, arguments.device, precision),
            recognizer_options=_recognizer_options(name, arguments.device, precision),
        )
        for detector in arguments.detector or [DEFAULT_DETECTOR]
        for name in arguments.recognizer or [DEFAULT_RECOGNIZER]
        for precision in (None, *arguments.precision)
    }
    readers |= {peer: PEERS[peer]() for peer in arguments.peer}
    results = {}
    for folder in folders:
        results[folder.name] = measure(folder, readers, arguments.limit)
        for engine, result in results[folder.name]["engines"].items():
            print(folder.name, engine, json.dumps(result), flush=True)
    if arguments.out:
        machine.write_report(arguments.out, "pages", results)


if __name__ == "__main__":
    main()

"""Whole pages, end to end: accuracy and seconds per page, beside other engines in the same run.

    python -m benchmarks.pages --data DIR [--detector NAME]... [--recognizer NAME]...
        [--precision TYPE]... [--device DEVICE] [--peer NAME]... [--lexicons DIR] [--limit N]
        [--out FILE.json]

DIR holds one folder a set, each with ``labels.jsonl`` and its pictures. Every page is read by
every engine in turn, so that what else the machine does falls on all alike; the first page is
read once beforehand, outside the measurement. Peers run with their own defaults: ``rapidocr``;
``paddleocr``, 3.x on ONNX Runtime with the files of PP-OCRv6 small that the rapidocr wheel has;
``tesseract``, the command, for sparse text. docTR and OnnxTR are missing: they fetch their weights
at their first use, from where nothing could be fetched.

The folder of ``--lexicons`` is called like one of the sets and has ICDAR-2015's lists for it,
``strong.jsonl``, ``weak.txt`` and ``generic.txt``. With it, the same readings of that set are also
scored by ICDAR-2015's end-to-end protocol, without a lexicon and with each; only for engines that
answer in words, since a line is no word of that protocol.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.page_score import Tally, answers_of, labels_of, tally
from ocr_plugin.cli.parameters import runtime_of
from ocr_plugin.datasets.labelled_page import LabelledPage
from ocr_plugin.evaluation.icdar_protocols import PageProtocol
from ocr_plugin.evaluation.lexicons import Lexicon
from ocr_plugin.evaluation.protocol_scores import ProtocolScores
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


def paddleocr() -> Reader:
    """Returns PaddleOCR 3.x without its turning and unwarping of whole pages, in lines."""
    from ocr_plugin.runtime.paddlex_models import offline_models

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
ANSWER_IN_LINES = {"rapidocr", "paddleocr"}
LEXICONS = {"strong": "strong.jsonl", "weak": "weak.txt", "generic": "generic.txt"}


def measure(
    folder: Path, readers: dict[str, Reader], limit: int | None, lexicons: Sequence[Lexicon] = ()
) -> dict[str, Any]:
    """Returns the scores and times of every reader on one set.

    With lexicons, also the hmean by ICDAR-2015's end-to-end protocol, by lexicon, of the readers
    that answer in words.
    """
    labels = (folder / "labels.jsonl").read_text().splitlines()
    pages = [json.loads(line) for line in labels][:limit]
    tallies = dict.fromkeys(readers, Tally())
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    in_words = readers.keys() - ANSWER_IN_LINES if lexicons else set()
    spotting = {name: ProtocolScores([PageProtocol.END_TO_END], lexicons) for name in in_words}
    words = [page.get("words") or page.get("lines") or [] for page in pages]
    labelled = [
        LabelledPage(folder / page["image"], labels_of(own))
        for page, own in zip(pages, words, strict=True)
    ]
    for scores in spotting.values():
        scores.check(labelled)
    for read in readers.values():
        read(labelled[0].path)
    for page, own_words in zip(labelled, words, strict=True):
        for name, read in readers.items():
            start = time.perf_counter()
            items = read(page.path)
            seconds[name].append(time.perf_counter() - start)
            tallies[name] += tally(own_words, items)
            if name in spotting:
                spotting[name].add(page, answers_of(items))
    return {
        "pages": len(pages),
        "labelled_words": next(iter(tallies.values())).labelled,
        "engines": {
            name: {
                **tallies[name].scores(),
                **(_hmeans(spotting[name]) if name in spotting else {}),
                "seconds_per_page": {
                    "median": round(statistics.median(seconds[name]), 4),
                    "mean": round(statistics.fmean(seconds[name]), 4),
                    "p95": round(sorted(seconds[name])[int(0.95 * (len(pages) - 1))], 4),
                },
            }
            for name in readers
        },
    }


def _hmeans(scores: ProtocolScores) -> dict[str, dict[str, float]]:
    return {
        protocol: {lexicon: own["hmean"] for lexicon, own in lexicons.items()}
        for protocol, lexicons in scores.scores().items()
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
    parser.add_argument("--lexicons", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    folders = sorted(path.parent for path in arguments.data.glob("*/labels.jsonl"))
    if not folders:
        sys.exit(f"{arguments.data}: no folder with a labels.jsonl")
    lexicons: dict[str, list[Lexicon]] = {}
    if at := arguments.lexicons:
        if at.name not in {folder.name for folder in folders}:
            sys.exit(f"{at}: no set is called {at.name}")
        lexicons[at.name] = [Lexicon(at / file, name) for name, file in LEXICONS.items()]
    readers = {
        f"ocr-plugin {detector}+{name}" + (f" {precision}" if precision else ""): own(
            detector=detector,
            recognizer=name,
            runtime=runtime_of(arguments.device, precision, offline=True),
        )
        for detector in arguments.detector or [DEFAULT_DETECTOR]
        for name in arguments.recognizer or [DEFAULT_RECOGNIZER]
        for precision in (None, *arguments.precision)
    }
    readers |= {peer: PEERS[peer]() for peer in arguments.peer}
    results = {}
    for folder in folders:
        results[folder.name] = measure(
            folder, readers, arguments.limit, lexicons.get(folder.name, ())
        )
        for engine, result in results[folder.name]["engines"].items():
            print(folder.name, engine, json.dumps(result), flush=True)
    if arguments.out:
        machine.write_report(arguments.out, "pages", results)


if __name__ == "__main__":
    main()

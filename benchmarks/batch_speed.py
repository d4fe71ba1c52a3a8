"""A batch job beside a loop over `Engine.read`, on the same pages in the same run.

    python -m benchmarks.batch_speed --data DIR... [--recognizer NAME] [--precision TYPE]...
        [--pages 250] [--rounds 3] [--out FILE.json]

In every round each way reads all pages once, in turn. The engine of either is made beforehand and
has read a page, for that takes as long for a thousand pages as for a million; how long is told
apart. All else is in a job's time: starting its processes, writing and syncing its records.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from ocr_plugin.batch.engines import make_engine, timed
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.options import JobOptions, RunOptions
from ocr_plugin.batch.verification import problems
from ocr_plugin.cli.parameters import runtime_of
from ocr_plugin.options import DEFAULT_RECOGNIZER
from ocr_plugin.runtime.threads import shares

Way = Callable[[], tuple[float, float]]
"""Reads all pages; returns seconds, and the recognizer's share of them."""


def loop(options: JobOptions, files: list[Path]) -> Way:
    """Returns what reads all files one after another: seconds, and the recognizer's share."""
    engine, recognizer = timed(make_engine(options, threads=0))
    engine.read(files[0])

    def read() -> tuple[float, float]:
        before, start = recognizer.seconds, time.perf_counter()
        for path in files:
            engine.read(path)
        seconds = time.perf_counter() - start
        return seconds, (recognizer.seconds - before) / seconds

    return read


def job(options: JobOptions, files: list[Path], readers: int, told: dict[str, float]) -> Way:
    """Returns what reads all files as a job, likewise.

    Args:
        options: the job's.
        files: one page each.
        readers: pages side by side; 0 for the job's default.
        told: takes the seconds until the engine was there, and the bytes that are written a page.
    """
    start = time.perf_counter()
    readers, threads = shares(readers)
    engine = make_engine(options, threads)
    told["engine_s"] = round(time.perf_counter() - start, 2)
    engine.read(files[0])

    def read() -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "job")
            start = time.perf_counter()
            run = RunOptions(readers=readers)
            done = Job(place, options).run(map(str, files), run, engine=engine)
            seconds = time.perf_counter() - start
            if done.errors or done.pages + done.duplicates != len(files) or [*problems(place)]:
                raise SystemExit(f"the job is not whole: {done}")
            for kind, pattern in (("records", "pages-*"), ("manifest", "manifest.sqlite")):
                total = sum(path.stat().st_size for path in place.glob(pattern))
                told[f"{kind}_bytes_per_page"] = round(total / len(files))
        return seconds, done.recognizer_share

    return read


def measure(ways: dict[str, Way], pages: int, rounds: int) -> dict[str, Any]:
    """Returns pages a second of every way: median, all rounds, and the recognizer's share."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds):
        # The second run finds the files in memory.
        for name in sorted(ways, reverse=bool(number % 2)):
            taken[name].append(ways[name]())
            print(name, f"{pages / taken[name][-1][0]:.2f} pages/s", flush=True)
    return {
        name: {
            "pages_per_s": round(pages / statistics.median(seconds for seconds, _ in rows), 3),
            "rounds": [round(pages / seconds, 3) for seconds, _ in rows],
            "recognizer_share": round(statistics.median(share for _, share in rows), 3),
        }
        for name, rows in taken.items()
    }


def main() -> None:
    """Measures every folder of pages both ways."""
    parser = argparse.ArgumentParser(description="A batch job beside a loop over Engine.read.")
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--recognizer", default=DEFAULT_RECOGNIZER)
    parser.add_argument("--precision", action="append", default=[], help="beside the default")
    parser.add_argument("--pages", type=int, default=250)
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results = {}
    for folder, precision in itertools.product(arguments.data, (None, *arguments.precision)):
        found = folder.rglob("*")
        files = sorted(path for path in found if path.suffix.lower() in (".jpg", ".png"))
        files = files[: arguments.pages]
        options = JobOptions(
            recognizer=arguments.recognizer,
            runtime=runtime_of(None, precision, offline=True),
        )
        told: dict[str, float] = {}
        # The first engine imports what the others need.
        ways = {
            "job": job(options, files, arguments.readers, told),
            "loop": loop(options, files),
        }
        rows = measure(ways, len(files), arguments.rounds)
        times = [job / loop for job, loop in
                 zip(rows["job"]["rounds"], rows["loop"]["rounds"], strict=True)]  # fmt: skip
        rows["job_over_loop"] = {
            "median": round(statistics.median(times), 3),
            "rounds": [round(value, 3) for value in times],
        }
        name = ", ".join(filter(None, (folder.name, arguments.recognizer, precision)))
        results[name] = {"pages": len(files), **told, **rows}
        print(name, rows["job_over_loop"], flush=True)
    if arguments.out:
        machine.write_report(arguments.out, "batch_speed", results)


if __name__ == "__main__":
    main()

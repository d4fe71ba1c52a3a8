"""Runs inputs through processes that decode, and notes what became of them, batch by batch."""

import json
import resource
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pebble import ProcessExpired

from benchmarks import machine
from benchmarks.fuzz.inputs import made
from benchmarks.fuzz.outcomes import Outcome, judged_all, warm
from benchmarks.fuzz.reading import READ_EVERY, Reader
from ocr_plugin.pages.worker_processes import BrokenProcessPool, WorkerProcesses

BATCH = 200
"""Inputs that a process is asked for at once."""

MEMORY = 1_500_000_000
"""Bytes of address space of a process, of which what it imports takes a third."""

# By the clock, which goes on while others work: more than inputs may take of a processor.
_BATCH_S, _ALONE_S, _STARTING_S = 300.0, 60.0, 300.0
_SLOW_S = 1.0


class Processes:
    """Judges inputs in processes that may die at it.

    Args:
        jobs: how many.
    """

    def __init__(self, jobs: int) -> None:
        self._pool = WorkerProcesses(jobs, MEMORY)
        self._jobs = jobs
        for _ in range(jobs):
            self._pool.ask(warm, time_limit=_STARTING_S).result()

    def close(self) -> None:
        """Ends the processes."""
        self._pool.stop()

    def batches(self, firsts: Sequence[int], end: int) -> Iterator[tuple[int, list[Outcome], int]]:
        """Yields, in order, each batch's first number, its outcomes and the peak of memory, MB."""
        asked: deque[tuple[list[int], Future[Any]]] = deque()
        for first in firsts:
            numbers = list(range(first, min(first + BATCH, end)))
            asked.append((numbers, self._pool.ask(_judged, numbers, time_limit=_BATCH_S)))
            if len(asked) > self._jobs:
                yield self._done(*asked.popleft())
        while asked:
            yield self._done(*asked.popleft())

    def _done(self, numbers: list[int], future: "Future[Any]") -> tuple[int, list[Outcome], int]:
        try:
            found, peak = future.result()
            outcomes = [Outcome(**each) for each in found]
        except (ProcessExpired, TooLong, BrokenProcessPool, MemoryError):
            outcomes, peak = [self.alone(number) for number in numbers], 0
        return numbers[0], outcomes, peak

    def alone(self, number: int) -> Outcome:
        """Returns the outcome of an input in a process by itself."""
        begun = time.monotonic()
        try:
            (found,), _ = self._pool.ask(_judged, [number], time_limit=_ALONE_S).result()
            return Outcome(**found)
        except ProcessExpired as error:
            kind, told = "crash", f"the process died, exit code {error.exitcode}"
        except TooLong:
            kind, told = "time", f"more than {_ALONE_S:g} s"
        except (MemoryError, BrokenProcessPool) as error:
            kind, told = "memory", type(error).__name__
        seconds = round(time.monotonic() - begun, 3)
        return Outcome(number, made(number).seed.format, kind, told, seconds)


def _judged(numbers: Sequence[int]) -> tuple[list[dict[str, Any]], int]:
    outcomes = judged_all(numbers)
    return outcomes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000


def run(count: int, jobs: int, state: Path) -> None:
    """Judges the inputs 0 to `count`, but those that a file notes already.

    Args:
        count: of inputs.
        jobs: processes.
        state: a line of JSON for each batch is added to it.
    """
    known = {line["first"] for line in lines(state) if "counts" in line}
    firsts = [first for first in range(0, count, BATCH) if first not in known]
    commit, last = machine.describe()["commit"], time.monotonic()
    processes = Processes(jobs)
    try:
        for first, outcomes, peak in processes.batches(firsts, count):
            now = time.monotonic()
            told = {"commit": commit, "seconds": round(now - last, 2)}
            _note(state, _line(first, outcomes, peak) | told)
            last = now
            if first % 5000 == 0:
                print(first, time.strftime("%H:%M:%S"), flush=True)
    finally:
        processes.close()


def read(count: int, state: Path) -> None:
    """Reads one in `READ_EVERY` of the inputs 0 to `count`, but those that a file notes already."""
    known = {line["read"]["number"] for line in lines(state) if "read" in line}
    reader = Reader()
    try:
        for number in range(0, count, READ_EVERY):
            if number not in known:
                _note(state, {"first": number, "read": asdict(reader.read(number))})
    finally:
        reader.close()


def _note(state: Path, line: dict[str, Any]) -> None:
    with state.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _line(first: int, outcomes: Sequence[Outcome], peak: int) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {}
    for each in outcomes:
        of_format = counts.setdefault(each.format, {})
        of_format[each.kind] = of_format.get(each.kind, 0) + 1
    return {
        "first": first,
        "count": len(outcomes),
        "peak_mb": peak,
        "counts": counts,
        "faults": [asdict(each) for each in outcomes if each.is_fault],
        "slow": [[each.number, each.seconds] for each in outcomes if each.seconds > _SLOW_S],
    }


def lines(state: Path) -> list[dict[str, Any]]:
    """Returns what a file notes; a line that was cut off is left out."""
    found = []
    for line in state.read_text().splitlines() if state.exists() else ():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found

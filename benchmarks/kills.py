"""Batch jobs that are killed, run out of disk, and lose decoders: nothing lost, nothing twice.

    python -m benchmarks.kills [--kills 50] [--disks 20] [--decoders 10] [--seed 0]
        [--out FILE.json]

A job reads 300 small pages (a folder of pictures, a zip archive, documents) by a reader that takes
them for their shades. First its whole process group is killed at moments of chance, and it goes on
each time. Then jobs run on disks of sizes of chance, which fill up, and go on when there is room
(tmpfs, for which one must be root). Then decoders are killed under running jobs. Every job must end
with each page recorded once.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks import machine
from ocr_plugin.batch.job import Job
from ocr_plugin.batch.options import RunOptions
from ocr_plugin.batch.records.manifest import FILE_NAME
from ocr_plugin.batch.records.shards import read_records
from ocr_plugin.batch.verification import problems
from ocr_plugin.errors import OcrError
from ocr_plugin.protocols import RGB, Reading
from tests.archives import document, picture
from tests.jobs import OPTIONS, Shades, engine

_PICTURES, _MEMBERS, _DOCUMENTS, _SHEETS = 180, 60, 12, 5
PAGES = _PICTURES + _MEMBERS + _DOCUMENTS * _SHEETS
"""That a job has to record, each once."""

_CROP_S, _GROUP = 0.01, 8
# A killed run is killed so long after it began, or after a group of its records was written.
_FROM_START_S, _FROM_GROUP_S, _MOST_GROUPS = 3.0, 0.2, 12
_LEAST_DISK, _ROOM = 24 * 1024, "64m"
_ENDING_S = 300.0


class SlowShades(Shades):
    """Takes its time, so that there are moments to be killed at."""

    def recognize(self, crops: Sequence[RGB]) -> list[Reading]:
        """Returns each crop's shade."""
        time.sleep(_CROP_S * len(crops))
        return super().recognize(crops)


def make_sources(folder: Path) -> list[str]:
    """Makes sources of `PAGES` pages, no two alike."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for number in range(_PICTURES):
        (pictures / f"{number:03}.png").write_bytes(picture(1, number, 0))
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for number in range(_MEMBERS):
            archive.writestr(f"{number:03}.png", picture(2, number, 0))
    for number in range(_DOCUMENTS):
        sheets = [(3, number, sheet) for sheet in range(_SHEETS)]
        (folder / f"{number:02}.tiff").write_bytes(document(*sheets))
    return [str(pictures), str(folder / "a.zip"), *map(str, sorted(folder.glob("*.tiff")))]


class Run:
    """A run of a job in a process group of its own, forked from this process.

    What the run needs has been imported, so that it is at work within a moment.

    Attributes:
        pid: of the process.
        told: the file that it says in when a group of records is written.
    """

    def __init__(self, job: Path, sources: Sequence[str], retry_errors: bool = False) -> None:
        out, into = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(out)
            _run(job, sources, retry_errors, into)
        os.close(into)
        self.told = os.fdopen(out, "rb", buffering=0)

    def wait(self, seconds: float) -> int | None:
        """Returns the exit status once it is over; None if it is not within some seconds."""
        until = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._end()
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > until:
                return None
            time.sleep(0.005)

    def kill(self) -> None:
        """Kills the process and all that it has begun."""
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._end()

    def said(self) -> str:
        """Returns what it said last, when it is over."""
        lines = self.told.read().decode().splitlines()
        self.told.close()
        return lines[-1] if lines else ""

    def decoders(self) -> list[psutil.Process]:
        """Returns its processes that decode: they are children of a child."""
        own = psutil.Process(self.pid)
        return [each for each in own.children(recursive=True) if each.ppid() != self.pid]

    def _end(self) -> None:
        with suppress(ProcessLookupError):  # what it had begun, if it was left
            os.killpg(self.pid, signal.SIGKILL)


def _run(job: Path, sources: Sequence[str], retry_errors: bool, into: int) -> None:
    """Runs a job, in a process of its own; never returns."""
    os.setsid()
    status = 1
    try:
        Job(job, OPTIONS).run(
            sources,
            RunOptions(decoders=2, readers=1, group=_GROUP, retry_errors=retry_errors),
            engine=engine(SlowShades()),
            tell=lambda _: _tell(into),
        )
        status = 0
    except OcrError as error:
        os.write(into, f"OcrError: {error}\n".encode())
    except BaseException as error:  # nothing else may come
        os.write(into, f"{type(error).__name__}: {error}\n".encode())
        status = 2
    finally:
        os._exit(status)


def _tell(into: int) -> None:
    os.write(into, b"told\n")


def counted(job: Path) -> dict[str, Any]:
    """Returns what a finished job lacks, and has twice."""
    places = Counter((row["source"], row["member"], row["page_index"]) for row in read_records(job))
    return {
        "lost": PAGES - len(places),
        "twice": sum(count > 1 for count in places.values()),
        "problems": list(problems(job)),
        "left_behind": len(list(job.glob("ocr-batch-*"))),
    }


def finished(job: Path, sources: Sequence[str], retry_errors: bool = False) -> dict[str, Any]:
    """Runs a job to its end; returns what `counted` does."""
    run = Run(job, sources, retry_errors)
    status = run.wait(_ENDING_S)
    if status is None:
        run.kill()
    if status != 0:
        raise SystemExit(f"{job.name} does not end: {status} {run.said()}")
    run.told.close()
    return counted(job)


def killed(folder: Path, sources: Sequence[str], kills: int, chance: random.Random) -> Any:
    """Kills runs, each of which goes on where the one before was killed."""
    jobs, done, in_between = [folder / "killed-0"], 0, list[str]()
    while done < kills:
        job = jobs[-1]
        run = Run(job, sources)
        groups = chance.choice((0, 0, *range(1, _MOST_GROUPS)))
        for _ in range(groups):
            run.told.read(len(b"told\n"))
        if run.wait(chance.uniform(0, _FROM_GROUP_S if groups else _FROM_START_S)) is None:
            run.kill()
            done += 1
            if (job / FILE_NAME).exists():
                in_between += problems(job)
        else:
            jobs.append(folder / f"killed-{len(jobs)}")  # it was quicker
        run.told.close()
        print(f"{done} kills, {len(jobs)} jobs", flush=True)
    ends = [finished(job, sources) for job in jobs]
    return {"kills": done, "jobs": len(jobs), "problems_in_between": in_between, **_sum(ends)}


def _sum(ends: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "pages": PAGES * len(ends),
        "lost": sum(end["lost"] for end in ends),
        "twice": sum(end["twice"] for end in ends),
        "problems": [problem for end in ends for problem in end["problems"]],
        "left_behind": sum(end["left_behind"] for end in ends),
    }


@contextmanager
def disk(place: Path, size: int) -> Iterator[Callable[[], None]]:
    """Mounts a disk of so many bytes; gives what enlarges it."""
    place.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield lambda: _mount("-o", f"remount,size={_ROOM}", str(place))
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def full_disks(folder: Path, sources: Sequence[str], disks: int, chance: random.Random) -> Any:
    """Runs jobs on disks that fill up, and lets them go on with room."""
    whole = folder / "whole"
    finished(whole, sources)
    most = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
    ends, filled, other = list[dict[str, Any]](), 0, list[str]()
    for number in range(disks):
        size = chance.randint(_LEAST_DISK, most)
        with disk(folder / f"disk-{number}", size) as enlarge:
            job = folder / f"disk-{number}" / "job"
            run = Run(job, sources)
            status = run.wait(_ENDING_S)
            if status is None:
                run.kill()
            said = run.said()
            filled += status == 1
            if status not in (0, 1):
                other.append(f"{size} bytes: {status} {said}")
            print(f"{size} bytes: {status} {said}", flush=True)
            enlarge()
            ends.append(finished(job, sources))
    return {"disks": disks, "filled_up": filled, "other_ends": other, **_sum(ends)}


def lost_decoders(folder: Path, sources: Sequence[str], kills: int, chance: random.Random) -> Any:
    """Kills decoders under running jobs; pages that were at them are read in a further run."""
    ends, done, stopped = list[dict[str, Any]](), 0, list[str]()
    while done < kills:
        job = folder / f"decoders-{len(ends)}"
        run = Run(job, sources)
        status = None
        while status is None:
            status = run.wait(chance.uniform(0.05, 1.0))
            if status is None and done < kills:
                with suppress(psutil.NoSuchProcess):
                    if decoders := run.decoders():
                        chance.choice(decoders).kill()
                        done += 1
        said = run.said()
        if status != 0:
            stopped.append(f"{status} {said}")
        ends.append(finished(job, sources, retry_errors=True))
        print(f"{done} decoders killed, {len(ends)} jobs", flush=True)
    return {"killed": done, "jobs": len(ends), "stopped": stopped, **_sum(ends)}


def main() -> None:
    """Runs all three series, and says whether all is well."""
    parser = argparse.ArgumentParser(description="Batch jobs that are killed.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--disks", type=int, default=20)
    parser.add_argument("--decoders", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ocr-kills-") as place:
        folder = Path(place)
        sources = make_sources(folder / "sources")
        results = {
            "killed": killed(folder, sources, arguments.kills, chance),
            "full disks": full_disks(folder, sources, arguments.disks, chance),
            "lost decoders": lost_decoders(folder, sources, arguments.decoders, chance),
        }
    seconds = round(time.monotonic() - begun)
    print(json.dumps(results, indent=2), seconds, "s")
    if arguments.out:
        machine.write_report(arguments.out, "kills", results | {"seconds": seconds})
    if any(each["lost"] or each["twice"] or each["problems"] for each in results.values()):
        raise SystemExit("pages were lost or doubled")


if __name__ == "__main__":
    main()

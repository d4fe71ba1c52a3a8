"""What one picture takes from a standing start: this package's command beside rapidocr's.

    python -m benchmarks.start [--picture FILE] [--rounds 5] [--out FILE.json]

Each command is a process of its own, started in turn; a first round, which also writes bytecode,
does not count. Wall time and processor time are medians of the rounds, memory is the largest peak.
The load, processes that want to run, is that of the machine before the first round: wall time means
something where it is below the number of cores.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

from benchmarks import machine

PICTURE = Path(__file__).parents[1] / "examples" / "printed_page.png"


@dataclass(frozen=True)
class Start:
    """What a process took, in seconds of wall and processor time, and MB at its peak."""

    wall: float
    cpu: float
    peak: float


def commands(picture: Path) -> dict[str, list[str]]:
    """Returns the commands that are compared, by name."""
    peer = which("rapidocr", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if peer is None:
        raise SystemExit("there is no command rapidocr here")
    ours = [sys.executable, "-m", "ocr_plugin"]
    return {
        "ocr-plugin read": [*ours, "read", str(picture)],
        "rapidocr": [peer, "-img", str(picture)],
        "ocr-plugin --help": [*ours, "--help"],
    }


def started(command: list[str]) -> Start:
    """Runs a command to its end.

    Raises:
        SystemExit: it failed.
    """
    # A developer's setting that would have every module compiled anew.
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {process.returncode}")
    return Start(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def measure(picture: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Returns what each command took."""
    asked = commands(picture)
    found: dict[str, list[Start]] = {name: [] for name in asked}
    for number in range(rounds + 1):
        for name, command in asked.items():
            start = started(command)
            if number:
                found[name].append(start)
    return {
        name: {
            "wall_s": round(statistics.median(each.wall for each in starts), 3),
            "cpu_s": round(statistics.median(each.cpu for each in starts), 3),
            "peak_mb": round(max(each.peak for each in starts)),
        }
        for name, starts in found.items()
    }


def main() -> None:
    """Measures a picture."""
    parser = argparse.ArgumentParser(description="Cold starts.")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    found = measure(arguments.picture, arguments.rounds)
    for name, values in found.items():
        print(name, values)
    setting = {"rounds": arguments.rounds, "load": load}
    if arguments.out:
        machine.write_report(arguments.out, "start", {arguments.picture.name: setting | found})


if __name__ == "__main__":
    main()

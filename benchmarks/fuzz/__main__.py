"""Damaged files of every format, decoded in the project's own limited processes.

    python -m benchmarks.fuzz [--inputs 100000] [--jobs 1] [--state FILE] [--read]
        [--out FILE.json]
    python -m benchmarks.fuzz --number N [--keep FILE]

Inputs are made from small sound files by changes of bytes and of structure; each is made again
from its number. A picture has to give pages or an error of one line, within time and memory, and
no page without its ink that has no warning. With --read, one input in 500 is read as well. What
has been judged is noted in --state, and a run that was ended goes on from there; inputs that were
judged by an earlier commit are not judged again unless the file is removed.
"""

import argparse
from pathlib import Path

from benchmarks import machine
from benchmarks.fuzz.inputs import made
from benchmarks.fuzz.outcomes import judged
from benchmarks.fuzz.report import summary
from benchmarks.fuzz.running import lines, read, run


def show(number: int, keep: Path | None) -> None:
    """Judges one input in this process, and prints what became of it."""
    one = made(number)
    print(f"{number}: {one.seed.format}, {one.seed.variant}; {', '.join(one.changes)}")
    if keep:
        keep.write_bytes(one.data)
    print(judged(one))


def main() -> None:
    """Judges the inputs, or shows one."""
    parser = argparse.ArgumentParser(description="Damaged files of every format, decoded.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--state", type=Path, default=Path("fuzz-state.jsonl"))
    parser.add_argument("--read", action="store_true")
    parser.add_argument("--number", type=int)
    parser.add_argument("--keep", type=Path, help="where to write the input of --number")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.number is not None:
        show(arguments.number, arguments.keep)
        return
    run(arguments.inputs, arguments.jobs, arguments.state)
    if arguments.read:
        read(arguments.inputs, arguments.state)
    found = summary(lines(arguments.state), arguments.inputs)
    for name, value in found.items():
        print(name, value)
    if arguments.out:
        sets = {f"{arguments.inputs} inputs": {"jobs": arguments.jobs, **found}}
        machine.write_report(arguments.out, "fuzz", sets)


if __name__ == "__main__":
    main()

"""Tables of the documents, as text."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import circumstances, read_report

_RESULTS = Path(__file__).parent / "results"


def report(file: str) -> dict[str, Any]:
    """Returns a committed report, by its file's name."""
    return read_report(_RESULTS / file)


def measured(file: str, about: str = "") -> str:
    """Returns the line under a table: which report it was made of, and where that was measured."""
    return f"{file}: {about}{circumstances(report(file))}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *below: str) -> str:
    """Returns a Markdown table, and lines of text under it."""
    lines = [head, ["---"] * len(head), *rows]
    text = [f"| {' | '.join(cells)} |" for cells in lines]
    text[1] = text[1].replace(" ", "")
    return "\n".join([*text, "", *below]) + "\n"

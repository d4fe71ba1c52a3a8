"""Writes the README's table of page readings from the committed result.

    python -m benchmarks.readme_table

The table stands between two marks; a test fails where it is not what this would write.
"""

import json
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_README = _ROOT / "README.md"
_RESULTS = _ROOT / "benchmarks" / "results"
_MARKS = "<!-- pages.json -->\n", "<!-- end -->\n"
_SETS = {
    "pages.json": {
        "ic15": "ICDAR-2015 photos (incidental text)",
        "cute80": "CUTE80 photos (curved text)",
        "svt": "SVT street views",
    },
    "docs.json": {
        "funsd": "FUNSD scanned forms",
        "sroie": "SROIE scanned receipts",
    },
}
# Sets in which only some of the words are labelled, so that precision tells nothing.
_PARTLY_LABELLED = {"svt"}


def current() -> str:
    """Returns the README with the table that the committed results give."""
    before, rest = _README.read_text(encoding="utf-8").split(_MARKS[0])
    after = rest.split(_MARKS[1])[1]
    return before + _MARKS[0] + table() + _MARKS[1] + after


def table() -> str:
    """Returns the Markdown table and the lines under it."""
    rows = [
        "| set: pages | engine | recall | precision | hmean | seconds per page |",
        "|---|---|---|---|---|---|",
    ]
    measured = []
    for file, sets in _SETS.items():
        report = json.loads((_RESULTS / file).read_text())
        for name, title in sets.items():
            rows += _rows(name, title, report["sets"][name])
        measured.append(f"{file}: {_circumstances(report['machine'])}")
    return "\n".join([*rows, "", *measured]) + "\n"


def _rows(name: str, title: str, result: dict[str, Any]) -> list[str]:
    rows = []
    for engine, scores in result["engines"].items():
        known = ["recall"] if name in _PARTLY_LABELLED else ["recall", "precision", "hmean"]
        shown = [f"{scores[score]:.3f}" for score in known] + ["-"] * (3 - len(known))
        seconds = scores["seconds_per_page"]
        cells = [
            f"{title}: {result['pages']}",
            engine,
            *shown,
            f"{seconds['median']:.2f} (p95 {seconds['p95']:.2f})",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _circumstances(machine: dict[str, Any]) -> str:
    versions = machine["versions"]
    return "; ".join(
        (
            f"{machine['processor']}, {machine['cores']} cores, no GPU",
            f"Python {machine['python']}, onnxruntime {versions['onnxruntime']}, "
            f"rapidocr {versions['rapidocr']}",
            f"{machine['date']}, commit {machine['commit']}.",
        )
    )


if __name__ == "__main__":
    _README.write_text(current(), encoding="utf-8")

"""Writes the README's table of page readings from the committed result.

    python -m benchmarks.readme_table

The table stands between two marks; a test fails where it is not what this would write.
"""

import json
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_README = _ROOT / "README.md"
_RESULT = _ROOT / "benchmarks" / "results" / "pages.json"
_MARKS = "<!-- pages.json -->\n", "<!-- end -->\n"
_SETS = {
    "ic15": "ICDAR-2015 photos (incidental text)",
    "cute80": "CUTE80 (curved text)",
    "svt": "SVT street views",
}


def current() -> str:
    """Returns the README with the table that the committed result gives."""
    before, rest = _README.read_text(encoding="utf-8").split(_MARKS[0])
    after = rest.split(_MARKS[1])[1]
    return before + _MARKS[0] + table(json.loads(_RESULT.read_text())) + _MARKS[1] + after


def table(report: dict[str, Any]) -> str:
    """Returns the Markdown table and the line under it."""
    rows = [
        "| set | engine | recall | precision | hmean | seconds per page |",
        "|---|---|---|---|---|---|",
    ]
    for name, title in _SETS.items():
        result = report["sets"][name]
        for engine, scores in result["engines"].items():
            seconds = scores["seconds_per_page"]
            judged = ["-", "-"] if name == "svt" else [scores["precision"], scores["hmean"]]
            cells = [
                f"{title}: {result['pages']}",
                engine,
                *(
                    f"{value:.3f}" if value != "-" else value
                    for value in [scores["recall"], *judged]
                ),
                f"{seconds['median']:.2f} (p95 {seconds['p95']:.2f})",
            ]
            rows.append(f"| {' | '.join(cells)} |")
    machine = report["machine"]
    versions = machine["versions"]
    measured = (
        f"{machine['processor']}, {machine['cores']} cores, no GPU",
        f"Python {machine['python']}, onnxruntime {versions['onnxruntime']}, "
        f"rapidocr {versions['rapidocr']}",
        f"{machine['date']}, commit {machine['commit']}.",
    )
    rows += ["", "; ".join(measured)]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    _README.write_text(current(), encoding="utf-8")

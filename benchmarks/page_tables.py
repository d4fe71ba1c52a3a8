"""The tables of whole pages, made from the committed results: README.md, docs/speed.md."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.markdown import measured, report, table
from ocr_plugin.options import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER

_SETS = {
    "pages": {
        "ic15": "ICDAR-2015 photos",
        "cute80": "CUTE80 photos, curved",
        "svt": "SVT street views",
    },
    "docs": {
        "funsd": "FUNSD scanned forms",
        "sroie": "SROIE scanned receipts",
    },
}
# Sets in which only some of the words are labelled, so that precision tells nothing.
_PARTLY_LABELLED = {"svt"}
_OURS = "ocr-plugin "
_PEERS = {"rapidocr": "RapidOCR", "paddleocr": "PaddleOCR", "tesseract": "tesseract"}


def short_table() -> str:
    """Returns one row an engine: a score and the seconds a page on every set."""
    columns, rows, called = [], [], {}
    for found_in, name, title in _sets():
        result = found_in["sets"][name]
        score = "recall" if name in _PARTLY_LABELLED else "hmean"
        columns.append((f"{title} ({result['pages']})", score, result["engines"]))
        called = {each: _called(each, found_in) for each in result["engines"]}
    for engine, title in called.items():
        cells = [title]
        for _, score, found in columns:
            best = max(each[score] for each in found.values())
            value = f"{found[engine][score]:.3f}"
            shown = f"**{value}**" if found[engine][score] == best else value
            cells.append(f"{shown}, {found[engine]['seconds_per_page']['median']:.2f} s")
        rows.append(cells)
    return table(["engine", *(title for title, _, _ in columns)], rows, *_measured())


def full_table(kind: str = "") -> str:
    """Returns one row an engine and set: all scores, and the spread of the times.

    Args:
        kind: of the reports, as it stands in the files' names.
    """
    rows = []
    for found_in, name, title in _sets(kind):
        result = found_in["sets"][name]
        known = ["recall"] if name in _PARTLY_LABELLED else ["recall", "precision", "hmean"]
        for engine, found in result["engines"].items():
            seconds = found["seconds_per_page"]
            cells = [
                f"{title}: {result['pages']}",
                _called(engine, found_in),
                *(f"{found[score]:.3f}" for score in known),
                *["-"] * (3 - len(known)),
                f"{seconds['median']:.2f} (p95 {seconds['p95']:.2f})",
            ]
            rows.append(cells)
    head = ["set: pages", "engine", "recall", "precision", "hmean", "seconds a page"]
    return table(head, rows, *_measured(kind))


def _sets(kind: str = "") -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yields every set's report, its name there and its title."""
    for stem, sets in _SETS.items():
        for name, title in sets.items():
            yield report(f"{stem}{kind}.json"), name, title


def _measured(kind: str = "") -> list[str]:
    return [measured(f"{stem}{kind}.json") for stem in _SETS]


def _called(engine: str, found_in: Mapping[str, Any]) -> str:
    """Returns an engine as it is called, peers with their versions."""
    if engine.startswith(_OURS):
        plugins, _, precision = engine.removeprefix(_OURS).partition(" ")
        detector, recognizer = plugins.split("+")
        is_default = plugins == f"{DEFAULT_DETECTOR}+{DEFAULT_RECOGNIZER}" and not precision
        return "ocr_plugin, " + ", ".join(
            [
                *([f"`{detector}`"] if detector != DEFAULT_DETECTOR else []),
                f"`{recognizer}`" + (" (default)" if is_default else ""),
                *([precision] if precision else []),
            ]
        )
    return f"{_PEERS[engine]} {found_in['machine']['versions'][engine]}"

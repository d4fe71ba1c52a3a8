"""The tables of docs/word-detector.md, made from the committed results."""

from collections.abc import Callable, Mapping

from benchmarks.markdown import measured, report, table

_SETS = {
    "ic15": "ICDAR-2015 photos",
    "cute80": "CUTE80 photos, curved",
    "svt": "SVT street views",
    "funsd": "FUNSD scanned forms",
    "sroie": "SROIE scanned receipts",
}
_HEIGHTS = ("<10", "10-15", "15-20", "20-30", "30-40", "40+")


def tables() -> Mapping[str, Callable[[], str]]:
    """Returns the tables by the marks that they stand at."""
    return {"found": found_table, "heights": height_table, "read": read_table}


def found_table() -> str:
    """Returns one row a set and detector: words found."""
    head = ["set", "detector", "words", "recall", "precision", "F", "DetEval F", "s a page"]
    rows = [
        [
            f"{_SETS[name]} ({found['pages']})",
            f"`{detector}`",
            str(found["words"]),
            *(f"{found[score]:.3f}" for score in ("recall", "precision")),
            f"**{found['f']:.3f}**",
            f"{found['deteval']['f']:.3f}",
            f"{found['seconds_per_page']['median']:.2f}",
        ]
        for name, detectors in report("detection.json")["sets"].items()
        for detector, found in detectors.items()
    ]
    return table(head, rows, measured("detection.json"))


def height_table() -> str:
    """Returns one row a detector: recall by the height of the letters, on the photos."""
    rows = []
    for detector, found in report("detection.json")["sets"]["ic15"].items():
        groups = found["by_height"]
        shown = (
            f"{groups[name]['recall']:.2f} ({groups[name]['count']})" if name in groups else "-"
            for name in _HEIGHTS
        )
        rows.append([f"`{detector}`", *shown])
    return table(["recall by height, pixels", *_HEIGHTS], rows, measured("detection.json"))


def read_table() -> str:
    """Returns one row a set and engine: words found and read right."""
    rows = []
    for file in ("pages_word_line.json", "docs_word_line.json"):
        for name, result in report(file)["sets"].items():
            for engine, found in result["engines"].items():
                rows.append(
                    [
                        f"{_SETS[name]} ({result['pages']})",
                        engine.removeprefix("ocr-plugin ").removesuffix("+second_opinion"),
                        *(f"{found[score]:.3f}" for score in ("recall", "precision")),
                        f"**{found['hmean']:.3f}**",
                        f"{found['seconds_per_page']['median']:.2f}",
                    ]
                )
    head = ["set", "detector", "recall", "precision", "hmean", "s a page"]
    below = measured("pages_word_line.json"), measured("docs_word_line.json")
    return table(head, rows, *below)

"""The tables of docs/speed.md, made from the committed results."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import page_tables
from benchmarks.markdown import measured, report, table

_SETS = {"IIIT5k": "IIIT5k", "SVT": "SVT", "IC13_1015": "IC13", "IC15_2077": "IC15"}


def tables() -> Mapping[str, Callable[[], str]]:
    """Returns what makes each table, by the name of the mark that it stands under."""
    return {
        "pages": page_tables.full_table,
        "pages_bfloat16": lambda: page_tables.full_table("_bfloat16"),
        "decoding": decoding_table,
        "precision": precision_table,
        "int8": int8_table,
        "scaling": scaling_table,
    }


def decoding_table() -> str:
    """Returns what a reading takes over its image tower, by the plain path and by ours."""
    rows = []
    for title, found in report("decoding.json")["sets"].items():
        batch = int(title.rsplit(" ", 1)[1])
        for name, one in found.items():
            if not isinstance(one, dict):
                continue
            same = "yes" if one["ours"]["same_texts"] else "no"
            cells = [
                f"{title}: {name}",
                f"{one['tower_ms']['median']:.0f}",
                _with_spread(one["plain"]["over_tower"]),
                f"**{_with_spread(one['ours']['over_tower'])}**",
                f"{1000 * batch / one['ours']['ms']['median']:.1f}",
                same,
            ]
            rows.append(cells)
    head = ["network", "tower, ms", "plain path over it", "ours over it", "ours, crops/s"]
    return table([*head, "same texts"], rows, measured("decoding.json"))


def precision_table() -> str:
    """Returns speed, memory and accuracy of precisions and modes."""
    rows = []
    for title, found in report("speed.json")["sets"].items():
        for name, one in found["combinations"].items():
            low, high = one["quartiles"]
            accuracy = one.get("accuracy_36")
            scores = [f"{100 * accuracy[each]:.1f}" if accuracy else "" for each in _SETS]
            mean = f"{100 * one['averages_36']['weighted']:.2f}" if accuracy else ""
            cells = [
                name,
                title.rsplit(" ", 1)[1],
                f"{one['ms_per_crop']:.2f} ({low:.2f} to {high:.2f})",
                f"{one['crops_per_s']:.0f}",
                f"{100 * one['tower_ms_per_crop'] / one['ms_per_crop']:.0f} %",
                f"{one['peak_memory_mb']}",
                f"{100 * one.get('all_texts_as_first', one['texts_as_first']):.1f} %",
                *scores,
                mean,
            ]
            rows.append(cells)
    head = ["numbers, mode", "batch", "ms a crop", "crops/s", "tower's share", "peak memory, MB"]
    head += ["texts as float32", *_SETS.values(), "mean"]
    return table(head, rows, measured("speed.json"))


def int8_table() -> str:
    """Returns speed and accuracy of products in eight bits beside other numbers."""
    rows = []
    for title, found in report("int8_speed.json")["sets"].items():
        for name, one in found.items():
            if not isinstance(one, dict):
                continue
            low, high = one["quartiles"]
            mean = f"{100 * one['averages_36']['weighted']:.2f}" if "averages_36" in one else ""
            cells = [
                title,
                name,
                f"{one['ms_per_crop']:.2f} ({low:.2f} to {high:.2f})",
                f"{one['tower_ms_per_crop']:.2f}",
                f"{100 * one['texts_as_first']:.1f} %",
                mean,
            ]
            rows.append(cells)
    head = ["network", "numbers", "ms a crop", "of which the tower", "texts as float32", "mean"]
    return table(head, rows, measured("int8_speed.json"))


def scaling_table() -> str:
    """Returns time and memory of a stream of pages, after each power of ten."""
    rows = []
    for found in report("scaling.json")["sets"].values():
        for one in found["stretches"]:
            seconds = _with_spread(one["seconds_per_page"], digits=3)
            rows.append([f"{one['pages']:,}", seconds, f"{one['memory_mb']}"])
    head = ["up to page", "seconds a page", "memory, MB"]
    return table(head, rows, measured("scaling.json"))


def _with_spread(values: Mapping[str, Any], digits: int = 2) -> str:
    """Returns a median and, where they are known, the quartiles."""
    median = f"{values['median']:.{digits}f}"
    if "quartiles" not in values:
        return median
    low, high = values["quartiles"]
    return f"{median} ({low:.{digits}f} to {high:.{digits}f})"

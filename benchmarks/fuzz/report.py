"""The figures of a run, from what it noted."""

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from benchmarks.fuzz.inputs import fingerprint, made
from benchmarks.fuzz.outcomes import OPTIONS, SECONDS
from benchmarks.fuzz.running import MEMORY

_DECODERS = ("pillow", "pillow-heif", "pypdfium2")
_SLOWEST = 10


def summary(lines: Sequence[dict[str, Any]], inputs: int) -> dict[str, Any]:
    """Returns the figures of the inputs 0 to `inputs`, as they are committed."""
    own = sorted((line for line in lines if line["first"] < inputs), key=_first)
    known = [line for line in own if "counts" in line]
    by_format: dict[str, Counter[str]] = {}
    for line in known:
        for name, counts in line["counts"].items():
            by_format.setdefault(name, Counter()).update(counts)
    total: Counter[str] = sum(by_format.values(), Counter())
    slow = sorted((each for line in known for each in line["slow"]), key=lambda each: -each[1])
    return {
        "judged": sum(line["count"] for line in known),
        "seeds": fingerprint(),
        "decoders": {name: version(name) for name in _DECODERS},
        "limits": {
            "seconds": SECONDS,
            "address_space": MEMORY,
            "max_pixels": OPTIONS.max_pixels,
        },
        "commits": _commits(known),
        "seconds": round(sum(line["seconds"] for line in known)),
        "peak_mb": max((line["peak_mb"] for line in known), default=0),
        "outcomes": dict(total.most_common()),
        "by_format": {name: dict(by_format[name].most_common()) for name in sorted(by_format)},
        "slowest": slow[:_SLOWEST],
        "faults": _faults([fault for line in known for fault in line["faults"]]),
        "read": _read([line["read"] for line in own if "read" in line]),
    }


def _first(line: dict[str, Any]) -> int:
    return int(line["first"])


def _commits(lines: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Returns how many inputs were judged by which commit."""
    found = Counter[str]()
    for line in lines:
        found[line["commit"]] += line["count"]
    return dict(found)


def _faults(faults: Sequence[dict[str, Any]]) -> dict[str, dict[str, list[int]]]:
    """Returns the numbers of what is looked into, by kind and then by format and seed."""
    found: dict[str, dict[str, list[int]]] = {}
    for fault in faults:
        seed = made(fault["number"]).seed
        place = found.setdefault(fault["kind"], {})
        place.setdefault(f"{seed.format}, {seed.variant}", []).append(fault["number"])
    return {kind: dict(sorted(found[kind].items())) for kind in sorted(found)}


def _read(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the figures of the inputs that were read."""
    kinds = Counter(str(each["kind"]) for each in results)
    return {
        "inputs": len(results),
        "outcomes": dict(kinds.most_common()),
        "faults": [each for each in results if each["kind"] == "fault"],
        "longest_s": max((each["seconds"] for each in results), default=0.0),
    }

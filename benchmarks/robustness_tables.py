"""The tables of SECURITY.md: damaged files, and jobs that were killed, from the results."""

from collections.abc import Callable, Mapping

from benchmarks.markdown import measured, report, table

_KINDS = {
    "pages": ("page",),
    "pages with a warning": ("warned",),
    "an error of a page or the file": ("error", "partly", "memory"),
    "emptier than before, no warning": ("empty", "lost"),
    "anything else": ("exception", "message", "crash", "time"),
}
_SERIES = {
    "killed": ("jobs killed, with all their processes", "kills"),
    "full disks": ("disks that filled up", "filled_up"),
    "lost decoders": ("decoders killed", "killed"),
}


def tables() -> Mapping[str, Callable[[], str]]:
    """Returns what makes each table, by the name of its mark."""
    return {"fuzz": fuzz_table, "kills": kills_table, "attack": attack_table}


def fuzz_table() -> str:
    """Returns the Markdown table of damaged files by format, and the line under it."""
    (found,) = report("fuzz.json")["sets"].values()
    rows = []
    for name, counts in (*found["by_format"].items(), ("all", found["outcomes"])):
        of_kind = [sum(counts.get(each, 0) for each in kinds) for kinds in _KINDS.values()]
        rows.append([name, *map(str, (sum(counts.values()), *of_kind))])
    return table(["format", "inputs", *_KINDS], rows, measured("fuzz.json"))


def kills_table() -> str:
    """Returns the Markdown table of jobs that were killed, and the line under it."""
    sets = report("kills.json")["sets"]
    rows = []
    for name, (title, count) in _SERIES.items():
        found = sets[name]
        cells = (found[count], found["pages"], found["lost"], found["twice"])
        rows.append([title, *map(str, cells)])
    return table(["", "times", "pages", "lost", "twice"], rows, measured("kills.json"))


def attack_table() -> str:
    """Returns the Markdown table of the server under attack, and the line under it."""
    (found,) = report("attack.json")["sets"].values()
    rows = []
    for when in ("before", "attacked", "after"):
        seen = found[when]
        rows.append([
            when,
            f"{seen['pages_answered']} of {seen['pages_sent']}",
            f"{seen['median_s']:.1f}, {seen['slowest_s']:.1f}",
            f"{seen['health_ok']} of {seen['health_asked']}",
            f"{seen['server_mb']}, {seen['decoders_mb']}",
            f"{seen['load'][0]:.0f} to {seen['load'][1]:.0f}",
        ])  # fmt: skip
    head = ["", "pages answered", "median, slowest: s", "health", "server, decoders: MB"]
    ended = f"ended {found['ended_after_s']:.0f} s after SIGTERM with pages under way; "
    return table([*head, "load of the machine"], rows, measured("attack.json", ended))

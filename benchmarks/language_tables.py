"""The tables of languages and signs in docs/languages.md, made from the committed results."""

from collections.abc import Callable, Mapping

from benchmarks.markdown import measured, report, table

_FILE = "languages.json"
_READERS = {"second_opinion": "`second_opinion`", "ppocr": "`ppocr`", "clip4str": "`clip4str`"}
# Where hardly anything is right, the characters that never are would fill the table.
_HARDLY = 0.7


def tables() -> Mapping[str, Callable[[], str]]:
    """Returns what makes each table, by the name of its mark."""
    return {
        "latin": lambda: group_table("latin", "language"),
        "signs": lambda: group_table("signs", "signs"),
        "scripts": lambda: group_table("scripts", "language"),
    }


def group_table(group: str, title: str) -> str:
    """Returns the Markdown table of a group, and the line under it."""
    rows = []
    for name, found in report(_FILE)["sets"][group].items():
        ours = found["second_opinion"]
        right = [found[reader]["characters_right"] for reader in _READERS]
        lines = f"{ours['lines_right']} of {ours['lines']}"
        never = " ".join(ours["never_right"]) if right[0] >= _HARDLY else "most"
        shown = [f"{100 * each:.1f}" for each in right]
        rows.append([name, f"**{shown[0]}**", *shown[1:], lines, never])
    head = [f"{title}: characters right, %", *_READERS.values(), "whole lines right"]
    return table([*head, "never right"], rows, measured(_FILE))

"""``ocr-plugin eval``: how well a recognizer reads labelled words."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocr_plugin.cli_recognizer import (
    Device,
    Model,
    Offline,
    Precision,
    RecognizerName,
    chosen,
    go_offline,
)
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.streams import print_table, results_only, say

if TYPE_CHECKING:
    from ocr_plugin.evaluation.word_accuracy import Judged
    from ocr_plugin.protocols import Recognizer

evaluation = typer.Typer(rich_markup_mode=None)
_SHOWN_BAD = 5


@evaluation.callback()
def common() -> None:
    """Measure accuracy on labelled data."""


@evaluation.command()
def words(
    data: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="A set: LMDB, labels.jsonl or gt.txt; may be repeated."),
    ],
    recognizer: RecognizerName = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
    report: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the scores as JSON.")
    ] = None,
    offline: Offline = False,
) -> None:
    """Read sets of word images and print the accuracies by the 36, 62 and 94 character rules.

    Then accuracy_36 by the words' lengths, in characters, and the means over the sets.
    """
    from ocr_plugin import registry
    from ocr_plugin.evaluation.word_accuracy import averages, word_scores

    name, options = chosen(recognizer, model, device, precision)
    if offline:
        go_offline()
    if report is not None and not report.parent.is_dir():
        raise ConfigurationError(f"{report}: no such folder to write it to")
    with results_only() as stream:
        reader = registry.make_recognizer(name, **options)
        sets: dict[str, dict[str, Any]] = {}
        for path in data:
            if path.name in sets:
                raise ConfigurationError(f"two sets are called {path.name}")
            sets[path.name] = word_scores(_judged(path, reader))
        means = averages(list(sets.values()))
        rows = [
            {
                "set": title,
                "words": str(scores["count"]),
                **{key: f"{100 * scores[key]:.2f}" for key in _SHOWN},
            }
            for title, scores in sets.items()
        ]
        print_table(rows, stream)
        print("\naccuracy_36 by length", file=stream)
        print_table(_by_length(sets), stream)
        print(file=stream)
        for kind, value in means.items():
            print(f"accuracy_36, {kind} mean of the sets: {100 * value:.2f}", file=stream)
    if report is not None:
        found = {
            "recognizer": reader.component.model_dump(),
            "sets": sets,
            "averages_36": means,
        }
        try:
            report.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{report}: cannot be written: {error.strerror}") from error


_SHOWN = ("accuracy_36", "accuracy_62", "accuracy_94", "ned", "mean_confidence", "ece")


def _by_length(sets: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """Returns a row for each set, a column for each group of lengths that any of them has."""
    from ocr_plugin.evaluation.word_accuracy import LENGTHS

    found = {title: scores["by_length"] for title, scores in sets.items()}
    groups = [name for name in LENGTHS if any(name in lengths for lengths in found.values())]
    return [
        {"set": title}
        | {
            name: f"{100 * lengths[name]['accuracy_36']:.2f}" if name in lengths else "-"
            for name in groups
        }
        for title, lengths in found.items()
    ]


def _judged(path: Path, reader: "Recognizer") -> "list[Judged]":
    """Returns every usable record of a set with what was read; says which were not usable."""
    from ocr_plugin.evaluation.judging import judge

    judged, bad = judge(path, reader)
    for record in bad[:_SHOWN_BAD]:
        say(f"warning: {record.name}: {record.reason}")
    if len(bad) > _SHOWN_BAD:
        say(f"warning: {path}: {len(bad)} records could not be used")
    return judged

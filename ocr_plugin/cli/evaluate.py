"""``ocr-plugin eval``: how well labelled words and pages are found and read."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocr_plugin.cli.console import print_table, results_only, say
from ocr_plugin.cli.evaluate_common import (
    DetectorName,
    Pages,
    Report,
    check_place,
    counted,
    page_sets,
    report_failures,
    write,
)
from ocr_plugin.cli.evaluate_pages import pages
from ocr_plugin.cli.guidance import Language
from ocr_plugin.cli.parameters import (
    Device,
    Model,
    Offline,
    Precision,
    RecognizerName,
    chosen,
    runtime_of,
)
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import DEFAULT_DETECTOR

if TYPE_CHECKING:
    from ocr_plugin.evaluation.word_accuracy import LabelledReading
    from ocr_plugin.protocols import Recognizer


class Protocol(StrEnum):
    """How words are read that are to be counted."""

    SHIPPED = "shipped"
    PUBLISHED = "published"


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
    language: Language = None,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="shipped: as pages are read; published: as papers read, each word once and without"
            " language."
        ),
    ] = Protocol.SHIPPED,
    report: Report = None,
    offline: Offline = False,
) -> None:
    """Read sets of word images and print the accuracies by the 36, 62 and 94 character rules.

    Then accuracy_36 by the words' lengths, in characters, and the means over the sets.
    """
    from ocr_plugin.evaluation.word_accuracy import averages, word_scores

    name, options = chosen(recognizer, model)
    check_place(report)
    with results_only() as stream:
        from ocr_plugin.plugins import make_recognizer
        from ocr_plugin.recognizers.guidance import PUBLISHED, Guidance
        from ocr_plugin.recognizers.guiding import guided

        if language is not None and protocol is Protocol.PUBLISHED:
            raise ConfigurationError("the published protocol knows no language")
        guidance = PUBLISHED if protocol is Protocol.PUBLISHED else Guidance(language)
        reader = make_recognizer(name, runtime_of(device, precision, offline), **options)
        reader = guided(reader, guidance)
        sets: dict[str, dict[str, Any]] = {}
        for path in data:
            if path.name in sets:
                raise ConfigurationError(f"two sets are called {path.name}")
            sets[path.name] = word_scores(_read_set(path, reader))
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
            "protocol": protocol.value,
            "sets": sets,
            "averages_36": means,
        }
        write(report, json.dumps(found, indent=2) + "\n")


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


def _read_set(path: Path, reader: "Recognizer") -> "list[LabelledReading]":
    """Returns every usable record of a set as read; warns of the others."""
    from ocr_plugin.evaluation.word_accuracy import read_set

    readings, bad = read_set(path, reader)
    for record in bad[:_SHOWN_BAD]:
        say(f"warning: {record.name}: {record.reason}")
    if len(bad) > _SHOWN_BAD:
        say(f"warning: {path}: {len(bad)} records could not be used")
    return readings


@evaluation.command()
def detection(
    data: Pages,
    detector: DetectorName = DEFAULT_DETECTOR,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="For the detector, such as cuda:0.")
    ] = None,
    report: Report = None,
    offline: Offline = False,
) -> None:
    """Score how well words are found on labelled pages.

    Prints recall, precision and F twice: with an intersection over union above 0.5, one to one; and
    by DetEval, where a word may also be found in pieces or together with others. Then recall by the
    height of the letters and by the length of the words. Regions that are labelled to be ignored
    count neither way. The detector keeps its own score threshold; none is tuned on the data.
    """
    from ocr_plugin.evaluation.page_detection import search

    check_place(report)
    sets = page_sets(data)
    with results_only() as stream:
        from ocr_plugin.plugins import make_detector

        finder = make_detector(detector, runtime_of(device, None, offline))
        found = {}
        for name, pages in sets.items():
            say(pages.describe())
            found[name] = search(pages, finder)
        exit_code = report_failures(failure for own in found.values() for failure in own.failures)
        scores = {name: result.scores() for name, result in found.items()}
        print("IoU above 0.5, one to one, at the detector's own threshold", file=stream)
        print_table([counted(name, own) | _percent(own) for name, own in scores.items()], stream)
        print("\nDetEval", file=stream)
        print_table([_deteval(name, own["deteval"]) for name, own in scores.items()], stream)
        print("\nrecall by height of letters, in pixels (words)", file=stream)
        print_table(_recalls(scores, "by_height"), stream)
        print("\nrecall by length of words, in characters (words)", file=stream)
        print_table(_recalls(scores, "by_length"), stream)
    if report is not None:
        told = {"detector": finder.component.model_dump(), "sets": scores}
        write(report, json.dumps(told, indent=2) + "\n")
    raise typer.Exit(exit_code)


evaluation.command()(pages)


def _percent(scores: Mapping[str, Any]) -> dict[str, str]:
    return {key: f"{100 * scores[key]:.2f}" for key in ("recall", "precision", "f")}


def _deteval(name: str, scores: Mapping[str, Any]) -> dict[str, str]:
    return {
        "set": name,
        "area recall": str(scores["area_recall"]),
        "area precision": str(scores["area_precision"]),
        **_percent(scores),
    }


def _recalls(sets: Mapping[str, Mapping[str, Any]], key: str) -> list[dict[str, str]]:
    """Returns a row for each set, a column for each group that any of them has."""
    from ocr_plugin.evaluation.word_groups import HEIGHTS, LENGTHS

    groups = [
        name
        for name in (HEIGHTS if key == "by_height" else LENGTHS)
        if any(name in scores[key] for scores in sets.values())
    ]
    return [
        {"set": title}
        | {
            name: f"{100 * own[name]['recall']:.2f} ({own[name]['count']})" if name in own else "-"
            for name in groups
        }
        for title, own in ((title, scores[key]) for title, scores in sets.items())
    ]

"""``ocr-plugin eval``: how well labelled words and pages are found and read."""

import json
from collections.abc import Iterable, Mapping, Sequence
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
    detector_options,
    go_offline,
)
from ocr_plugin.errors import ConfigurationError, ExitCode
from ocr_plugin.options import DEFAULT_DETECTOR
from ocr_plugin.streams import print_table, results_only, say

if TYPE_CHECKING:
    from ocr_plugin.datasets.page_sets import PageSet
    from ocr_plugin.evaluation.word_accuracy import Judged
    from ocr_plugin.protocols import Recognizer
    from ocr_plugin.schema import PageError

evaluation = typer.Typer(rich_markup_mode=None)
_SHOWN_BAD = 5

Report = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the scores as JSON.")
]
Pages = Annotated[
    list[Path],
    typer.Option(metavar="PATH", help="A set of labelled pages; may be repeated."),
]
DetectorName = Annotated[str, typer.Option("--detector", metavar="NAME", help="Who finds text.")]


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
    report: Report = None,
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
    _check_place(report)
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
        _write(report, json.dumps(found, indent=2) + "\n")


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
    from ocr_plugin import registry
    from ocr_plugin.evaluation.page_detection import search

    if offline:
        go_offline()
    _check_place(report)
    sets = _page_sets(data)
    with results_only() as stream:
        finder = registry.make_detector(detector, **detector_options(detector, device))
        found = {}
        for name, pages in sets.items():
            say(pages.describe())
            found[name] = search(pages, finder)
        exit_code = _told(failure for own in found.values() for failure in own.failures)
        scores = {name: result.scores() for name, result in found.items()}
        print("IoU above 0.5, one to one, at the detector's own threshold", file=stream)
        print_table([_counted(name, own) | _percent(own) for name, own in scores.items()], stream)
        print("\nDetEval", file=stream)
        print_table([_deteval(name, own["deteval"]) for name, own in scores.items()], stream)
        print("\nrecall by height of letters, in pixels (words)", file=stream)
        print_table(_recalls(scores, "by_height"), stream)
        print("\nrecall by length of words, in characters (words)", file=stream)
        print_table(_recalls(scores, "by_length"), stream)
    if report is not None:
        told = {"detector": finder.component.model_dump(), "sets": scores}
        _write(report, json.dumps(told, indent=2) + "\n")
    raise typer.Exit(exit_code)


@evaluation.command()
def pages(
    data: Pages,
    detector: DetectorName = DEFAULT_DETECTOR,
    recognizer: RecognizerName = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
    report: Report = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write an HTML file that shows the worst errors of each kind."
        ),
    ] = None,
    offline: Offline = False,
) -> None:
    """Score how well labelled pages are read.

    A word counts as right if it was read at its place; only letters and digits are compared, and
    case is ignored. Every other word is not found, if the answered words cover less than half of
    it; cut wrong, if they cover it but none has an intersection over union above 0.5 with it; or
    else misread. Regions that are labelled to be ignored count neither way.
    """
    from ocr_plugin.engine import Engine
    from ocr_plugin.evaluation.error_sheet import error_sheet
    from ocr_plugin.evaluation.page_reading import check_texts, read

    name, options = chosen(recognizer, model, device, precision)
    if offline:
        go_offline()
    _check_place(report, sheet)
    sets = _page_sets(data)
    for labelled in sets.values():
        check_texts(labelled)
    with results_only() as stream:
        engine = Engine(
            detector,
            name,
            detector_options=detector_options(detector, device, precision),
            recognizer_options=options,
        )
        readings = {}
        for title, labelled in sets.items():
            say(labelled.describe())
            readings[title] = read(labelled, engine)
        exit_code = _told(failure for own in readings.values() for failure in own.failures)
        scores = {title: reading.scores() for title, reading in readings.items()}
        rows = [
            _counted(title, own)
            | {key: f"{100 * own[key]:.2f}" for key in ("recall", "precision", "hmean")}
            | {"seconds a page": f"{own['median_seconds_per_page']:.3f}"}
            for title, own in scores.items()
        ]
        print_table(rows, stream)
        print("\nwhat became of the words (%)", file=stream)
        print_table([_outcomes(title, own["outcomes"]) for title, own in scores.items()], stream)
        if rows := _outcomes_by_height(scores):
            print("\nthe same by height of letters, in pixels", file=stream)
            print_table(rows, stream)
    if report is not None:
        told = {"engine": engine.info.model_dump(), "sets": scores}
        _write(report, json.dumps(told, indent=2) + "\n")
    if sheet is not None:
        _write(sheet, error_sheet({title: own.errors for title, own in readings.items()}))
    raise typer.Exit(exit_code)


def _page_sets(data: Sequence[Path]) -> "dict[str, PageSet]":
    """Returns the sets by their names; all are opened before any page is looked at."""
    from ocr_plugin.datasets.page_sets import PageSet

    sets: dict[str, PageSet] = {}
    for path in data:
        pages = PageSet(path)
        if pages.name in sets:
            raise ConfigurationError(f"two sets are called {pages.name}")
        sets[pages.name] = pages
    return sets


def _check_place(*files: Path | None) -> None:
    """Finds out before the work begins that its results have no place."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise ConfigurationError(f"{file}: no such folder to write it to")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from error


def _told(failures: "Iterable[PageError]") -> ExitCode:
    """Names the pages that failed and returns the exit code, which the first of them decides."""
    from ocr_plugin import errors

    exit_code = ExitCode.OK
    for failure in failures:
        say(f"error: {failure.name}: {failure.message.removeprefix(f'{failure.name}: ')}")
        kind = getattr(errors, failure.kind, errors.OcrError)
        exit_code = exit_code or kind.exit_code
    return exit_code


def _counted(name: str, scores: Mapping[str, Any]) -> dict[str, str]:
    return {
        "set": name,
        "pages": str(scores["pages"]),
        "failed": str(len(scores["failed"])),
        "words": str(scores["words"]),
    }


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


def _outcomes(name: str, counts: Mapping[str, int], **more: str) -> dict[str, str]:
    total = sum(counts.values())
    shares = {outcome: f"{100 * count / max(total, 1):.2f}" for outcome, count in counts.items()}
    return {"set": name, **more, "words": str(total), **shares}


def _outcomes_by_height(sets: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        _outcomes(title, counts, height=group)
        for title, scores in sets.items()
        for group, counts in scores["outcomes_by_height"].items()
    ]

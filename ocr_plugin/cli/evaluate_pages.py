"""``ocr-plugin eval pages``: how well labelled pages are read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TextIO

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
from ocr_plugin.evaluation.icdar_protocols import PageProtocol
from ocr_plugin.options import DEFAULT_DETECTOR

Protocols = Annotated[
    list[PageProtocol] | None,
    typer.Option(
        "--protocol",
        help="Score the same readings by this published protocol too; may be repeated.",
    ),
]
Lexicons = Annotated[
    list[str] | None,
    typer.Option(
        "--lexicon",
        metavar="[NAME=]PATH",
        help="With --protocol: also score what a list of words makes of the readings; may be"
        " repeated. A text file, one word a line, or JSON Lines with image and words.",
    ),
]


def pages(
    data: Pages,
    detector: DetectorName = DEFAULT_DETECTOR,
    recognizer: RecognizerName = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
    language: Language = None,
    protocol: Protocols = None,
    lexicon: Lexicons = None,
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

    With --protocol, a table by ICDAR-2015's rules follows, without a lexicon and with each that is
    given: a reading becomes the nearest word of the list, or is dropped if that is more than one
    edit away.
    """
    from ocr_plugin.engine.engine import Engine
    from ocr_plugin.evaluation.error_sheet import error_sheet
    from ocr_plugin.evaluation.lexicons import parse_lexicons
    from ocr_plugin.evaluation.page_reading import check_texts, read
    from ocr_plugin.evaluation.protocol_scores import ProtocolScores

    name, options = chosen(recognizer, model)
    check_place(report, sheet)
    if lexicon and not protocol:
        raise ConfigurationError("--lexicon needs a --protocol")
    sets = page_sets(data)
    lexicons = parse_lexicons(lexicon or [])
    by_protocol = {title: ProtocolScores(protocol or [], lexicons) for title in sets}
    for title, labelled in sets.items():
        check_texts(labelled)
        by_protocol[title].check(labelled.pages)
    with results_only() as stream:
        engine = Engine(
            detector,
            name,
            runtime=runtime_of(device, precision, offline),
            recognizer_options=options,
            language=language,
        )
        readings = {}
        for title, labelled in sets.items():
            say(labelled.describe())
            readings[title] = read(labelled, engine, by_protocol[title])
        exit_code = report_failures(
            failure for own in readings.values() for failure in own.failures
        )
        scores = {title: reading.scores() for title, reading in readings.items()}
        _print_scores(scores, stream)
    if report is not None:
        told = {"engine": engine.info.model_dump(), "sets": scores}
        write(report, json.dumps(told, indent=2) + "\n")
    if sheet is not None:
        write(sheet, error_sheet({title: own.errors for title, own in readings.items()}))
    raise typer.Exit(exit_code)


def _print_scores(scores: Mapping[str, Mapping[str, Any]], stream: TextIO) -> None:
    rows = [
        counted(title, own)
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
    if rows := _by_protocol(scores):
        print("\nby published protocols", file=stream)
        print_table(rows, stream)


def _by_protocol(sets: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Returns a row for each set, protocol and lexicon."""
    return [
        {"set": title, "protocol": protocol, "lexicon": lexicon, "words": str(own["words"])}
        | {key: f"{100 * own[key]:.2f}" for key in ("recall", "precision", "hmean")}
        for title, scores in sets.items()
        for protocol, lexicons in scores.get("protocols", {}).items()
        for lexicon, own in lexicons.items()
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

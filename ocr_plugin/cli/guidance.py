"""Options of the commands that are told what they read: language, and what a text may be."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ocr_plugin.constraints.constraint import Constraint

Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="NAMES",
        help="What words are likely: some languages, such as de,fr; auto for all; none; or a"
        " file of one's own that `train language` made.",
    ),
]
Allow = Annotated[
    str | None,
    typer.Option("--allow", metavar="CHARACTERS", help="Read these characters alone."),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="REGEX_OR_NAME",
        help="What a word must match, or a line if the pattern has spaces; or a built-in one such"
        " as date, iban or plate:de.",
    ),
]
Lexicon = Annotated[
    Path | None,
    typer.Option(
        "--lexicon", metavar="FILE", help="Read the entries of this file alone, one a line."
    ),
]
LexiconWeight = Annotated[
    float | None,
    typer.Option(
        "--lexicon-weight",
        metavar="NATS",
        help="Prefer the entries of --lexicon by this, such as 3, instead of reading them alone.",
    ),
]
AbstainBelow = Annotated[
    float | None,
    typer.Option(
        "--abstain-below",
        metavar="0..1",
        help="Withhold words below this; the JSON lists them apart.",
    ),
]


def constraint_of(
    allow: str | None,
    pattern: str | None,
    lexicon: Path | None,
    lexicon_weight: float | None,
    abstain_below: float | None,
) -> "Constraint | None":
    """Returns the constraint that the options ask for; None if they ask for none.

    Raises:
        ConfigurationError: a bad value, or no text can be allowed.
    """
    asked = {
        "characters": allow,
        "pattern": pattern,
        "lexicon": lexicon,
        "lexicon_weight": lexicon_weight,
        "abstain_below": abstain_below,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if not given:
        return None
    from ocr_plugin.constraints.constraint import Constraint

    constraint = Constraint.parse(given)
    constraint.compiled()
    return constraint

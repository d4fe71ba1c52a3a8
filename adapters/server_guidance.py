"""What a client tells of its pictures' texts: language and constraint, within limits.

A client is not trusted: a pattern may not be so large that walking it takes long, no file is read
for it, and no reader is kept for what it made up.
"""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel

from ocr_plugin.constraints.constraint import Constraint
from ocr_plugin.constraints.named_patterns import named_pattern
from ocr_plugin.constraints.pattern_syntax import read_pattern
from ocr_plugin.engine.engine import Engine
from ocr_plugin.engine.page_readers import PageReaders
from ocr_plugin.errors import ConfigurationError

# Nodes of a pattern's automaton, each looked at for each step; a telephone number's has some fifty.
_MOST_NODES = 1000
_MOST_ENTRIES, _LONGEST_ENTRY = 1000, 100


class Told(BaseModel):
    """The parameters of a request that guide the reading."""

    language: str | None = None
    allow: str | None = None
    pattern: str | None = None
    lexicon: list[str] = []
    abstain_below: float | None = None


def told(
    language: Annotated[
        str | None,
        # A name with a dot or a slash could be a file's.
        Query(
            max_length=60,
            pattern=r"^[^./\\]*$",
            description="What words are likely: such as de,fr; auto; none.",
        ),
    ] = None,
    allow: Annotated[
        str | None, Query(max_length=1000, description="Read these characters alone.")
    ] = None,
    pattern: Annotated[
        str | None,
        Query(
            max_length=200,
            description="What a word must match, or a line if the pattern has spaces: a regular"
            " expression, or a built-in one such as date, iban or plate:de.",
        ),
    ] = None,
    lexicon: Annotated[
        list[str] | None,
        Query(description="Read these words alone: separated by commas, or repeated."),
    ] = None,
    abstain_below: Annotated[
        float | None, Query(ge=0, le=1, description="Withhold words of less confidence.")
    ] = None,
) -> Told:
    """Returns the parameters as FastAPI finds them in the query."""
    entries = [entry for each in lexicon or () for entry in each.split(",") if entry.strip()]
    return Told(
        language=language,
        allow=allow,
        pattern=pattern,
        # An empty parameter is a lexicon without entries, which is refused.
        lexicon=entries or [""] * bool(lexicon),
        abstain_below=abstain_below,
    )


Guided = Annotated[Told, Depends(told)]


def readers_for(engine: Engine, asked: Told) -> PageReaders:
    """Returns what reads a request's pages; a constraint of its own replaces the server's.

    Raises:
        ConfigurationError: no text can be allowed, there is no such language, or the pattern or the
            lexicon is too large.
    """
    pattern = asked.pattern
    own = asked.allow is not None or asked.lexicon or (pattern and not named_pattern(pattern))
    return engine.readers(asked.language, _constraint(asked), keep=not own)


def _constraint(asked: Told) -> Constraint | None:
    if len(asked.lexicon) > _MOST_ENTRIES or any(map(_is_long, asked.lexicon)):
        raise ConfigurationError(
            f"lexicon: at most {_MOST_ENTRIES} entries of {_LONGEST_ENTRY} characters"
        )
    if asked.pattern is not None and named_pattern(asked.pattern) is None:
        nodes = len(read_pattern(asked.pattern).edges)
        if nodes > _MOST_NODES:
            raise ConfigurationError(
                f"pattern: {nodes} nodes once its repeats are written out; {_MOST_NODES} is the"
                " most for a request"
            )
    given = {
        "characters": asked.allow,
        "pattern": asked.pattern,
        "lexicon": tuple(asked.lexicon) or None,
        "abstain_below": asked.abstain_below,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return Constraint.parse(given) if given else None


def _is_long(entry: str) -> bool:
    return len(entry) > _LONGEST_ENTRY

"""What a text is allowed to be, as options."""

from collections.abc import Callable
from pathlib import Path

from pydantic import Field, PrivateAttr

from ocr_plugin.constraints.automaton import CompiledConstraint, walks_in_some_case
from ocr_plugin.constraints.character_set import CharacterSet
from ocr_plugin.constraints.intersection import Intersection
from ocr_plugin.constraints.lexicon import Lexicon
from ocr_plugin.constraints.lexicon_automaton import LexiconAutomaton
from ocr_plugin.constraints.lexicon_file import read_entries
from ocr_plugin.constraints.named_patterns import named_pattern
from ocr_plugin.constraints.nfa import Nfa
from ocr_plugin.constraints.pattern_automaton import PatternAutomaton
from ocr_plugin.constraints.pattern_syntax import read_pattern
from ocr_plugin.errors import ConfigurationError
from ocr_plugin.options import Options

_Key = tuple[str | None, str | None, tuple[str, ...] | Path | None, float | None]


class _Compiled:
    """Holds what was compiled, beside the options: equality and pickles do without it."""

    def __init__(self) -> None:
        self.made: tuple[_Key, CompiledConstraint] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Compiled)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type["_Compiled"], tuple[()]]:
        return type(self), ()


class Constraint(Options):
    """What a text is allowed to be. The parts hold together: a text must satisfy each of them.

    A constraint some of whose texts have a space is about a line as a whole; of any other, each
    word of a line must satisfy it.
    """

    characters: str | None = Field(
        default=None,
        description="The characters allowed, in the case given; the space is one like any other.",
    )
    pattern: str | None = Field(
        default=None,
        description="A regular expression that the whole text must match, or the name of a built-in"
        " pattern such as iban, date or plate:de.",
    )
    lexicon: tuple[str, ...] | Path | None = Field(
        default=None,
        description="The words or texts expected, in any case: a list, or a file in UTF-8, one a"
        " line; lines that begin with # are comments.",
    )
    lexicon_weight: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="By how much an entry of the lexicon is preferred, in nats; without it, nothing"
        " but an entry is allowed.",
    )
    abstain_below: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Readings of less confidence are withheld.",
    )

    _compiled: _Compiled = PrivateAttr(default_factory=_Compiled)

    def compiled(self) -> CompiledConstraint:
        """Returns what the constraint allows, made once.

        Raises:
            ConfigurationError: no text can be allowed, the pattern is no regular expression or has
                what no automaton can do, or the lexicon cannot be read.
        """
        key = (self.characters, self.pattern, self.lexicon, self.lexicon_weight)
        # A copy with other options shares what this one made.
        made = self._compiled.made
        if made is None or made[0] != key:
            made = self._compiled.made = (key, _compile(self))
        return made[1]


def _compile(constraint: Constraint) -> CompiledConstraint:
    named = named_pattern(constraint.pattern) if constraint.pattern is not None else None
    check = named.check if named else None
    nfa = _nfa(constraint, named.expression if named else constraint.pattern)
    pattern = PatternAutomaton(nfa) if nfa else None
    if constraint.lexicon is None:
        if constraint.lexicon_weight is not None:
            raise ConfigurationError("lexicon_weight: there is no lexicon to prefer")
        return CompiledConstraint(pattern, check, None, 0.0, of_lines=bool(nfa and nfa.uses(" ")))
    lexicon = _lexicon(constraint, constraint.lexicon, pattern, check)
    spaced = any(" " in entry for entry in lexicon.folded)
    if constraint.lexicon_weight is not None:
        of_lines = nfa.uses(" ") if nfa else spaced
        return CompiledConstraint(
            pattern, check, lexicon, constraint.lexicon_weight, of_lines=of_lines
        )
    entries = LexiconAutomaton(lexicon)
    closed = Intersection(entries, pattern) if pattern else entries
    return CompiledConstraint(closed, check, lexicon, 0.0, of_lines=spaced, closed=True)


def _nfa(constraint: Constraint, expression: str | None) -> Nfa | None:
    """Returns the automaton of characters and pattern together, or None without either."""
    if constraint.characters == "":
        raise ConfigurationError("characters: the set is empty, so no text is allowed")
    if expression is None and constraint.characters is None:
        return None
    nfa = read_pattern("(?s:.)*" if expression is None else expression)
    if nfa.empty:
        raise ConfigurationError(f"pattern {constraint.pattern!r}: no text can match it")
    if constraint.characters is not None:
        nfa = nfa.restricted(CharacterSet.of(constraint.characters))
        if nfa.empty:
            raise ConfigurationError(
                f"pattern {constraint.pattern!r} and characters {constraint.characters!r} exclude"
                " each other: no text satisfies both"
            )
    return nfa


def _lexicon(
    constraint: Constraint,
    source: tuple[str, ...] | Path,
    pattern: PatternAutomaton | None,
    check: Callable[[str], bool] | None,
) -> Lexicon:
    """Returns the entries that the other parts allow."""
    given = Lexicon(read_entries(source) if isinstance(source, Path) else source)
    name = f"lexicon {source}" if isinstance(source, Path) else "lexicon"
    if not given:
        raise ConfigurationError(f"{name}: there is no entry in it")
    kept = given
    if pattern:
        kept = kept.kept(lambda entry: walks_in_some_case(pattern, entry))
    if check:
        kept = kept.kept(check)
    if not kept:
        others = {"characters": constraint.characters, "pattern": constraint.pattern}
        reasons = " and ".join(f"{part} {value!r}" for part, value in others.items() if value)
        raise ConfigurationError(f"{name}: none of its entries is allowed by {reasons}")
    return kept

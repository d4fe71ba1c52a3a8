"""What a text may be, compiled: the automaton, check digits, and the lexicon behind it."""

from collections.abc import Callable, Hashable
from collections.abc import Set as AbstractSet
from typing import Protocol

from ocr_plugin.constraints.letter_case import forms
from ocr_plugin.constraints.lexicon import Lexicon

State = Hashable
"""A place in an automaton; equal states allow the same ends of a text."""


class Automaton(Protocol):
    """The texts that are allowed, walked character by character."""

    @property
    def start(self) -> State:
        """The state of the empty text."""
        ...

    def step(self, state: State, character: str) -> State | None:
        """Returns the state behind the character, or None if no allowed text begins so."""
        ...

    def accepts(self, state: State) -> bool:
        """Returns whether the text that led here is allowed as it stands."""
        ...

    def following(self, state: State) -> frozenset[str] | None:
        """Returns the characters that may follow, or None if they are too many to list."""
        ...


class WrittenAutomaton(Automaton, Protocol):
    """An automaton that knows what characters it needs."""

    def writable(self, alphabet: AbstractSet[str]) -> bool:
        """Returns whether some allowed text is written with these characters alone."""
        ...


class CompiledConstraint:
    """What a `Constraint` allows; serves all threads. `Constraint.compiled` makes it.

    Attributes:
        automaton: what the characters, the pattern and a closed lexicon allow together, or None if
            nothing is forbidden.
        of_lines: whether some of the texts have a space, so that the constraint is about a line as
            a whole; otherwise each word of a line must satisfy it.
        closed: whether nothing but an entry of the lexicon is allowed.
        prefers: whether entries of a lexicon are preferred to other texts.
    """

    def __init__(
        self,
        automaton: WrittenAutomaton | None,
        check: Callable[[str], bool] | None,
        lexicon: Lexicon | None,
        weight: float,
        *,
        of_lines: bool = False,
        closed: bool = False,
    ) -> None:
        self.automaton: Automaton | None = automaton
        self.of_lines, self.closed = of_lines, closed
        self.prefers = lexicon is not None and not closed
        self._written = automaton
        self._check = check
        self._lexicon = lexicon
        self._weight = weight

    @property
    def guides(self) -> bool:
        """Whether some text is forbidden or preferred; to abstain alone changes no reading."""
        return self.automaton is not None or self.prefers

    def allows(self, text: str) -> bool:
        """Returns whether the text is allowed: by the automaton and by `check`."""
        return self.check(text) and (self.automaton is None or walks(self.automaton, text))

    def check(self, text: str) -> bool:
        """Returns whether what no automaton knows is right: check digits, days of the calendar."""
        return self._check is None or self._check(text)

    def preference(self, text: str) -> float:
        """Returns what is added to the text's log-probability, in nats: the weight of an entry."""
        return self._weight if self._lexicon is not None and text in self._lexicon else 0.0

    def nearest(self, text: str, most: int) -> list[str]:
        """Returns up to `most` entries within two edits of the text, the nearest first.

        Case is ignored. Each is written as in the lexicon, or in capitals, in small letters or with
        capital initials where the characters or the pattern allow only that. Of those equally near,
        the first of the lexicon comes first.
        """
        found: list[str] = []
        for entry in self._lexicon.nearest(text) if self._lexicon is not None else ():
            if len(found) >= most:
                break
            cases = (entry, entry.upper(), entry.lower(), entry.title())
            found += [case for case in cases if self.allows(case)][:1]
        return found

    def writable(self, alphabet: AbstractSet[str]) -> bool:
        """Returns whether some allowed text is written with the characters of `alphabet` alone."""
        return self._written is None or self._written.writable(alphabet)


def walks(automaton: Automaton, text: str) -> bool:
    """Returns whether the automaton allows the text."""
    state: State | None = automaton.start
    for character in text:
        state = automaton.step(state, character)
        if state is None:
            return False
    return automaton.accepts(state)


def walks_in_some_case(automaton: Automaton, text: str) -> bool:
    """Returns whether the automaton allows the text, each of its letters in some case."""
    if any(walks(automaton, case) for case in (text, text.upper(), text.lower())):
        return True
    states: set[State] = {automaton.start}
    for character in text:
        targets = {automaton.step(state, form) for state in states for form in forms(character)}
        states = {target for target in targets if target is not None}
    return any(automaton.accepts(state) for state in states)

"""A deterministic automaton, made from a nondeterministic one as far as texts walk through it."""

from collections.abc import Hashable
from collections.abc import Set as AbstractSet

from ocr_plugin.constraints.character_set import CharacterSet
from ocr_plugin.constraints.nfa import Nfa

MOST_LISTED = 1000
"""Where more characters may follow, they are not listed. Unicode's decimal digits are fewer."""

_MOST_REMEMBERED = 1_000_000
"""Steps and members of states that are kept, some hundred megabytes; then all are forgotten."""


class _Subset(frozenset[int]):
    """A state: the nodes that the text may have led to, and the steps taken from it so far."""

    __slots__ = ("followers", "steps")

    steps: "dict[str, _Subset | None]"
    followers: "tuple[frozenset[str] | None] | None"


class PatternAutomaton:
    """Walks the subsets of an `Nfa`'s nodes; serves all threads.

    Args:
        nfa: not empty.
    """

    def __init__(self, nfa: Nfa) -> None:
        self._nfa = nfa
        self._states: dict[_Subset, _Subset] = {}
        self._forget()

    def __reduce__(self) -> "tuple[type[PatternAutomaton], tuple[Nfa]]":
        return type(self), (self._nfa,)

    def step(self, state: Hashable, character: str) -> _Subset | None:
        """Returns the state behind the character, or None if no matching text goes on so."""
        assert isinstance(state, _Subset)
        try:
            return state.steps[character]
        except KeyError:
            return self._derived(state, character)

    def accepts(self, state: Hashable) -> bool:
        """Returns whether the text so far matches."""
        assert isinstance(state, _Subset)
        return not state.isdisjoint(self._nfa.ends)

    def following(self, state: Hashable) -> frozenset[str] | None:
        """Returns the characters that may follow, or None if they are more than `MOST_LISTED`."""
        assert isinstance(state, _Subset)
        if state.followers is None:
            union = CharacterSet()
            for node in state:
                edge = self._nfa.edges[node]
                if edge:
                    union |= edge[0]
            listed = len(union) <= MOST_LISTED
            state.followers = (frozenset(union) if listed else None,)
        return state.followers[0]

    def writable(self, alphabet: AbstractSet[str]) -> bool:
        """Returns whether some matching text is written with these characters alone."""
        single = (character for character in alphabet if len(character) == 1)
        return not self._nfa.restricted(CharacterSet.of(single)).empty

    def _derived(self, state: _Subset, character: str) -> _Subset | None:
        targets = []
        for node in state:
            edge = self._nfa.edges[node]
            if edge and character in edge[0]:
                targets.append(edge[1])
        derived = self._state(self._nfa.reached(targets)) if targets else None
        state.steps[character] = derived
        self._remembered += 1
        if self._remembered > _MOST_REMEMBERED:
            self._forget()
        return derived

    def _state(self, nodes: list[int]) -> _Subset:
        made = _Subset(nodes)
        made.steps, made.followers = {}, None
        # One object for equal states, whichever thread was first: equality is then identity.
        state = self._states.setdefault(made, made)
        if state is made:
            self._remembered += len(made)
        return state

    def _forget(self) -> None:
        # States handed out before stay valid, and are equal to those that are made anew.
        for state in list(self._states):
            state.steps = {}
        self._states = {}
        self._remembered = 0
        self.start = self._state(self._nfa.reached([0]))

"""The texts that two automata both allow."""

from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from typing import Protocol

from ocr_plugin.constraints.automaton import Automaton, State

_MOST_REMEMBERED = 200_000

_Pair = tuple[State, State]


class Listing(Automaton, Protocol):
    """An automaton that always lists what may follow, such as that of a lexicon."""

    def following(self, state: State) -> frozenset[str]:
        """Returns the characters that may follow."""
        ...


class Intersection:
    """Walks two automata side by side; serves all threads.

    Two states can each lead to the end of a text without leading there together; such pairs are
    found out by search and never entered.

    Args:
        narrow: the one whose followers are tried.
        wide: the other.

    Attributes:
        empty: whether no text is allowed by both; nothing else may be asked then.
    """

    def __init__(self, narrow: Listing, wide: Automaton) -> None:
        self._narrow = narrow
        self._wide = wide
        self._alive: dict[_Pair, bool] = {}
        self.start: _Pair = (narrow.start, wide.start)
        self.empty = not self._ends(self.start)

    def step(self, state: Hashable, character: str) -> _Pair | None:
        """Returns the state behind the character, or None if no text of both goes on so."""
        pair = self._both(state, character)
        return pair if pair is not None and self._ends(pair) else None

    def accepts(self, state: Hashable) -> bool:
        """Returns whether both allow the text so far."""
        assert isinstance(state, tuple)
        return self._narrow.accepts(state[0]) and self._wide.accepts(state[1])

    def following(self, state: Hashable) -> frozenset[str]:
        """Returns the characters that may follow; always listed."""
        return frozenset(
            character for character in self._likely(state) if self.step(state, character)
        )

    def writable(self, alphabet: AbstractSet[str]) -> bool:
        """Returns whether some text of both is written with these characters alone."""
        return self._search(self.start, alphabet, {}) is not None

    def _both(self, state: Hashable, character: str) -> _Pair | None:
        assert isinstance(state, tuple)
        narrow = self._narrow.step(state[0], character)
        if narrow is None:
            return None
        wide = self._wide.step(state[1], character)
        return None if wide is None else (narrow, wide)

    def _likely(self, state: Hashable) -> frozenset[str]:
        assert isinstance(state, tuple)
        wide = self._wide.following(state[1])
        narrow = self._narrow.following(state[0])
        return narrow if wide is None else narrow & wide

    def _ends(self, pair: _Pair) -> bool:
        """Returns whether a text of both ends at or behind the pair."""
        known = self._alive.get(pair)
        if known is None:
            if len(self._alive) > _MOST_REMEMBERED:
                self._alive.clear()
            sources: dict[_Pair, _Pair | None] = {}
            found = self._search(pair, None, sources)
            known = found is not None
            if known:
                while found is not None:
                    self._alive[found] = True
                    found = sources[found]
            else:
                self._alive.update(dict.fromkeys(sources, False))
        return known

    def _search(
        self,
        pair: _Pair,
        alphabet: AbstractSet[str] | None,
        sources: dict[_Pair, _Pair | None],
    ) -> _Pair | None:
        """Returns a pair at or behind this one that leads to the end, by characters of `alphabet`.

        `sources` receives every pair that was seen, and from where.
        """
        sources[pair] = None
        stack = [pair]
        while stack:
            current = stack.pop()
            if self.accepts(current) or (alphabet is None and self._alive.get(current)):
                return current
            for character in self._likely(current):
                if alphabet is None or character in alphabet:
                    target = self._both(current, character)
                    if target is None or target in sources or self._alive.get(target) is False:
                        continue
                    sources[target] = current
                    stack.append(target)
        return None

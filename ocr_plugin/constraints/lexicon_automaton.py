"""The automaton of a closed lexicon's texts: its entries in any mixture of cases.

A state is a range of the sorted entries, those that begin with the text so far, so that the sorted
list is all that is kept: no trie of a node a letter.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from ocr_plugin.constraints.character_set import LAST_CODE_POINT
from ocr_plugin.constraints.letter_case import fold, forms
from ocr_plugin.constraints.lexicon import Lexicon

_MOST_REMEMBERED = 50_000
"""Steps that are kept, some ten megabytes; the beginnings of words come again and again."""

_MOST_LISTED = 10_000
"""Lists of followers that are kept."""


class _Prefix(NamedTuple):
    """The entries from `first` to before `last` begin with the text so far, of that length."""

    first: int
    last: int
    length: int


class LexiconAutomaton:
    """Walks the prefixes of the entries; serves all threads.

    Args:
        lexicon: not empty.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._entries = lexicon.folded
        self._steps: dict[tuple[_Prefix, str], _Prefix | None] = {}
        self._followers: dict[Hashable, frozenset[str]] = {}
        self.start = _Prefix(0, len(self._entries), 0)

    def step(self, state: Hashable, character: str) -> _Prefix | None:
        """Returns the state behind the character, or None if no entry goes on so."""
        assert isinstance(state, _Prefix)
        key = (state, character)
        try:
            return self._steps[key]
        except KeyError:
            if len(self._steps) >= _MOST_REMEMBERED:
                self._steps.clear()
            target = self._steps[key] = self._narrowed(state, fold(character))
            return target

    def accepts(self, state: Hashable) -> bool:
        """Returns whether the text so far is an entry."""
        assert isinstance(state, _Prefix)
        return len(self._entries[state.first]) == state.length

    def following(self, state: Hashable) -> frozenset[str]:
        """Returns the characters that may follow, in both cases; always listed."""
        found = self._followers.get(state)
        if found is None:
            if len(self._followers) >= _MOST_LISTED:
                self._followers.clear()
            assert isinstance(state, _Prefix)
            found = self._followers[state] = self._listed(state)
        return found

    def writable(self, alphabet: AbstractSet[str]) -> bool:
        """Returns whether some entry is written with these characters alone, in some case."""
        folded = {fold(character) for character in alphabet}
        return any(folded.issuperset(entry) for entry in self._entries)

    def _narrowed(self, state: _Prefix, character: str) -> _Prefix | None:
        first, last, length = state
        prefix = self._entries[first][:length]
        start = bisect_left(self._entries, prefix + character, first, last)
        end = self._behind(prefix, character, start, last)
        return _Prefix(start, end, length + 1) if start < end else None

    def _listed(self, state: _Prefix) -> frozenset[str]:
        first, last, length = state
        prefix = self._entries[first][:length]
        index = bisect_right(self._entries, prefix, first, last)
        found: set[str] = set()
        while index < last:
            character = self._entries[index][length]
            found |= forms(character)
            index = self._behind(prefix, character, index, last)
        return frozenset(found)

    def _behind(self, prefix: str, character: str, first: int, last: int) -> int:
        """Returns the first entry from `first` on that does not begin with prefix and character."""
        if ord(character) == LAST_CODE_POINT:
            return last
        return bisect_left(self._entries, prefix + chr(ord(character) + 1), first, last)

"""The entries of a lexicon, to be looked up ignoring case.

Case is ignored throughout: a text in capitals matches an entry in small letters, and keeps the
case that was printed unless it is replaced by the entry. Entries are held in the composed form of
Unicode (NFC), in which readers write.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable

from ocr_plugin.constraints.letter_case import fold
from ocr_plugin.constraints.neighbours import Neighbours


class Lexicon:
    """Entries in the order of their folded forms.

    Attributes:
        folded: the entries without case, sorted; those that differ in case alone repeat.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        composed = (unicodedata.normalize("NFC", entry.strip()) for entry in entries)
        # The given order decides between neighbours equally near: lists often begin with the
        # frequent words.
        ranks = {entry: rank for rank, entry in enumerate(dict.fromkeys(composed)) if entry}
        pairs = sorted((fold(entry), rank, entry) for entry, rank in ranks.items())
        self.folded = [folded for folded, _, _ in pairs]
        self._ranks = [rank for _, rank, _ in pairs]
        self._entries = [entry for _, _, entry in pairs]
        self._neighbours: Neighbours | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, text: str) -> bool:
        wanted = fold(text)
        index = bisect_left(self.folded, wanted)
        return index < len(self.folded) and self.folded[index] == wanted

    def kept(self, keep: Callable[[str], bool]) -> "Lexicon":
        """Returns the lexicon of those entries of which `keep` is true."""
        given = sorted(zip(self._ranks, self._entries, strict=True))
        return Lexicon(entry for _, entry in given if keep(entry))

    def nearest(self, text: str) -> list[str]:
        """Returns the entries at most two edits away, as written; the nearest first."""
        if self._neighbours is None:
            self._neighbours = Neighbours(self.folded)
        found = self._neighbours.of(fold(text))
        order = sorted((edits, self._ranks[index], index) for index, edits in found)
        return [self._entries[index] for _, _, index in order]

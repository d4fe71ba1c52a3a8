"""Sets of characters by ranges of code points: a class of all letters has 140,000 members."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

LAST_CODE_POINT = 0x10FFFF


class CharacterSet:
    """An immutable set of characters.

    Args:
        ranges: first and last code point of each range, both included, in any order.
    """

    __slots__ = ("_bounds",)

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        bounds: list[int] = []
        for first, last in sorted(ranges):
            if bounds and first <= bounds[-1]:
                bounds[-1] = max(bounds[-1], last + 1)
            else:
                bounds += [first, last + 1]
        # First of a range, first behind it, and so on: an odd number of bounds up to a code point
        # means that it is inside.
        self._bounds = tuple(bounds)

    @classmethod
    def of(cls, characters: Iterable[str]) -> "CharacterSet":
        """Returns the set of these characters."""
        return cls((ord(character), ord(character)) for character in characters)

    def __contains__(self, character: str) -> bool:
        return bool(bisect_right(self._bounds, ord(character)) & 1)

    def __bool__(self) -> bool:
        return bool(self._bounds)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges())

    def __iter__(self) -> Iterator[str]:
        for first, last in self.ranges():
            yield from map(chr, range(first, last + 1))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CharacterSet) and self._bounds == other._bounds

    def __hash__(self) -> int:
        return hash(self._bounds)

    def __or__(self, other: "CharacterSet") -> "CharacterSet":
        return CharacterSet([*self.ranges(), *other.ranges()])

    def __and__(self, other: "CharacterSet") -> "CharacterSet":
        return (self.complement() | other.complement()).complement()

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yields first and last code point of each range, in order."""
        for index in range(0, len(self._bounds), 2):
            yield self._bounds[index], self._bounds[index + 1] - 1

    def complement(self) -> "CharacterSet":
        """Returns all other characters."""
        bounds = (0, *self._bounds, LAST_CODE_POINT + 1)
        return CharacterSet(
            (bounds[index], bounds[index + 1] - 1)
            for index in range(0, len(bounds), 2)
            if bounds[index] < bounds[index + 1]
        )

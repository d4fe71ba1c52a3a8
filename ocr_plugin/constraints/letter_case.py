"""Which characters are one letter in different cases, one by one as ``re.IGNORECASE`` has it.

``str.casefold`` makes two characters of some, ß for one, and a search goes character by character.
Here ß and ẞ are one letter, and so are both small sigmas, and i with and without its dot.
"""

import sys
from functools import cache

_DOTTED_I = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"


def forms(character: str) -> frozenset[str]:
    """Returns the character and all others that are the same letter in another case."""
    return _classes().get(character) or frozenset(character)


def fold(text: str) -> str:
    """Returns the text with one form of each letter; as long as the text itself."""
    if text.isascii():
        return text.lower()
    folded = _folded()
    return "".join(folded.get(character, character) for character in text)


def letters_of_several_forms() -> list[frozenset[str]]:
    """Returns the forms of every letter that has more than one."""
    return list(set(_classes().values()))


@cache
def _classes() -> dict[str, frozenset[str]]:
    by_capitals: dict[str, set[str]] = {}
    for character in map(chr, range(sys.maxunicode + 1)):
        lower, upper = character.lower(), character.upper()
        if lower != character or upper != character:
            by_capitals.setdefault(upper, set()).add(character)
    # Capitals join the letters that they become: ẞ the ß, whose own capitals are SS.
    found: dict[str, set[str]] = {}
    for members in by_capitals.values():
        whole = set(members)
        for member in members:
            lower = "i" if member == _DOTTED_I else member.lower()
            for each in (member, lower):
                whole |= found.get(each, {each} if len(each) == 1 else set())
        for member in whole:
            found[member] = whole
    return {member: frozenset(whole) for member, whole in found.items() if len(whole) > 1}


@cache
def _folded() -> dict[str, str]:
    # ASCII first, so that the text agrees with str.lower wherever it is ASCII.
    return {
        member: min(whole, key=lambda each: (not each.islower(), each))
        for member, whole in _classes().items()
    }

"""Regular expressions, as Python writes them, to automata.

The text must match as a whole, as with ``re.fullmatch``. Python's own parser reads the expression,
so that its syntax is Python's: classes, groups, alternatives, greedy and lazy repeats, inline
flags, Unicode. What no automaton can do is refused by name. ``$`` is the very end; ``re`` would
let a line break follow.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from ocr_plugin.constraints.character_set import LAST_CODE_POINT, CharacterSet
from ocr_plugin.constraints.letter_case import forms, letters_of_several_forms
from ocr_plugin.constraints.nfa import Nfa
from ocr_plugin.constraints.nfa_builder import MOST_NODES, NfaBuilder, TooManyNodes, Where
from ocr_plugin.errors import ConfigurationError

# sre_parse is deprecated in its favour, and type checkers do not know it.
_parser = import_module("re._parser")

_UNSUPPORTED = {
    "GROUPREF": "a backreference",
    "GROUPREF_EXISTS": "a conditional group (?(...)...)",
    "POSSESSIVE_REPEAT": "a possessive repeat",
    "ATOMIC_GROUP": "an atomic group (?>...)",
    "AT_BOUNDARY": "the word boundary \\b",
    "AT_NON_BOUNDARY": "the non-boundary \\B",
    "FAILURE": "a lookahead",
}
_ANCHORS = {
    "AT_BEGINNING": Where.AT_START,
    "AT_BEGINNING_STRING": Where.AT_START,
    "AT_END": Where.AT_END,
    "AT_END_STRING": Where.AT_END,
}
_FEW = 200
"""Sets up to this size are widened to other cases character by character."""


class _Unsupported(Exception):
    """What is in the pattern and in no automaton."""


def read_pattern(pattern: str) -> Nfa:
    """Returns the automaton of the texts that the expression matches as a whole.

    Raises:
        ConfigurationError: it is no regular expression, has what no automaton can do, or needs more
            than `MOST_NODES` nodes.
    """
    try:
        tree = _parser.parse(pattern)
        return _Reader().read(tree)
    except TooManyNodes:
        reason = f"too large: more than {MOST_NODES} nodes once its repeats are written out"
    except _Unsupported as error:
        reason = f"{error} is not supported"
    except RecursionError:
        reason = "groups are nested too deep"
    except (re.error, OverflowError) as error:
        reason = str(error)
    raise ConfigurationError(f"pattern {pattern!r}: {reason}")


class _Reader:
    """Walks Python's tree of one expression. Every method leads on from a node to another."""

    def __init__(self) -> None:
        self._builder = NfaBuilder()
        # By the identity of the tree's own list: a repeat reads the same class again and again.
        self._classes: dict[tuple[int, int], CharacterSet] = {}
        self._kinds: dict[str, Callable[[int, Any, int], int]] = {
            "LITERAL": self._literal,
            "NOT_LITERAL": self._other_than,
            "ANY": self._any,
            "IN": self._class,
            "BRANCH": self._branch,
            "SUBPATTERN": self._group,
            "MAX_REPEAT": self._repeat,
            "MIN_REPEAT": self._repeat,
            "AT": self._anchor,
        }

    def read(self, tree: Any) -> Nfa:
        return self._builder.finished(self._sequence(0, tree, tree.state.flags))

    def _sequence(self, node: int, items: Any, flags: int) -> int:
        for kind, value in items:
            name = str(kind)
            if name in ("ASSERT", "ASSERT_NOT"):
                raise _Unsupported("a lookbehind" if value[0] < 0 else "a lookahead")
            if name not in self._kinds:
                raise _Unsupported(_UNSUPPORTED.get(name, name))
            node = self._kinds[name](node, value, flags)
        return node

    def _literal(self, node: int, code: int, flags: int) -> int:
        return self._builder.step(node, _any_case(CharacterSet([(code, code)]), flags))

    def _other_than(self, node: int, code: int, flags: int) -> int:
        excluded = _any_case(CharacterSet([(code, code)]), flags)
        return self._builder.step(node, excluded.complement())

    def _any(self, node: int, _: None, flags: int) -> int:
        excluded = CharacterSet() if flags & re.DOTALL else CharacterSet.of("\n")
        return self._builder.step(node, excluded.complement())

    def _class(self, node: int, items: Any, flags: int) -> int:
        key = (id(items), flags)
        if key not in self._classes:
            self._classes[key] = _class_of(items, flags)
        return self._builder.step(node, self._classes[key])

    def _branch(self, node: int, value: Any, flags: int) -> int:
        exit_ = self._builder.node()
        for branch in value[1]:
            self._builder.jump(self._sequence(node, branch, flags), exit_)
        return exit_

    def _group(self, node: int, value: Any, flags: int) -> int:
        _, added, removed, items = value
        return self._sequence(node, items, (flags | added) & ~removed)

    def _repeat(self, node: int, value: Any, flags: int) -> int:
        least, most, items = value
        for _ in range(least):
            node = self._sequence(self._next(node), items, flags)
        exit_ = self._next(node)
        if most == _parser.MAXREPEAT:
            entry = self._next(node)
            again = self._sequence(entry, items, flags)
            self._builder.jump(again, entry)
            self._builder.jump(again, exit_)
        else:
            for _ in range(most - least):
                node = self._sequence(self._next(node), items, flags)
                self._builder.jump(node, exit_)
        return exit_

    def _anchor(self, node: int, kind: Any, flags: int) -> int:
        name = str(kind)
        if name not in _ANCHORS:
            raise _Unsupported(_UNSUPPORTED.get(name, name))
        if flags & re.MULTILINE and name in ("AT_BEGINNING", "AT_END"):
            raise _Unsupported("an anchor at line breaks (?m)")
        target = self._builder.node()
        self._builder.jump(node, target, _ANCHORS[name])
        return target

    def _next(self, node: int) -> int:
        # A node for every turn of a repeat, even of nothing, so that the limit ends each loop.
        target = self._builder.node()
        self._builder.jump(node, target)
        return target


def _class_of(items: Sequence[tuple[Any, Any]], flags: int) -> CharacterSet:
    found = CharacterSet()
    negated = False
    for kind, value in items:
        if str(kind) == "NEGATE":
            negated = True
        elif str(kind) == "LITERAL":
            found |= CharacterSet([(value, value)])
        elif str(kind) == "RANGE":
            found |= CharacterSet([value])
        elif str(kind) == "CATEGORY":
            found |= _category(str(value), bool(flags & re.ASCII))
        else:
            raise _Unsupported(str(kind))
    found = _any_case(found, flags)
    return found.complement() if negated else found


def _any_case(characters: CharacterSet, flags: int) -> CharacterSet:
    if not flags & re.IGNORECASE:
        return characters
    if len(characters) <= _FEW:
        letters = [forms(character) for character in characters]
    else:
        letters = [
            letter
            for letter in letters_of_several_forms()
            if any(form in characters for form in letter)
        ]
    added = {form for letter in letters for form in letter}
    if flags & re.ASCII:
        # Only ASCII letters have a case then, and only in ASCII.
        added = {
            form
            for character in characters & CharacterSet([(0, 127)])
            for form in (character.lower(), character.upper())
        }
    return characters | CharacterSet.of(added)


@cache
def _category(name: str, ascii_only: bool) -> CharacterSet:
    belongs = {
        "DIGIT": str.isdecimal,
        "SPACE": str.isspace,
        "WORD": lambda character: character.isalnum() or character == "_",
    }[name.rpartition("_")[2]]
    last = 127 if ascii_only else LAST_CODE_POINT
    found = CharacterSet.of(filter(belongs, map(chr, range(last + 1))))
    if ascii_only and name.endswith("SPACE"):
        found = CharacterSet.of(" \t\n\r\f\v")  # str.isspace has four separators more
    return found.complement() if "_NOT_" in name else found

"""Texts that a constraint allows and that a CTC network's columns may hold.

The prefix beam search of `ctc_evidence`, but every prefix carries its state in the constraint's
automaton, so that only what may become an allowed text is followed.
"""

import math
from collections.abc import Sequence

import numpy as np

from ocr_plugin.constraints.automaton import Automaton, CompiledConstraint, State
from ocr_plugin.recognizers.ctc_evidence import CtcEvidence, add_logarithms, merge

# A first search follows few prefixes by the likely characters; the second, if that found nothing
# good, many by all characters. In the column of a letter, digits have next to no probability.
_NARROW_WIDTH, _NARROW_LEAST = 8, math.log(1e-4)
_WIDE_WIDTH = 32
# Characters by which a prefix is continued in a column.
_BRANCHES = 12
# Where no more characters may follow, all are stepped to at once.
_MOST_LISTED = 64
# Nats by which a good find may be less likely than the likeliest text without the constraint.
_GOOD = 8.0
# Entries of a lexicon near to each of the likeliest texts.
_NEAREST, _NEAREST_OF = 4, 2

_Prefix = tuple[int, ...]


def allowed_texts(
    evidence: CtcEvidence | None,
    constraint: CompiledConstraint,
    likely: Sequence[str],
    most: int = 6,
) -> list[str]:
    """Returns up to `most` allowed texts of the search, and allowed ones besides.

    Args:
        evidence: the columns; None if there are none to search.
        constraint: what is allowed.
        likely: the likeliest texts without the constraint, likeliest first.
        most: see above.
    """
    found = [text for text in likely if text and constraint.allows(text)]
    good = bool(found) and found[0] == likely[0]
    if evidence is not None and constraint.automaton is not None and not good:
        ranked = _search(evidence, constraint, _NARROW_WIDTH, _NARROW_LEAST)
        best = float(evidence.score(likely[:1])[0]) if likely else -math.inf
        good = bool(ranked) and (not likely or ranked[0][1] > best - _GOOD)
        if not good and not constraint.closed:
            ranked += _search(evidence, constraint, _WIDE_WIDTH, -math.inf)
        found += [text for text, _ in ranked[:most]]
    # Of a lexicon that is only preferred, entries count beside what is likely anyway.
    if not good or (constraint.prefers and not constraint.preference(found[0])):
        for text in filter(None, likely[:_NEAREST_OF]):
            found += constraint.nearest(text, _NEAREST)
    if not found and evidence is not None and constraint.closed:
        found = [text for text, _ in _search(evidence, constraint, _WIDE_WIDTH, -math.inf)[:most]]
    return list(dict.fromkeys(found))


def _search(
    evidence: CtcEvidence, constraint: CompiledConstraint, width: int, least: float
) -> list[tuple[str, float]]:
    """Returns allowed texts with their log-probabilities, likeliest first.

    Args:
        evidence: the columns.
        constraint: has an automaton.
        width: prefixes that are kept in each column.
        least: log-probability below which a character is not followed in a column.
    """
    assert constraint.automaton is not None
    walk = _Walk(constraint.automaton, evidence.characters)
    space = _space_of(evidence.characters)
    beam: dict[_Prefix, tuple[float, float]] = {(): (0.0, -math.inf)}
    states: dict[_Prefix, State] = {(): constraint.automaton.start}
    for column in evidence.log_probabilities:
        values = column.tolist()
        likely = (np.argsort(-column[1:], kind="stable") + 1).tolist()
        likely = [index for index in likely if values[index] > least]
        grown: dict[_Prefix, tuple[float, float]] = {}
        reached: dict[_Prefix, State] = {}
        for prefix, (in_blank, in_last) in beam.items():
            either, last = add_logarithms(in_blank, in_last), prefix[-1] if prefix else 0
            state = reached[prefix] = states[prefix]
            stays = in_last + values[last] if prefix else -math.inf
            merge(grown, prefix, either + values[0], stays)
            branches = 0
            for index in likely:
                target = walk.step(state, index)
                if target is None or (index == space and last in (0, space)):
                    continue
                # A repeated character needs a blank in between.
                before = in_blank if last == index else either
                longer = (*prefix, index)
                reached[longer] = target
                merge(grown, longer, -math.inf, before + values[index])
                branches += 1
                if branches == _BRANCHES:
                    break
        ranked = sorted(grown.items(), key=lambda entry: -add_logarithms(*entry[1]))
        beam = dict(ranked[:width])
        states = {prefix: reached[prefix] for prefix in beam}
    found = []
    for prefix, ends in beam.items():
        text = "".join(evidence.characters[index - 1] for index in prefix)
        if (
            text
            and prefix[-1] != space
            and constraint.automaton.accepts(states[prefix])
            and constraint.check(text)
        ):
            found.append((text, add_logarithms(*ends)))
    return found


class _Walk:
    """The steps from states by the characters of some columns."""

    def __init__(self, automaton: Automaton, characters: Sequence[str]) -> None:
        self._automaton, self._characters = automaton, characters
        self._listed: dict[State, dict[int, State] | None] = {}

    def step(self, state: State, index: int) -> State | None:
        """Returns the state behind a state by the index of a character; None if there is none."""
        try:
            listed = self._listed[state]
        except KeyError:
            listed = self._listed[state] = self._steps(state)
        if listed is not None:
            return listed.get(index)
        return self._automaton.step(state, self._characters[index - 1])

    def _steps(self, state: State) -> dict[int, State] | None:
        """Returns all steps from a state, or None if many characters may follow."""
        following = self._automaton.following(state)
        if following is None or len(following) > _MOST_LISTED:
            return None
        targets = {
            index: self._automaton.step(state, character)
            for index, character in enumerate(self._characters, start=1)
            if character in following
        }
        return {index: target for index, target in targets.items() if target is not None}


def _space_of(characters: Sequence[str]) -> int:
    """Returns the index of the space among the columns' characters, or -1 if it is not there.

    No text begins or ends with one, or has two in a row.
    """
    return characters.index(" ") + 1 if " " in characters else -1

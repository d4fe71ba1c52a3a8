"""Nondeterministic automata over characters, in which every node leads to the end of a text."""

from collections.abc import Iterable, Sequence

from ocr_plugin.constraints.character_set import CharacterSet

Edge = tuple[CharacterSet, int]
"""The characters of a step, and the node it leads to."""


class Nfa:
    """Nodes numbered from 0, the start.

    Nodes from which no text can be finished are cut off, so a set of nodes that is not empty can
    always be completed.

    Args:
        jumps: for each node, those reached without a character.
        edges: for each node, its step with a character, or None.
        ends: the nodes at which a text may end.
    """

    def __init__(
        self,
        jumps: Sequence[Iterable[int]],
        edges: Sequence[Edge | None],
        ends: Iterable[int],
    ) -> None:
        alive = _leading_to(ends, jumps, edges)
        self.ends = frozenset(ends)
        self.jumps = [
            tuple(target for target in targets if target in alive) if node in alive else ()
            for node, targets in enumerate(jumps)
        ]
        self.edges = [edge if edge and edge[0] and edge[1] in alive else None for edge in edges]
        self.empty = 0 not in alive

    def restricted(self, characters: CharacterSet) -> "Nfa":
        """Returns the automaton of those texts that are written with these characters alone."""
        known: dict[CharacterSet, CharacterSet] = {}
        edges: list[Edge | None] = []
        for edge in self.edges:
            if edge and edge[0] not in known:
                known[edge[0]] = edge[0] & characters
            edges.append((known[edge[0]], edge[1]) if edge else None)
        return Nfa(self.jumps, edges, self.ends)

    def uses(self, character: str) -> bool:
        """Returns whether some text has the character."""
        seen, stack = {0}, [0]
        while stack:
            node = stack.pop()
            edge = self.edges[node]
            if edge and character in edge[0]:
                return True
            targets = {*self.jumps[node], *([edge[1]] if edge else [])} - seen
            seen |= targets
            stack += targets
        return False

    def reached(self, nodes: Iterable[int]) -> list[int]:
        """Returns the nodes reached from these without a character that matter.

        Those are nodes with a step and nodes where a text may end.
        """
        stack = list(nodes)
        seen = set(stack)
        found = []
        while stack:
            node = stack.pop()
            if self.edges[node] or node in self.ends:
                found.append(node)
            for target in self.jumps[node]:
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return found


def _leading_to(
    ends: Iterable[int], jumps: Sequence[Iterable[int]], edges: Sequence[Edge | None]
) -> set[int]:
    sources: dict[int, list[int]] = {}
    for node, targets in enumerate(jumps):
        for target in targets:
            sources.setdefault(target, []).append(node)
    for node, edge in enumerate(edges):
        if edge and edge[0]:
            sources.setdefault(edge[1], []).append(node)
    alive = set(ends)
    stack = list(alive)
    while stack:
        for source in sources.get(stack.pop(), ()):
            if source not in alive:
                alive.add(source)
                stack.append(source)
    return alive

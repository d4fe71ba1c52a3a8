"""Puts nondeterministic automata together, node by node, as Thompson's construction does."""

from enum import Enum

from ocr_plugin.constraints.character_set import CharacterSet
from ocr_plugin.constraints.nfa import Edge, Nfa

MOST_NODES = 20_000
"""A pattern that needs more is refused; ``[A-Z]{1,1000}`` needs 2,000."""


class TooManyNodes(Exception):
    """The automaton has more nodes than `MOST_NODES`."""


class Where(Enum):
    """Where in the text a jump may be made."""

    ANYWHERE = "anywhere"
    AT_START = "at the start"
    AT_END = "at the end"


_Place = tuple[int, bool, bool]
"""A node, whether the text is still at its start, and whether it must be at its end."""


class NfaBuilder:
    """Collects nodes; node 0 is the start."""

    def __init__(self) -> None:
        self._jumps: list[list[tuple[int, Where]]] = [[]]
        self._edges: list[Edge | None] = [None]

    def node(self) -> int:
        """Returns a new node.

        Raises:
            TooManyNodes: there are `MOST_NODES` already.
        """
        if len(self._edges) >= MOST_NODES:
            raise TooManyNodes
        self._jumps.append([])
        self._edges.append(None)
        return len(self._edges) - 1

    def jump(self, source: int, target: int, where: Where = Where.ANYWHERE) -> None:
        """Leads from one node to another without a character."""
        self._jumps[source].append((target, where))

    def step(self, source: int, characters: CharacterSet) -> int:
        """Returns a new node, led to from `source` by each of these characters."""
        here, target = self.node(), self.node()
        self.jump(source, here)
        self._edges[here] = (characters, target)
        return target

    def finished(self, end: int) -> Nfa:
        """Returns the automaton of the texts that lead from node 0 to the node `end`."""
        # Anchors hold at places, so a node is told apart by where in the text it is reached.
        numbers: dict[_Place, int] = {(0, True, False): 0}
        places = list(numbers)
        jumps: list[list[int]] = []
        edges: list[Edge | None] = []

        def number(place: _Place) -> int:
            if place not in numbers:
                numbers[place] = len(places)
                places.append(place)
            return numbers[place]

        for node, starting, ending in places:  # grows as places are found
            jumps.append([])
            for target, where in self._jumps[node]:
                if where is not Where.AT_START or starting:
                    ends_here = ending or where is Where.AT_END
                    jumps[-1].append(number((target, starting, ends_here)))
            edge = self._edges[node]
            if edge and not ending:
                edges.append((edge[0], number((edge[1], False, False))))
            else:
                edges.append(None)
        return Nfa(jumps, edges, [numbers[place] for place in places if place[0] == end])

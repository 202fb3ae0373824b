"""Who can be reached from whom in a directed graph that may have cycles.

Sets of nodes are integers with a bit for each node, so that union, intersection and "is any of
these failing" are one machine operation a word: tens of thousands of edges are worked out once, in
milliseconds, and asked many times.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import TypeVar

ItemT = TypeVar("ItemT")
Bits = int
"""A set of nodes: bit i stands for the i-th name."""


class Reach:
    """Reachability over `edges` (from each name to the names that it leads to), worked out once.

    Nodes that lead to each other in a circle form a ring: each reaches all of it.
    """

    def __init__(self, edges: Mapping[str, Iterable[str]]) -> None:
        self.names: tuple[str, ...] = tuple(
            dict.fromkeys(name for start, ends in edges.items() for name in (start, *ends))
        )
        self._place = {name: place for place, name in enumerate(self.names)}
        self._edges = [
            tuple(self._place[end] for end in dict.fromkeys(edges.get(name, ())))
            for name in self.names
        ]
        self._edges_back: list[list[int]] = [[] for _ in self.names]
        for start, ends in enumerate(self._edges):
            for end in ends:
                self._edges_back[end].append(start)
        rings = _rings(self._edges)
        self._ring_of = [0] * len(self.names)
        for number, ring in enumerate(rings):
            for node in ring:
                self._ring_of[node] = number
        self._members = [sum(1 << node for node in ring) for ring in rings]
        self._below = self._reached_below(rings)
        self._above = self._reached_above(rings)

    def __contains__(self, name: str) -> bool:
        return name in self._place

    def direct(self, name: str) -> tuple[str, ...]:
        """Name the nodes that one edge leads to."""
        return tuple(self.names[end] for end in self._edges[self._place[name]])

    def around(self, name: str) -> tuple[str, ...]:
        """Name the nodes outside a node's ring that one edge connects with it, either way."""
        place = self._place[name]
        ring = self._ring_of[place]
        return tuple(
            self.names[other]
            for other in (*self._edges[place], *self._edges_back[place])
            if self._ring_of[other] != ring
        )

    def direct_bits(self, name: str) -> Bits:
        """Give the set of the nodes that one edge leads to."""
        return sum(1 << end for end in self._edges[self._place[name]])

    def islands(self) -> dict[str, str]:
        """Name for each node the least of those that edges connect it with, either way."""
        least = list(range(len(self.names)))

        def root(node: int) -> int:
            while least[node] != node:
                least[node] = node = least[least[node]]
            return node

        for start, ends in enumerate(self._edges):
            for end in ends:
                one, other = root(start), root(end)
                if self.names[one] > self.names[other]:
                    one, other = other, one
                least[other] = one
        return {name: self.names[root(place)] for place, name in enumerate(self.names)}

    def down(self, name: str) -> Bits:
        """Give all that can be reached from a node, itself and its ring included."""
        ring = self._ring_of[self._place[name]]
        return self._below[ring] | self._members[ring]

    def strictly_below(self, name: str) -> Bits:
        """Give all that can be reached from a node, without its own ring."""
        return self._below[self._ring_of[self._place[name]]]

    def up(self, name: str) -> Bits:
        """Give all from which a node can be reached, itself and its ring included."""
        ring = self._ring_of[self._place[name]]
        return self._above[ring] | self._members[ring]

    def bits(self, names: Iterable[str]) -> Bits:
        """Give the set of those names that are nodes."""
        found = 0
        for name in names:
            place = self._place.get(name)
            if place is not None:
                found |= 1 << place
        return found

    def places(self, bits: Bits) -> list[int]:
        """List the places in a set, in the order of `names`."""
        return _chosen(range(len(self.names)), bits)

    def named(self, bits: Bits) -> tuple[str, ...]:
        """List the names in a set, in the order of `names`."""
        return tuple(_chosen(self.names, bits))

    def _reached_below(self, rings: Sequence[Sequence[int]]) -> list[Bits]:
        below = [0] * len(rings)
        for number, ring in enumerate(rings):  # what a ring leads to comes before it
            for next_ring in {self._ring_of[end] for node in ring for end in self._edges[node]}:
                if next_ring != number:
                    below[number] |= below[next_ring] | self._members[next_ring]
        return below

    def _reached_above(self, rings: Sequence[Sequence[int]]) -> list[Bits]:
        above = [0] * len(rings)
        for number in range(len(rings) - 1, -1, -1):
            reaching = above[number] | self._members[number]
            for next_ring in {
                self._ring_of[end] for node in rings[number] for end in self._edges[node]
            }:
                if next_ring != number:
                    above[next_ring] |= reaching
        return above


_FEW = 16
"""With less than one bit in so many, looking for each is faster than going through all."""
_ONES = bytes.maketrans(b"01", b"\x00\x01")


def _chosen(items: Sequence[ItemT], bits: Bits) -> list[ItemT]:
    """List the items whose bit is set, in their order."""
    marks = bin(bits)[:1:-1]
    if bits.bit_count() * _FEW > len(marks):
        return list(compress(items, marks.encode().translate(_ONES)))
    chosen = []
    place = marks.find("1")
    while place >= 0:
        chosen.append(items[place])
        place = marks.find("1", place + 1)
    return chosen


def _rings(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """Find the strongly connected components, each after all that it leads to.

    Tarjan, "Depth-first search and linear graph algorithms" (SIAM J. Comput. 1972), with a stack
    of its own in place of recursion, so that a long chain of dependencies does not end it.
    """
    order = [-1] * len(edges)
    lowest = [0] * len(edges)
    open_nodes: list[int] = []
    is_open = [False] * len(edges)
    rings: list[list[int]] = []
    counter = 0
    for root in range(len(edges)):
        if order[root] >= 0:
            continue
        path = [(root, 0)]
        while path:
            node, edge = path.pop()
            if edge == 0:
                order[node] = lowest[node] = counter
                counter += 1
                open_nodes.append(node)
                is_open[node] = True
            if edge > 0:
                lowest[node] = min(lowest[node], lowest[edges[node][edge - 1]])
            while edge < len(edges[node]):
                end = edges[node][edge]
                edge += 1
                if order[end] < 0:
                    path.append((node, edge))
                    path.append((end, 0))
                    break
                if is_open[end]:
                    lowest[node] = min(lowest[node], order[end])
            else:
                if lowest[node] == order[node]:
                    rings.append(_close_ring(node, open_nodes, is_open))
    return rings


def _close_ring(first: int, open_nodes: list[int], is_open: list[bool]) -> list[int]:
    ring = []
    while True:
        node = open_nodes.pop()
        is_open[node] = False
        ring.append(node)
        if node == first:
            return ring

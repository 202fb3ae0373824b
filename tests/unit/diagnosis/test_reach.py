"""Reachability, against the plainest way of working it out."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.reach import Reach

Edges = Mapping[str, list[str]]
nodes = st.sampled_from("abcdefgh")
graphs = st.dictionaries(nodes, st.lists(nodes, max_size=4), max_size=8)


def reached(edges: Edges, start: str) -> set[str]:
    found, path = {start}, [start]
    while path:
        for end in edges.get(path.pop(), ()):
            if end not in found:
                found.add(end)
                path.append(end)
    return found


@given(graphs)
def test_down_is_all_that_can_be_reached_cycles_or_not(edges: Edges) -> None:
    reach = Reach(edges)
    for name in reach.names:
        assert set(reach.named(reach.down(name))) == reached(edges, name)


@given(graphs)
def test_up_is_down_seen_from_the_other_end(edges: Edges) -> None:
    reach = Reach(edges)
    for name in reach.names:
        up = set(reach.named(reach.up(name)))
        assert up == {other for other in reach.names if name in reached(edges, other)}


@given(graphs)
def test_below_leaves_out_who_leads_back(edges: Edges) -> None:
    reach = Reach(edges)
    for name in reach.names:
        below = set(reach.named(reach.strictly_below(name)))
        assert below == {it for it in reached(edges, name) if name not in reached(edges, it)}


@given(graphs)
def test_an_island_is_all_that_edges_connect_either_way(edges: Edges) -> None:
    reach = Reach(edges)
    both: Edges = {name: [] for name in reach.names}
    for start, ends in edges.items():
        for end in ends:
            both[start].append(end)
            both[end].append(start)
    islands = reach.islands()
    for name in reach.names:
        assert islands[name] == min(reached(both, name) | {name})


def test_a_long_chain_does_not_end_in_recursion() -> None:
    chain = {str(n): [str(n + 1)] for n in range(5_000)}
    assert len(Reach(chain).places(Reach(chain).down("0"))) == 5_001


@given(st.sets(st.integers(0, 599)))
def test_a_set_is_listed_as_it_was_made_be_it_full_or_nearly_empty(places: set[int]) -> None:
    reach = Reach({str(n): [] for n in range(600)})
    bits = reach.bits(str(n) for n in places)
    assert reach.places(bits) == sorted(places)
    assert reach.named(bits) == tuple(str(n) for n in sorted(places))

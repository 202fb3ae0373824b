"""Newest version wins: order, repetition and the cutting into batches do not matter."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mejora_improvement.model.newest import newest


@dataclass(frozen=True)
class Snapshot:
    thing: str
    version: int


def fold(batches: list[list[Snapshot]]) -> set[Snapshot]:
    """Do what the store does: keep what is known until something newer comes."""
    known: list[Snapshot] = []
    for batch in batches:
        known = newest([*known, *newest(batch, lambda s: s.thing)], lambda s: s.thing)
    return set(known)


histories = st.lists(
    st.builds(Snapshot, st.sampled_from("abc"), st.integers(1, 8)), min_size=1, max_size=20
)


@given(histories, st.data())
def test_every_interleaving_ends_in_the_same_state(
    history: list[Snapshot], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(history))
    repeated = [*shuffled, *data.draw(st.lists(st.sampled_from(history), max_size=5))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(repeated)), max_size=4)))
    edges = [0, *cuts, len(repeated)]
    batches = [repeated[a:b] for a, b in pairwise(edges)]

    assert fold(batches) == fold([history])


@given(histories)
def test_each_thing_is_there_once_and_in_its_highest_version(history: list[Snapshot]) -> None:
    kept = newest(history, lambda s: s.thing)

    assert sorted(s.thing for s in kept) == sorted({s.thing for s in history})
    for snapshot in kept:
        assert snapshot.version == max(s.version for s in history if s.thing == snapshot.thing)

"""A batch is cut into groups of one type, so that reactions can be set-based without overtaking."""

from collections import defaultdict
from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event
from mejora_events.reactions import waves
from support.ground import Counted, event_of

KINDS = [
    type(f"Kind{name}", (Counted,), {"TYPE": f"test.{name}.v1", "TOPIC": topic})
    for name, topic in (("a", "one"), ("b", "one"), ("c", "two"))
]

BATCHES = st.lists(
    st.builds(
        lambda kind, key, n: event_of(kind(name=key, n=n)),
        st.sampled_from(KINDS),
        st.sampled_from(["x", "y", "z"]),
        st.integers(0, 9),
    ),
    max_size=40,
)


def by_key(events: list[Event[Any]]) -> dict[tuple[str, str], list[Event[Any]]]:
    found: defaultdict[tuple[str, str], list[Event[Any]]] = defaultdict(list)
    for event in events:
        found[(event.topic, event.key)].append(event)
    return dict(found)


def alternations(queue: list[Event[Any]]) -> int:
    return len([kind for kind, _ in groupby(queue, key=lambda event: type(event.data))])


@given(BATCHES)
def test_the_groups_hold_each_event_once(batch: list[Event[Any]]) -> None:
    handed_over = [event.id for _, group in waves(batch) for event in group]
    assert sorted(handed_over) == sorted(event.id for event in batch)


@given(BATCHES)
def test_a_keys_events_are_handed_over_in_their_order(batch: list[Event[Any]]) -> None:
    assert by_key([event for _, group in waves(batch) for event in group]) == by_key(batch)


@given(BATCHES)
def test_a_group_is_of_the_one_type_it_says(batch: list[Event[Any]]) -> None:
    for contract, group in waves(batch):
        assert group
        assert {type(event.data) for event in group} == {contract}


@given(BATCHES)
def test_groups_are_as_few_as_types_alternate_within_a_key(batch: list[Event[Any]]) -> None:
    most = max(map(alternations, by_key(batch).values()), default=0)
    groups = list(waves(batch))
    assert len(groups) <= most * len(KINDS)


def test_many_keys_of_one_type_are_one_group() -> None:
    batch: list[Event[EventData]] = [
        event_of(KINDS[0](name=f"key {n % 100}", n=n)) for n in range(500)
    ]
    ((contract, group),) = waves(batch)
    assert contract is KINDS[0]
    assert len(group) == 500

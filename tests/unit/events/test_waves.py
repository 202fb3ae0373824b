"""A batch is cut into groups of one reaction: these can be set-based, and nothing overtakes."""

from collections import defaultdict
from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event
from mejora_events.reactions import Reaction, Reactions, waves
from mejora_events.store import Work
from support.ground import Counted, event_of

KINDS = [
    type(f"Kind{name}", (Counted,), {"TYPE": f"test.{name}.v1", "TOPIC": topic})
    for name, topic in (("a", "one"), ("b", "one"), ("c", "one"), ("d", "two"))
]


def a_reaction() -> Reaction:
    async def react(work: Work, events: object) -> None: ...

    return react


SHARED, OWN, OTHER = a_reaction(), a_reaction(), a_reaction()
REACTIONS: Reactions = dict(zip(KINDS, (SHARED, SHARED, OWN, OTHER), strict=True))

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
    return len(list(groupby(queue, key=lambda event: REACTIONS[type(event.data)])))


@given(BATCHES)
def test_the_groups_hold_each_event_once(batch: list[Event[Any]]) -> None:
    handed_over = [event.id for _, group in waves(batch, REACTIONS) for event in group]
    assert sorted(handed_over) == sorted(event.id for event in batch)


@given(BATCHES)
def test_a_keys_events_are_handed_over_in_their_order(batch: list[Event[Any]]) -> None:
    assert by_key([event for _, group in waves(batch, REACTIONS) for event in group]) == by_key(
        batch
    )


@given(BATCHES)
def test_a_group_is_of_the_one_reaction_it_says(batch: list[Event[Any]]) -> None:
    for reaction, group in waves(batch, REACTIONS):
        assert group
        assert {REACTIONS[type(event.data)] for event in group} == {reaction}


@given(BATCHES)
def test_groups_are_as_few_as_reactions_alternate_within_a_key(batch: list[Event[Any]]) -> None:
    most = max(map(alternations, by_key(batch).values()), default=0)
    groups = list(waves(batch, REACTIONS))
    assert len(groups) <= most * len(set(REACTIONS.values()))


def test_many_keys_of_one_reaction_are_one_group() -> None:
    batch: list[Event[EventData]] = [
        event_of(KINDS[n % 2](name=f"key {n % 100}", n=n)) for n in range(500)
    ]
    ((reaction, group),) = waves(batch, REACTIONS)
    assert reaction is SHARED
    assert len(group) == 500

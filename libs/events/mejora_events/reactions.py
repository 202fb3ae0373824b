"""What a reaction is, and how a batch is cut so that reactions can be set-based."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event
from mejora_events.store import Work

Reaction = Callable[[Work, Sequence[Event[Any]]], Awaitable[None]]
"""Does what events ask for, within the work's transaction.

It gets all events of a batch that may be handled together: a key's events in their order, of all
the types that have this reaction.
"""

Reactions = Mapping[type[EventData], Reaction]
"""One table: event type → what is done."""


def waves(
    events: Sequence[Event[Any]], reactions: Reactions
) -> Iterator[tuple[Reaction, list[Event[Any]]]]:
    """Cut a batch into groups of one reaction that keep each key's order.

    A wave takes from the head of every key's queue the run of events of one reaction, and groups
    these by reaction. So the number of groups depends on how often reactions alternate within a
    key, not on how many keys there are.
    """
    queues: defaultdict[tuple[str, str], list[Event[Any]]] = defaultdict(list)
    for event in events:
        queues[(event.topic, event.key)].append(event)
    heads = dict.fromkeys(queues, 0)
    while heads:
        wave: defaultdict[Reaction, list[Event[Any]]] = defaultdict(list)
        for place in list(heads):
            queue, head = queues[place], heads[place]
            reaction = reactions[type(queue[head].data)]
            while head < len(queue) and reactions[type(queue[head].data)] is reaction:
                wave[reaction].append(queue[head])
                head += 1
            if head < len(queue):
                heads[place] = head
            else:
                del heads[place]
        yield from wave.items()

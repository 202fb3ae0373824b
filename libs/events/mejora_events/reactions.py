"""What a reaction is, and how a batch is cut so that reactions can be set-based."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event
from mejora_events.store import Work

Reaction = Callable[[Work, Sequence[Event[Any]]], Awaitable[None]]
"""Does what events of one type ask for, within the work's transaction.

It gets all events of a batch that may be handled together: a key's events in their order.
"""

Reactions = Mapping[type[EventData], Reaction]
"""One table: event type → what is done."""


def waves(events: Sequence[Event[Any]]) -> Iterator[tuple[type[EventData], list[Event[Any]]]]:
    """Cut a batch into groups of one type that keep each key's order.

    A wave takes from the head of every key's queue the run of events of one type, and groups these
    by type. So the number of groups depends on how often types alternate within a key, not on how
    many keys there are.
    """
    queues: defaultdict[tuple[str, str], list[Event[Any]]] = defaultdict(list)
    for event in events:
        queues[(event.topic, event.key)].append(event)
    heads = dict.fromkeys(queues, 0)
    while heads:
        wave: defaultdict[type[EventData], list[Event[Any]]] = defaultdict(list)
        for place in list(heads):
            queue, head = queues[place], heads[place]
            kind = type(queue[head].data)
            while head < len(queue) and type(queue[head].data) is kind:
                wave[kind].append(queue[head])
                head += 1
            if head < len(queue):
                heads[place] = head
            else:
                del heads[place]
        yield from wave.items()

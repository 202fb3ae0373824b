"""Remembers which events took effect, in the transaction of the effect."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.envelope import Event
from mejora_events.sql import rows, run

# Notes events as received and gives back those that were not received before. Sorted, so that two
# members that hold the same records after a rebalance wait for each other instead of deadlocking.
_RECEIVE = """
insert into inbox (consumer, ce_source, ce_id)
select distinct :consumer, e.ce_source, e.ce_id
from unnest(cast(:sources as text[]), cast(:ids as uuid[])) as e (ce_source, ce_id)
order by 2, 3
on conflict do nothing
returning ce_source, ce_id
"""

_FORGET = """
delete from inbox where received_at < now() - make_interval(secs => :retention_seconds)
"""

_FORGET_PUBLISHED = """
delete from journal where published_at < now() - make_interval(secs => :retention_seconds)
"""


async def receive(
    conn: AsyncConnection, consumer: str, events: Sequence[Event[Any]]
) -> list[Event[Any]]:
    """Note events as received; give those whose effect is still due, each once, in order."""
    if not events:
        return []
    fresh = {
        (r["ce_source"], r["ce_id"])
        for r in await rows(
            conn,
            _RECEIVE,
            consumer=consumer,
            sources=[event.source for event in events],
            ids=[event.id for event in events],
        )
    }
    due = []
    for event in events:
        if (event.source, event.id) in fresh:
            fresh.remove((event.source, event.id))
            due.append(event)
    return due


async def forget(conn: AsyncConnection, retention_seconds: float) -> None:
    """Delete what is older than the topics' retention: it cannot be delivered again."""
    await run(conn, _FORGET, retention_seconds=retention_seconds)
    await run(conn, _FORGET_PUBLISHED, retention_seconds=retention_seconds)

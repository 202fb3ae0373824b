"""The event feed: every event once, read in an order that never changes behind a reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event
from mejora_events.sql import rows, run
from mejora_improvement.model.feed import BEGINNING, Position, as_shown

# Keeps events, each once however often it comes; their order in the call is their order here.
_KEEP = """
insert into feed (event_id, source, type, subject, occurred_at, body)
select e.event_id, e.source, e.type, e.subject, e.occurred_at, cast(e.body as json)
from unnest(cast(:event_ids as uuid[]), cast(:sources as text[]), cast(:types as text[]),
            cast(:subjects as text[]), cast(:times as timestamptz[]), cast(:bodies as text[]))
     with ordinality as e (event_id, source, type, subject, occurred_at, body, place)
order by e.place
on conflict (event_id, source) do nothing
"""

# The oldest transaction that is open: all before it are over, and none can come among them.
_HORIZON = "select cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint) as xid"

# What stands behind a position, up to the horizon.
_BEHIND = """
select cast(cast(xid as text) as bigint) as xid, seq, type, cast(body as text) as body
from feed
where (xid, seq) > (cast(cast(:xid as text) as xid8), :seq)
  and xid < cast(cast(:horizon as text) as xid8)
  {narrowed}
order by xid, seq
limit :limit
"""
_OF_TYPES = "and type = any (cast(:types as text[]))"
_OF_SUBJECT = "and subject = :subject"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the feed: where a reader stands behind it, and the event as JSON."""

    position: Position
    type: str
    body: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the feed, and where its reader stands behind it."""

    entries: Sequence[Entry]
    behind: Position


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a reader wants; empty is all."""

    types: tuple[str, ...] = ()
    subject: str | None = None


async def keep(conn: AsyncConnection, events: Sequence[Event[EventData]]) -> None:
    """Keep events in the feed."""
    await run(
        conn,
        _KEEP,
        event_ids=[event.id for event in events],
        sources=[event.source for event in events],
        types=[event.type for event in events],
        subjects=[event.subject for event in events],
        times=[event.time for event in events],
        bodies=[orjson.dumps(as_shown(event)).decode() for event in events],
    )


async def read(
    conn: AsyncConnection, wanted: Wanted, after: Position | None, limit: int
) -> Stretch:
    """Read the feed behind a position, or from its beginning.

    When nothing more stands there the reader is moved up to the horizon, so that looking again
    for something rare does not mean looking at everything again.
    """
    start = after or BEGINNING
    horizon = (await rows(conn, _HORIZON))[0]["xid"]
    found = await rows(
        conn,
        _BEHIND.format(narrowed=_narrowed(wanted)),
        xid=str(start.transaction),
        seq=start.row,
        horizon=str(horizon),
        limit=limit,
        **_bound(wanted),
    )
    entries = [Entry(Position(r["xid"], r["seq"]), r["type"], r["body"]) for r in found]
    if len(entries) == limit:
        return Stretch(entries, entries[-1].position)
    return Stretch(entries, max(start, Position(horizon, 0)))


def _narrowed(wanted: Wanted) -> str:
    return " ".join([_OF_TYPES] * bool(wanted.types) + [_OF_SUBJECT] * (wanted.subject is not None))


def _bound(wanted: Wanted) -> dict[str, Any]:
    bound: dict[str, Any] = {"types": list(wanted.types)} if wanted.types else {}
    if wanted.subject is not None:
        bound["subject"] = wanted.subject
    return bound

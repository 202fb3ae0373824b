"""One transaction at a time: the state change and its events commit together, or neither does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mejora_events.clock import Clock, SystemClock
from mejora_events.contracts import dead_letters
from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event, encode
from mejora_events.errors import EventTooLarge
from mejora_events.ids import EventId, new_id
from mejora_events.sql import break_off, run
from mejora_events.tracing import current_traceparent, trace_of

# Puts the events of a transaction into the outbox, in the order in which they were emitted.
_APPEND = """
insert into outbox (event_id, topic, key, headers, value)
select e.event_id, e.topic, e.key, cast(e.headers as json), e.value
from unnest(cast(:event_ids as uuid[]), cast(:topics as text[]), cast(:keys as text[]),
            cast(:headers as text[]), cast(:values as bytea[]))
     with ordinality as e (event_id, topic, key, headers, value, place)
order by e.place
"""


LARGEST_VALUE_BYTES = 1_000_000
"""Kafka's topics take a record of 1 MiB with its key and headers, unless they are told otherwise.

Those of dead letters are told to take two: they carry such a record within them.
"""


LONGEST_READ_SECONDS = 60.0
"""A server that was cut off, or stands still, does not say so: one would wait for ever."""


def _hop_of(cause: Event[Any] | None) -> str | None:
    """Give the hop that writes an event: what is being done now, if that is in its cause's trace.

    A reaction handles events of many traces at once and can be a span of one of them only; in the
    others, the hop that wrote the cause is the last that is known.
    """
    hop = current_traceparent()
    trace = trace_of(cause.traceparent) if cause else None
    return cause.traceparent if cause and trace not in (None, trace_of(hop)) else hop


@dataclass(slots=True)
class Work:
    """A transaction that is open: what is done through `conn` and emitted here commits as one.

    Lock (or insert) the row of the aggregate that an event's key names before emitting it: this
    is what makes the outbox's order the commit order for each key.
    """

    conn: AsyncConnection
    now: datetime
    actor: str
    source: str
    _emitted: list[Event[EventData]] = field(default_factory=list)

    def emit(
        self,
        data: EventData,
        *,
        at: datetime | None = None,
        cause: Event[EventData] | None = None,
        correlation: UUID | str | None = None,
        traceparent: str | None = None,
    ) -> EventId:
        """Write an event, to be published once the work has committed.

        `at` is when the fact happened (default: now), `cause` the event that led to it, whose
        correlation and trace it carries on; `correlation` names the incident or problem that the
        chain is about when no cause does. `traceparent` is the trace of whoever asked for it, when
        that is not what is being done now.
        """
        hop = traceparent or _hop_of(cause)
        correlation_id = cause.correlation_id if cause else None
        event = Event(
            id=EventId(new_id()),
            source=self.source,
            type=data.TYPE,
            time=at or self.now,
            subject=data.key(),
            topic=data.TOPIC,
            key=data.key(),
            data=data,
            correlation_id=str(correlation) if correlation else correlation_id or data.key(),
            causation_id=str(cause.id) if cause else None,
            traceparent=hop,
            trace_origin=(cause and (cause.trace_origin or cause.traceparent)) or hop,
        )
        self._emitted.append(event)
        return event.id

    def mark(self) -> int:
        """Tell how many events were emitted so far, to come back to with `forget_since`."""
        return len(self._emitted)

    def forget_since(self, mark: int) -> None:
        """Take back the events emitted since a mark, when a savepoint was rolled back."""
        del self._emitted[mark:]

    @property
    def has_emitted(self) -> bool:
        """Tell whether events wait for the commit."""
        return bool(self._emitted)

    async def append_to_outbox(self) -> None:
        """Write what was emitted into the outbox; the frame calls this just before the commit.

        Raises EventTooLarge: in the outbox, such an event would hold up all that follow.
        """
        if not self._emitted:
            return
        records = [encode(event) for event in self._emitted]
        for record in records:
            if len(record.value) > LARGEST_VALUE_BYTES and record.topic != dead_letters.TOPIC:
                raise EventTooLarge(
                    f"{record.headers['ce_type']} of {record.key} is {len(record.value)} bytes, "
                    f"and brokers take {LARGEST_VALUE_BYTES}"
                )
        await run(
            self.conn,
            _APPEND,
            event_ids=[event.id for event in self._emitted],
            topics=[record.topic for record in records],
            keys=[record.key for record in records],
            headers=[orjson.dumps(record.headers).decode() for record in records],
            values=[record.value for record in records],
        )


class Store:
    """A service's own PostgreSQL database, with the frame's tables in it."""

    def __init__(self, engine: AsyncEngine, service: str, clock: Clock | None = None) -> None:
        self.engine = engine
        self.service = service
        self.clock: Clock = clock or SystemClock()
        self.outbox_grew = asyncio.Event()
        """Set when a transaction of this process has put events into the outbox."""

    @property
    def source(self) -> str:
        """Give the CloudEvents source of this store's events."""
        return f"/mejora/{self.service}"

    @asynccontextmanager
    async def begin(
        self, *, actor: str, longest_seconds: float | None = None
    ) -> AsyncIterator[Work]:
        """Open a transaction; it commits on leaving and rolls back on an error.

        It is broken off when it takes longer than that.
        """
        async with (
            self.engine.connect() as conn,
            _broken_off_after(longest_seconds, conn),
            conn.begin(),
        ):
            work = Work(conn=conn, now=self.clock.now(), actor=actor, source=self.source)
            yield work
            await work.append_to_outbox()
        if work.has_emitted:
            self.outbox_grew.set()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for queries only; it is broken off when that takes too long."""
        async with self.engine.connect() as conn, _broken_off_after(LONGEST_READ_SECONDS, conn):
            yield conn


@asynccontextmanager
async def _broken_off_after(seconds: float | None, conn: AsyncConnection) -> AsyncIterator[None]:
    if seconds is None:
        yield
        return
    late = asyncio.get_running_loop().call_later(seconds, break_off, conn)
    try:
        yield
    finally:
        late.cancel()

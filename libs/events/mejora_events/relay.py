"""Carries events from the outbox to the broker: one active relay per store, in order per key.

A round reads the oldest rows, publishes them, and deletes them once the broker has confirmed. No
position is remembered: a transaction that commits late shows its rows in a later round. A relay
that dies between publishing and deleting publishes again; readers know a repeated event by its id,
and since every round starts at the oldest row, what is new in the repetition is still in order.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.faults import backoff, wait_or
from mejora_events.record import Record
from mejora_events.sql import STORE_ERRORS, Row, from_json, row, rows, run
from mejora_events.store import Store
from mejora_events.transports.base import Producer

log = logging.getLogger(__name__)

# The oldest events that the broker has not confirmed.
_OLDEST = """
select seq, event_id, topic, key, headers, value from outbox order by seq limit :most
"""

# Takes confirmed events out of the outbox and keeps their ids for the audit.
_CONFIRM = """
with gone as (
    delete from outbox where seq = any(cast(:seqs as bigint[]))
    returning event_id, topic, headers ->> 'ce_type' as type
)
insert into journal (event_id, topic, type) select event_id, topic, type from gone
"""

_WAITING = """
select count(*) as events,
       cast(coalesce(extract(epoch from now() - min(written_at)), 0) as float8) as oldest_seconds
from outbox
"""

_LOCK = "select pg_try_advisory_lock(hashtextextended('mejora-outbox', 0)) as taken"
_UNLOCK = "select pg_advisory_unlock(hashtextextended('mejora-outbox', 0))"

_SOON_SECONDS, _LATER_SECONDS = 0.02, 0.2
"""How long to wait when another instance's relay is at work while events wait: at first, later."""


@dataclass(slots=True)
class Relay:
    """The relay of one store. Many instances may run; the one that holds the lock publishes."""

    store: Store
    producer: Producer
    batch: int = 1000
    poll_seconds: float = 1.0
    pace_seconds: float = 0.02
    """How far apart it begins to drain at least: what commits meanwhile goes out together."""
    patience_seconds: float = 5.0
    """After how long without an answer we say that we wait for the broker, or give up to stop."""
    last_error: str | None = None
    """Why the last round did not succeed; empty when it did."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until stopped; what the outbox then still holds goes out at the next start."""
        waits, turns = backoff(), self._turns()
        clock = asyncio.get_running_loop().time
        while not stopping.is_set():
            self.store.outbox_grew.clear()
            began = clock()
            try:
                empty = await self._drain(stopping)
            except Exception as error:  # noqa: BLE001 (told and tried again: the outbox keeps all)
                self._note(repr(error))
                await wait_or(stopping, next(waits))
                continue
            self._note(None)
            waits = backoff()
            if empty:
                turns = self._turns()
                await self._wait_for_work(stopping)
                await wait_or(stopping, began + self.pace_seconds - clock())
            else:
                await wait_or(stopping, next(turns))

    def _turns(self) -> Iterator[float]:
        return backoff(_SOON_SECONDS, _LATER_SECONDS)

    def _note(self, error: str | None) -> None:
        """Keep, and say once, that the outbox cannot be emptied, or that it can be again."""
        if error is not None and self.last_error is None:
            log.warning("the outbox waits: %s", error)
        elif error is None and self.last_error is not None:
            log.info("the outbox drains again")
        self.last_error = error

    async def _wait_for_work(self, stopping: asyncio.Event) -> None:
        grew = asyncio.ensure_future(self.store.outbox_grew.wait())
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait(
                {grew, stop}, timeout=self.poll_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            grew.cancel()
            stop.cancel()

    async def _drain(self, stopping: asyncio.Event) -> bool:
        """Publish all there is; tell False when another relay is at it."""
        async with self.store.engine.connect() as plain:
            conn = await plain.execution_options(isolation_level="AUTOCOMMIT")
            taken = await row(conn, _LOCK)
            if taken is None or not taken["taken"]:
                return not await rows(conn, _OLDEST, most=1)
            try:
                # What commits after a round's look is told to the relay of its own process.
                confirmed = self.batch
                while confirmed == self.batch and not stopping.is_set():
                    confirmed = await self._round(conn, stopping)
                    self._note(None)
            finally:
                await _unlock(conn)
        return True

    async def _round(self, conn: AsyncConnection, stopping: asyncio.Event) -> int:
        """Publish the oldest events; tell how many the broker has confirmed."""
        oldest = await rows(conn, _OLDEST, most=self.batch)
        if not oldest or not await self._publish(_records(oldest), stopping):
            return 0
        await run(conn, _CONFIRM, seqs=[r["seq"] for r in oldest])
        return len(oldest)

    async def _publish(self, records: Sequence[Record], stopping: asyncio.Event) -> bool:
        """Publish, however long it takes; tell False when stopped before the broker confirmed."""
        publishing = asyncio.create_task(self.producer.publish(records))
        try:
            while not (await asyncio.wait({publishing}, timeout=self.patience_seconds))[0]:
                self._note(f"not confirmed within {self.patience_seconds:g} seconds")
                if stopping.is_set():
                    return False
        finally:
            publishing.cancel()
            await asyncio.wait({publishing})
        publishing.result()
        return True

    async def waiting(self) -> tuple[int, float]:
        """Tell how many events wait in the outbox, and for how many seconds the oldest has."""
        async with self.store.read() as conn:
            found = await row(conn, _WAITING)
        return (found["events"], found["oldest_seconds"]) if found else (0, 0.0)


def _records(oldest: Sequence[Row]) -> list[Record]:
    return [Record(r["topic"], r["key"], from_json(r["headers"]), r["value"]) for r in oldest]


async def _unlock(conn: AsyncConnection) -> None:
    """Give the lock back, or let the connection go, with which the lock goes too."""
    try:
        await row(conn, _UNLOCK)
    except (*STORE_ERRORS, asyncio.CancelledError):
        await conn.invalidate()
        raise

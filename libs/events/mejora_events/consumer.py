"""Reads topics in batches and lets each event take effect exactly once.

A batch is one transaction: parked keys, inbox, reactions, outbox. When it fails, its records are
taken one at a time, so that one that cannot be used stops nobody else: after bounded retries it
becomes a dead letter and its key is parked. While the store cannot be reached, nothing is given
up: the batch waits for it.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mejora_events import inbox, letters
from mejora_events.contracts import TYPES
from mejora_events.envelope import Event, decode, type_of
from mejora_events.errors import TransportUnavailable, Undecodable
from mejora_events.faults import backoff, collided, store_is_away, wait_or
from mejora_events.reactions import Reactions, waves
from mejora_events.record import Delivered
from mejora_events.replays import follow_replays
from mejora_events.sql import Row
from mejora_events.store import Store, Work
from mejora_events.tracing import span
from mejora_events.transports.base import Subscriber, Transport

log = logging.getLogger(__name__)


class LetterNotFound(LookupError):
    """There is no such dead letter, or it is settled."""


@dataclass(slots=True)
class Counts:
    """What a consumer has done since it started."""

    applied: int = 0
    repeated: int = 0
    parked: int = 0
    batches: int = 0
    fallbacks: int = 0


@dataclass(slots=True)
class Consumer:
    """Lets the events that a service listens to take effect in its store."""

    name: str
    store: Store
    transport: Transport
    reactions: Reactions
    batch: int = 500
    attempts: int = 3
    """How often a record is tried before it becomes a dead letter."""
    wait_seconds: float = 0.5
    pace_seconds: float = 0.03
    """How long from one batch to the next at least, unless more waits than a batch takes: what
    comes meanwhile shares a transaction, which costs far less than one each."""
    replay_poll_seconds: float = 2.0
    counts: Counts = field(default_factory=Counts)
    last_error: str | None = None
    subscriber: Subscriber | None = None

    @property
    def topics(self) -> list[str]:
        """Tell which topics are read."""
        return sorted({contract.TOPIC for contract in self.reactions})

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until stopped: the batch in hand is finished and its offsets are committed."""
        waits = backoff()
        while not stopping.is_set():
            try:
                self.subscriber = await self.transport.subscribe(self.name, self.topics)
                while not stopping.is_set():
                    await self._consume(self.subscriber, stopping)
                    self.last_error, waits = None, backoff()
            except (TransportUnavailable, OSError) as error:
                if self.last_error is None:
                    log.warning("the broker is away: %r", error)
                self.last_error = repr(error)
            except Exception as error:
                log.exception("consuming failed; it begins again where it left off")
                self.last_error = repr(error)
            finally:
                await self._leave()
            await wait_or(stopping, next(waits))

    async def _leave(self) -> None:
        subscriber, self.subscriber = self.subscriber, None
        if subscriber is not None:
            await subscriber.close()

    async def _consume(self, subscriber: Subscriber, stopping: asyncio.Event) -> None:
        """Take batches for some seconds, then look whether somebody wishes a replay."""
        clock = asyncio.get_running_loop().time
        replays_are_due = clock() + self.replay_poll_seconds
        while not stopping.is_set() and clock() < replays_are_due:
            began = clock()
            async with subscriber.batch(most=self.batch, wait_seconds=self.wait_seconds) as batch:
                if not batch.records or await self._take(batch.records, stopping):
                    batch.finish()
            rest = began + self.pace_seconds - clock()
            if rest > 0 and 0 < len(batch.records) < self.batch:
                await wait_or(stopping, rest)
        if not stopping.is_set():
            await follow_replays(self.store, self.name, subscriber)

    async def _take(self, records: Sequence[Delivered], stopping: asyncio.Event) -> bool:
        """Let a batch take effect; tell False when stopped while the store was away."""
        relevant = [record for record in records if self._concerns_us(record)]
        if not relevant:
            return True
        self.counts.batches += 1
        collisions, waits = 0, backoff()
        while not stopping.is_set():
            try:
                await self._apply(relevant)
            except Exception as error:  # noqa: BLE001 (told apart below; nothing is swallowed)
                collisions += collided(error)
                if store_is_away(error) or (collided(error) and collisions < self.attempts):
                    log.warning("a batch of %d waits: %r", len(relevant), error)
                    await wait_or(stopping, next(waits))
                    continue
                log.info("a batch of %d is taken one by one: %r", len(relevant), error)
                self.counts.fallbacks += 1
                return await self._take_one_by_one(relevant, stopping)
            else:
                return True
        return False

    def _concerns_us(self, record: Delivered) -> bool:
        """Tell whether a record is ours to handle; one that says no type at all is, as a letter."""
        try:
            event_type = type_of(record)
        except Undecodable:
            return True
        contract = TYPES.get(event_type)
        return contract in self.reactions

    async def _apply(self, records: Sequence[Delivered]) -> None:
        """One transaction for all records; raises what any of them raises."""
        async with self.store.begin(actor=self.name) as work:
            parked = await letters.parked(work.conn, self.name, records)
            events = []
            for record in records:
                if (record.topic, record.key) in parked:
                    await letters.wait_behind(work, self.name, record)
                else:
                    events.append(decode(record))
            due = await self._react(work, events)
        self.counts.applied += due
        self.counts.repeated += len(events) - due

    async def _react(self, work: Work, events: Sequence[Event[Any]]) -> int:
        """Let events take effect that have not yet; tell how many."""
        due = await inbox.receive(work.conn, self.name, events)
        for reaction, group in waves(due, self.reactions):
            hops = list(dict.fromkeys(event.traceparent for event in group if event.traceparent))
            types = sorted({event.type for event in group})
            with span(f"react {' '.join(types)}", hops[0] if hops else None, hops[1:]):
                await reaction(work, group)
        return len(due)

    async def _take_one_by_one(self, records: Sequence[Delivered], stopping: asyncio.Event) -> bool:
        for record in records:
            if not await self._take_one(record, stopping):
                return False
        return True

    async def _take_one(self, record: Delivered, stopping: asyncio.Event) -> bool:
        """Let one record take effect or park it; tell False when stopped before either."""
        failures, waits = 0, backoff()
        while not stopping.is_set():
            try:
                await self._apply([record])
            except Exception as error:  # noqa: BLE001 (ends as a dead letter with its reason)
                if not store_is_away(error):
                    failures += 1
                    hopeless = isinstance(error, Undecodable)
                    most = self.attempts * (3 if collided(error) else 1)
                    if hopeless or failures >= most:
                        return await self._park(record, repr(error), failures, stopping)
                await wait_or(stopping, next(waits))
            else:
                return True
        return False

    async def _park(
        self, record: Delivered, reason: str, failures: int, stopping: asyncio.Event
    ) -> bool:
        """Make a record a dead letter; tell False when stopped before that could be done."""
        waits = backoff()
        while not stopping.is_set():
            try:
                with span("park", record.headers.get("traceparent")):
                    async with self.store.begin(actor=self.name) as work:
                        await letters.park(work, self.name, record, reason, failures)
            except Exception as error:  # noqa: BLE001 (there is no other way on: it must be kept)
                log.error("%s waits to become a dead letter: %r", record.place, error)
                await wait_or(stopping, next(waits))
            else:
                self.counts.parked += 1
                log.error("%s became a dead letter: %s", record.place, reason)
                return True
        return False

    async def retry(self, letter_id: UUID, actor: str) -> int:
        """Try a dead letter again, then what waits behind it; tell how many took effect.

        Stops at the first that fails again, which stays the dead letter. Raises LetterNotFound.
        """
        return await self._go_on_with_key(letter_id, actor, drop_first=False)

    async def drop(self, letter_id: UUID, actor: str) -> int:
        """Give up a dead letter and go on with what waits behind it; tell how many took effect."""
        return await self._go_on_with_key(letter_id, actor, drop_first=True)

    async def _go_on_with_key(self, letter_id: UUID, actor: str, *, drop_first: bool) -> int:
        async with self.store.begin(actor=actor) as work:
            letter = await letters.find(work.conn, letter_id)
            if letter is None or letter["consumer"] != self.name or letter["state"] != "dead":
                raise LetterNotFound(str(letter_id))
            queue = await letters.on_key_of(work.conn, letter)
            if drop_first:
                await self._drop(work, letter)
                queue = [waiting for waiting in queue if waiting["letter_id"] != letter_id]
            done = 0
            for waiting in queue:
                if not await self._retry_one(work, waiting):
                    return done
                done += 1
            await letters.unpark(work.conn, letter)
            return done

    async def _drop(self, work: Work, letter: Row) -> None:
        """Drop a letter, and count its event as received: a replay does not bring it back."""
        await letters.drop(work.conn, letter)
        with suppress(Undecodable):
            await inbox.receive(work.conn, self.name, [decode(letters.as_delivered(letter))])

    async def _retry_one(self, work: Work, waiting: Row) -> bool:
        emitted = work.mark()
        try:
            async with work.conn.begin_nested():
                await self._react(work, [decode(letters.as_delivered(waiting))])
                await letters.settle(work.conn, waiting)
        except Exception as error:
            if store_is_away(error):
                raise
            work.forget_since(emitted)
            await letters.fail_again(work, waiting, repr(error))
            return False
        return True

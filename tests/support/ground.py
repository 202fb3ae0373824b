"""A ground to prove the frame on: one event type of its own topic, and a store that counts effects.

Every ground has a topic of its own, so that tests that share a broker do not read each other's
records.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import create_async_engine

from mejora_events.consumer import Consumer
from mejora_events.contracts import TYPES, Topic
from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event, encode
from mejora_events.ids import EventId, new_id
from mejora_events.reactions import Reaction
from mejora_events.record import Delivered, Record
from mejora_events.relay import Relay
from mejora_events.replays import ask_for_replay
from mejora_events.sql import rows, run
from mejora_events.store import Store, Work
from mejora_events.tables import FRAME_V1
from mejora_events.transports import Transport

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

_TABLES = (
    """
    create table effect (
        place bigint generated always as identity primary key, consumer text, key text, n integer
    )
    """,
    "create table thing (name text primary key, n integer not null default 0)",
)

_TAKE_EFFECT = """
insert into effect (consumer, key, n)
select :consumer, e.key, e.n from unnest(cast(:keys as text[]), cast(:numbers as integer[]))
     with ordinality as e (key, n, place) order by e.place
"""


class Counted(EventData):
    """Something was counted; each ground has a type of its own below this one."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    name: str
    n: int

    def key(self) -> str:
        return self.name


def counted_on(topic: str) -> type[Counted]:
    """Give an event type of a topic of its own, known to everybody who decodes."""

    class CountedHere(Counted):
        TYPE: ClassVar[str] = f"{topic}.counted.v1"
        TOPIC: ClassVar[str] = topic

    TYPES[CountedHere.TYPE] = CountedHere
    return CountedHere


def event_of(data: EventData, **envelope: Any) -> Event[EventData]:
    """Give an event with the envelope that a store would give it."""
    given = {"id": EventId(new_id()), "source": "/mejora/test", "time": AT, **envelope}
    return Event(
        type=data.TYPE, topic=data.TOPIC, key=data.key(), subject=data.key(), data=data, **given
    )


def delivered(record: Record, offset: int = 0, written_at: datetime = AT) -> Delivered:
    """Give a record as a transport would deliver it."""
    return Delivered(record.topic, record.key, record.headers, record.value, 0, offset, written_at)


async def a_frame(store: Store) -> None:
    """Make the frame's tables in an empty store, one of aggregates and one of effects."""
    async with store.engine.begin() as conn:
        for statement in (*FRAME_V1, *_TABLES):
            await run(conn, statement)


@dataclass(frozen=True, slots=True)
class Ground:
    """A store with the frame's tables, a transport with the ground's topic, and what tests ask."""

    store: Store
    transport: Transport
    contract: type[Counted]

    @property
    def topic(self) -> str:
        """The ground's own topic."""
        return self.contract.TOPIC

    def record(self, key: str, n: int, **envelope: Any) -> Record:
        """Give the record of a new event."""
        return encode(event_of(self.contract(name=key, n=n), **envelope))

    def undecodable(self, key: str) -> Record:
        """Give a record that says it is of the ground's type and is not."""
        return Record(self.topic, key, {**self.record(key, 0).headers}, b'{"name": 1}')

    async def publish(self, *records: Record) -> None:
        """Write records to the topic as a stranger would, without an outbox."""
        producer = self.transport.producer()
        await producer.publish(records)
        await producer.close()

    async def emit(self, key: str, *numbers: int) -> list[EventId]:
        """Write events of one key in one transaction."""
        async with self.store.begin(actor="test") as work:
            return [work.emit(self.contract(name=key, n=n)) for n in numbers]

    async def take_effect(self, work: Work, events: Sequence[Event[Any]]) -> None:
        """The reaction: one row per event."""
        await run(
            work.conn,
            _TAKE_EFFECT,
            consumer=work.actor,
            keys=[event.data.name for event in events],
            numbers=[event.data.n for event in events],
        )

    def consumer(self, reaction: Reaction | None = None, **settings: Any) -> Consumer:
        """Give a consumer that is its topic's only group, unless named otherwise."""
        given = {"name": f"group-{self.topic}", "wait_seconds": 0.1, "replay_poll_seconds": 0.2}
        return Consumer(
            store=settings.pop("store", self.store),
            transport=settings.pop("transport", self.transport),
            reactions={self.contract: reaction or self.take_effect},
            **{**given, **settings},
        )

    def relay(self, **settings: Any) -> Relay:
        """Give a relay of the store."""
        producer = settings.pop("producer", None) or self.transport.producer()
        return Relay(self.store, producer, **{"poll_seconds": 0.1, **settings})

    async def ask_for_replay(self, from_time: datetime) -> None:
        """Wish that the ground's consumer reads its topic again from a time."""
        async with self.store.begin(actor="test") as work:
            await ask_for_replay(work, f"group-{self.topic}", self.topic, from_time)

    async def effects(self, key: str | None = None) -> list[int]:
        """Tell the numbers that took effect, in the order in which they did."""
        sql = "select n from effect where cast(:key as text) is null or key = :key order by place"
        return [r["n"] for r in await self.ask(sql, key=key)]

    async def ask(self, sql: str, **params: object) -> Sequence[Any]:
        """Query the store."""
        async with self.store.read() as conn:
            return await rows(conn, sql, **params)

    async def until_effects(self, count: int, key: str | None = None, seconds: float = 20) -> None:
        """Wait until so many events took effect."""
        async with asyncio.timeout(seconds):
            while len(await self.effects(key)) < count:
                await asyncio.sleep(0.02)

    async def letters(self) -> list[tuple[str, str, UUID]]:
        """Tell state, key and id of each letter that is kept, in the order of the log."""
        found = await self.ask('select * from dead_letter order by key, "offset", written_at')
        return [(r["state"], r["key"], r["letter_id"]) for r in found]

    async def until_letters(self, count: int, seconds: float = 20) -> None:
        """Wait until so many letters are kept."""
        async with asyncio.timeout(seconds):
            while len(await self.letters()) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def a_ground(url: str, transport: Transport) -> AsyncIterator[Ground]:
    """Give a ground on an empty database and a transport, which its giver closes."""
    topic = f"test.{uuid4().hex}"
    contract = counted_on(topic)
    store = Store(create_async_engine(url), "test")
    try:
        await a_frame(store)
        await transport.open([Topic(topic, "name", "a test", (contract,))])
        yield Ground(store, transport, contract)
    finally:
        await store.engine.dispose()
        del TYPES[contract.TYPE]


@asynccontextmanager
async def running(*runners: Consumer | Relay, seconds: float = 30) -> AsyncIterator[None]:
    """Let consumers and relays run while the block does, then stop them in order."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(runner.run(stopping)) for runner in runners]
    try:
        yield
        assert not any(task.done() for task in tasks), "a runner ended by itself"
    finally:
        stopping.set()
        async with asyncio.timeout(seconds):
            await asyncio.gather(*tasks)

"""`events.relay` and `events.consume`: how fast events leave one store and take effect in another.

Both run the library's own Relay and Consumer in this process, as the services do.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import create_async_engine

from bench.figure import Figure
from bench.ground import Ground, plain
from bench.scale import Scale
from bench.signals import a_signal
from mejora_events.clock import SystemClock
from mejora_events.consumer import Consumer
from mejora_events.contracts.incidents import Incident, IncidentReported, IncidentState
from mejora_events.envelope import Event
from mejora_events.ids import IncidentId, new_id
from mejora_events.record import Record
from mejora_events.relay import Relay
from mejora_events.sql import rows, run
from mejora_events.store import Store, Work
from mejora_events.tables import FRAME_V1
from mejora_events.tracing import span
from mejora_events.transports import connect
from mejora_events.transports.base import Producer, Subscriber
from mejora_events.transports.kafka import KafkaTransport

_EMITTED_AT_ONCE = 500
_TAKEN_AT_ONCE = 500
_TOPIC = IncidentReported.TOPIC

_EFFECT = """
create table {name} (
    incident_id uuid primary key,
    version integer not null,
    state text not null,
    component text not null,
    started_at timestamptz not null,
    body jsonb not null
)
"""
_TAKE = """
insert into effect (incident_id, version, state, component, started_at, body)
select i.incident_id, i.version, i.state, i.component, i.started_at, cast(i.body as jsonb)
from unnest(cast(:incident_ids as uuid[]), cast(:versions as integer[]), cast(:states as text[]),
            cast(:components as text[]), cast(:started as timestamptz[]), cast(:bodies as text[]))
     as i (incident_id, version, state, component, started_at, body)
on conflict (incident_id) do update
set version = excluded.version, state = excluded.state, body = excluded.body
where effect.version < excluded.version
"""
_INSERT = """
insert into inserted (incident_id, version, state, component, started_at, body)
select * from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[],
                     $6::jsonb[])
"""


async def relay(ground: Ground, scale: Scale) -> list[Figure]:
    """Events a second from the outbox to Kafka, against plain sends of the same records."""
    figure = Figure(
        "events.relay",
        "events/s",
        "aiokafka's sends of the same records by a producer with the same settings",
        least=0.5,
    )
    async with _a_store(ground) as (store, transport):
        producer = transport.producer()
        for number in range(scale.rounds + 1):
            await _emit(store, scale.relayed)
            records = await _records_of(store)
            limit = await _sent_per_second(ground, records)
            ours = await _relayed_per_second(store, producer, len(records))
            if number:  # the first round warms both up
                figure.add(limit=limit, ours=ours)
        figure.notes["bytes a record"] = sum(len(r.value) for r in records) // len(records)
        figure.notes["headers a record"] = len(records[0].headers)
    return [figure]


async def consume(ground: Ground, scale: Scale) -> list[Figure]:
    """Events a second from Kafka into inbox and effect, against plain inserts of the same rows."""
    figure = Figure(
        "events.consume",
        "events/s",
        "asyncpg's unnest inserts of the effect's rows, in transactions of the same size",
    )
    async with _a_store(ground) as (store, transport):
        await _emit(store, scale.consumed)
        await transport.producer().publish(await _records_of(store))
        async with store.begin(actor="bench") as work:
            await run(work.conn, _EFFECT.format(name="effect"))
            await run(work.conn, _EFFECT.format(name="inserted"))
        for number in range(scale.rounds + 1):
            ours = await _consumed_per_second(ground, store, scale.consumed)
            limit = await _inserted_per_second(store)
            if number:
                figure.add(limit=limit, ours=ours)
    return [figure]


@asynccontextmanager
async def _a_store(ground: Ground) -> AsyncIterator[tuple[Store, KafkaTransport]]:
    await ground.without_topics()
    engine = create_async_engine(await ground.database())
    async with engine.begin() as conn:
        for table in FRAME_V1:
            await run(conn, table)
    transport = connect(f"kafka://{ground.bootstrap}", client="bench")
    if not isinstance(transport, KafkaTransport):
        raise TypeError("the address is Kafka's")
    await transport.open()
    try:
        yield Store(engine, "bench"), transport
    finally:
        await transport.close()
        await engine.dispose()


async def _emit(store: Store, count: int) -> None:
    """Fill the outbox with reports of incidents."""
    for first in range(0, count, _EMITTED_AT_ONCE):
        with span("bench", None):
            async with store.begin(actor="bench") as work:
                for number in range(first, min(first + _EMITTED_AT_ONCE, count)):
                    work.emit(IncidentReported(incident=_an_incident(number)))


def _an_incident(number: int) -> Incident:
    now = SystemClock().now()
    signal = a_signal(str(number), number, number, resolved=False)
    return Incident.model_validate(
        {
            **signal,
            "incident_id": IncidentId(new_id()),
            "version": 1,
            "state": IncidentState.REPORTED,
            "origin": "internal",
            "reported_at": now,
            "failing_since": signal["started_at"],
        }
    )


async def _records_of(store: Store) -> list[Record]:
    async with store.read() as conn:
        found = await rows(conn, "select topic, key, headers::text, value from outbox order by seq")
    return [Record(r["topic"], r["key"], orjson.loads(r["headers"]), r["value"]) for r in found]


async def _sent_per_second(ground: Ground, records: Sequence[Record]) -> float:
    producer = AIOKafkaProducer(
        bootstrap_servers=ground.bootstrap,
        acks="all",
        enable_idempotence=True,
        max_batch_size=256 * 1024,
        max_request_size=1024 * 1024,
    )
    ready = [
        (r.topic, r.value, r.key.encode(), [(name, v.encode()) for name, v in r.headers.items()])
        for r in records
    ]
    await producer.start()
    try:
        await producer.partitions_for(_TOPIC)
        began = time.perf_counter()
        waiting = [
            await producer.send(topic, value, key, headers=headers)
            for topic, value, key, headers in ready
        ]
        await asyncio.gather(*waiting)
        return len(ready) / (time.perf_counter() - began)
    finally:
        await producer.stop()


class _Counting:
    """A producer that says when it has published so many."""

    def __init__(self, producer: Producer, count: int) -> None:
        self._producer, self._missing = producer, count
        self.done = asyncio.Event()

    async def publish(self, records: Sequence[Record]) -> None:
        await self._producer.publish(records)
        self._missing -= len(records)
        if self._missing <= 0:
            self.done.set()

    async def close(self) -> None:
        await self._producer.close()


async def _relayed_per_second(store: Store, producer: Producer, count: int) -> float:
    counting, stopping = _Counting(producer, count), asyncio.Event()
    began = time.perf_counter()
    relaying = asyncio.create_task(Relay(store, counting).run(stopping))
    await counting.done.wait()
    async with store.read() as conn:
        while await rows(conn, "select 1 from outbox limit 1"):
            await asyncio.sleep(0.002)
    seconds = time.perf_counter() - began
    stopping.set()
    await relaying
    async with store.begin(actor="bench") as work:
        await run(work.conn, "truncate outbox")  # a service's autovacuum has had its time by then
    return count / seconds


class _Timed(KafkaTransport):
    """A transport that notes when its partitions were assigned: from then on it can be read."""

    began = 0.0

    async def subscribe(self, group: str, topics: Sequence[str]) -> Any:
        subscriber: Subscriber = await super().subscribe(group, topics)
        self.began = time.perf_counter()
        return subscriber


async def _consumed_per_second(ground: Ground, store: Store, count: int) -> float:
    async with store.begin(actor="bench") as work:
        await run(work.conn, "truncate effect, inbox")
    transport = _Timed(
        ground.bootstrap,
        client="bench",
        partitions=6,
        replication_factor=1,
        retention_seconds=3600,
    )
    group, stopping = f"bench-{uuid4().hex[:8]}", asyncio.Event()
    consumer = Consumer(
        group, store, transport, {IncidentReported: _take_effect}, batch=_TAKEN_AT_ONCE
    )
    consuming = asyncio.create_task(consumer.run(stopping))
    try:
        while consumer.counts.applied < count:
            if consuming.done():
                consuming.result()
            await asyncio.sleep(0.002)
        seconds = time.perf_counter() - transport.began
    finally:
        stopping.set()
        await consuming
        await transport.close()
    if consumer.counts.fallbacks:
        raise RuntimeError("a batch failed and was taken one by one: the figure means nothing")
    return count / seconds


async def _take_effect(work: Work, events: Sequence[Event[IncidentReported]]) -> None:
    """Keep the newest snapshot of each incident: what every reader of events does."""
    incidents = [event.data.incident for event in events]
    await run(
        work.conn,
        _TAKE,
        incident_ids=[i.incident_id for i in incidents],
        versions=[i.version for i in incidents],
        states=[i.state.value for i in incidents],
        components=[i.component for i in incidents],
        started=[i.started_at for i in incidents],
        bodies=[i.model_dump_json() for i in incidents],
    )


async def _inserted_per_second(store: Store) -> float:
    """Insert the rows that took effect once more, without inbox, events or Kafka."""
    async with plain(store.engine.url.render_as_string(hide_password=False)) as conn:
        await conn.execute("truncate inserted")
        effect = await conn.fetch("select * from effect")
        parts = [
            list(zip(*map(tuple, effect[first : first + _TAKEN_AT_ONCE]), strict=True))
            for first in range(0, len(effect), _TAKEN_AT_ONCE)
        ]
        began = time.perf_counter()
        for columns in parts:
            await conn.execute(_INSERT, *columns)
        return len(effect) / (time.perf_counter() - began)

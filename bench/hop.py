"""The limit of `chain.*`: bare aiokafka, one hop, the same records, nothing between."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.ground import Ground, plain
from bench.load import ticks
from mejora_events.contracts.incidents import IncidentReported

_PARTITIONS = 6
_TAKEN_AT_ONCE = 500
_READ_SECONDS = 60.0
_TYPE = ("ce_type", IncidentReported.TYPE.encode())

_TABLE = "create table taken (incident_id uuid primary key, body jsonb not null)"
_INSERT = "insert into taken select * from unnest($1::uuid[], $2::jsonb[])"


@dataclass(frozen=True, slots=True)
class HopRecord:
    """A report of an incident as it went over Kafka."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        """Tell how many bytes key, value and headers have."""
        return len(self.key) + len(self.value) + sum(len(n) + len(v) for n, v in self.headers)


@dataclass(slots=True)
class Hop:
    """A producer, a consumer and a table, all of this process."""

    _topic: str
    _producer: AIOKafkaProducer
    _consumer: AIOKafkaConsumer
    _conn: asyncpg.Connection

    async def round_trips(self, records: Sequence[HopRecord], per_second: float) -> list[float]:
        """Send at a steady pace; give the seconds from when each was due until it was received."""
        receiving = asyncio.create_task(self._receive(len(records)))
        due_at: dict[bytes, float] = {}
        async for due in ticks(len(records), per_second):
            record = records[len(due_at)]
            due_at[record.key] = due
            await self._send(record)
        received_at = await receiving
        return [received_at[key] - due for key, due in due_at.items()]

    async def taken_per_second(self, records: Sequence[HopRecord]) -> float:
        """Send all at once and insert each as a row: from the first send to the last commit."""
        await self._conn.execute("truncate taken")
        taking = asyncio.create_task(self._take(len(records)))
        began = time.perf_counter()
        sent = [await self._send(record) for record in records]
        await asyncio.gather(*sent)
        await taking
        return len(records) / (time.perf_counter() - began)

    async def _send(self, record: HopRecord) -> asyncio.Future[Any]:
        sent: asyncio.Future[Any] = await self._producer.send(
            self._topic, record.value, record.key, headers=record.headers
        )
        return sent

    async def _receive(self, count: int) -> dict[bytes, float]:
        received_at: dict[bytes, float] = {}
        async with asyncio.timeout(_READ_SECONDS):
            while len(received_at) < count:
                message = await self._consumer.getone()
                received_at[message.key] = time.time()
        return received_at

    async def _take(self, count: int) -> None:
        taken = 0
        async with asyncio.timeout(_READ_SECONDS):
            while taken < count:
                some = await self._consumer.getmany(timeout_ms=100, max_records=_TAKEN_AT_ONCE)
                messages = [message for of_one in some.values() for message in of_one]
                if messages:
                    keys = [UUID(message.key.decode()) for message in messages]
                    values = [message.value.decode() for message in messages]
                    await self._conn.execute(_INSERT, keys, values)
                taken += len(messages)


@asynccontextmanager
async def a_hop(ground: Ground) -> AsyncIterator[Hop]:
    """Make a topic, producer and consumer with the settings of Mejora's."""
    topic = f"bench-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=ground.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, _PARTITIONS, 1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=ground.bootstrap,
        acks="all",
        enable_idempotence=True,
        max_batch_size=256 * 1024,
    )
    consumer = AIOKafkaConsumer(
        bootstrap_servers=ground.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    async with plain(await ground.database()) as conn:
        await conn.execute(_TABLE)
        await asyncio.gather(producer.start(), consumer.start())
        consumer.assign([TopicPartition(topic, number) for number in range(_PARTITIONS)])
        try:
            await producer.partitions_for(topic)
            yield Hop(topic, producer, consumer, conn)
        finally:
            await asyncio.gather(producer.stop(), consumer.stop())


async def reports_of(ground: Ground, incidents: Collection[UUID]) -> list[HopRecord]:
    """Read from Kafka what intake reported of incidents."""
    wanted = {str(incident).encode() for incident in incidents}
    found: list[HopRecord] = []
    consumer = AIOKafkaConsumer(
        IncidentReported.TOPIC,
        bootstrap_servers=ground.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            while len(found) < len(wanted):
                message = await consumer.getone()
                if message.key in wanted and _TYPE in message.headers:
                    found.append(HopRecord(message.key, message.value, list(message.headers)))
    finally:
        await consumer.stop()
    return found

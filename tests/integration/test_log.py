"""The log in PostgreSQL keeps what Kafka keeps by itself: gapless order, liveness, compaction."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from mejora_events.contracts import Keep, Topic
from mejora_events.record import Delivered, Record
from mejora_events.sql import rows, run
from mejora_events.transports import Subscriber
from mejora_events.transports.postgres import PostgresTransport

FOR_A_TIME = Topic("test.log", "anything", "a test", (), Keep.FOR_A_TIME)
NEWEST = Topic("test.newest", "anything", "a test", (), Keep.NEWEST_OF_EACH_KEY)

KILL = """
select pg_terminate_backend(l.pid) from pg_locks l
where l.locktype = 'advisory'
  and (cast(l.classid as bigint) << 32) | cast(l.objid as bigint)
      = hashtextextended('mejora-log-member:' || :member, 0)
"""


@pytest.fixture
async def log(database: str) -> AsyncIterator[PostgresTransport]:
    """A log with a topic of each kind."""
    transport = PostgresTransport(database, partitions=4)
    await transport.open([FOR_A_TIME, NEWEST])
    yield transport
    await transport.close()


def a_record(key: str, n: int, topic: str = FOR_A_TIME.name) -> Record:
    return Record(topic, key, {"ce_id": str(uuid4()), "n": str(n)}, b"{}")


async def read(subscriber: Subscriber, count: int, seconds: float = 20) -> list[Delivered]:
    found: list[Delivered] = []
    async with asyncio.timeout(seconds):
        while len(found) < count:
            async with subscriber.batch(most=17, wait_seconds=0.2) as batch:
                found += batch.records
                batch.finish()
    return found


async def test_a_reader_beside_many_writers_misses_nothing(log: PostgresTransport) -> None:
    """Writers commit in any order; offsets become visible in theirs, and without gaps."""

    async def write(writer: int) -> None:
        for n in range(20):
            keys = [f"k{(writer + step) % 7}" for step in range(3)]
            await log.producer().publish([a_record(key, writer * 100 + n) for key in keys])

    subscriber = await log.subscribe("reader", [FOR_A_TIME.name])
    reading = asyncio.create_task(read(subscriber, 12 * 20 * 3))
    await asyncio.gather(*(write(writer) for writer in range(12)))
    found = await reading
    for partition in {record.partition for record in found}:
        offsets = [record.offset for record in found if record.partition == partition]
        assert offsets == list(range(len(offsets)))
    assert len({record.headers["ce_id"] for record in found}) == 12 * 20 * 3


async def test_the_share_of_a_member_that_died_is_taken_over_at_once(
    log: PostgresTransport, database: str
) -> None:
    """Its connection ends with it: nobody waits until it counts as gone for want of a sign."""
    dying = PostgresTransport(database, partitions=4)
    members = [await one.subscribe("group", [FOR_A_TIME.name]) for one in (dying, log)]
    async with asyncio.timeout(20):
        while [len(member.assigned()) for member in members] != [2, 2]:
            for member in members:
                async with member.batch(most=10, wait_seconds=0.1) as batch:
                    batch.finish()
    async with log.engine.connect() as conn:
        # As the server sees a process that was killed: the session is over, nothing was said.
        await run(conn, KILL, member=members[0].member)
    await log.producer().publish([a_record(f"k{n}", n) for n in range(40)])
    found = await read(members[1], 40, seconds=6)
    assert sorted(int(record.headers["n"]) for record in found) == list(range(40))
    await dying.close()


async def test_what_is_older_than_the_retention_goes_and_the_newest_of_a_key_stays(
    log: PostgresTransport,
) -> None:
    topics = (FOR_A_TIME.name, NEWEST.name)
    await log.producer().publish([a_record("k", n, topic) for topic in topics for n in range(3)])
    await log.producer().publish([a_record("x", 9, NEWEST.name)])
    assert await log.expire(3600) == 2, "of the compacted topic, two are outdated"
    async with log.engine.begin() as conn:
        await run(conn, "update log_record set written_at = written_at - interval '2 hours'")
    assert await log.expire(3600) == 3
    async with log.engine.connect() as conn:
        left = await rows(
            conn, "select topic, key, headers ->> 'n' as n from log_record order by 2"
        )
    assert [tuple(r.values()) for r in left] == [(NEWEST.name, "k", "2"), (NEWEST.name, "x", "9")]
    await log.producer().publish([a_record("k", 3)])
    found = await read(await log.subscribe("late", [FOR_A_TIME.name]), 1)
    assert [record.offset for record in found] == [3], "an offset was given twice"

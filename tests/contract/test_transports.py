"""Both transports keep the same promises: one suite, run on Kafka and on the log in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from mejora_events.contracts import Keep, Topic
from mejora_events.record import Delivered, Record
from mejora_events.transports import Subscriber, Transport, connect

TOPIC = "mejora.contract-suite"


@pytest.fixture(params=["kafka", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    """Where the broker is."""
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka').bootstrap}"
    return str(request.getfixturevalue("database"))


Opener = Callable[[], Awaitable[Transport]]


@pytest.fixture
async def opened(address: str) -> AsyncIterator[Opener]:
    """Opens transports on the same broker, as several processes would."""
    transports: list[Transport] = []

    async def open_one() -> Transport:
        transport = connect(address, partitions=4)
        transports.append(transport)
        await transport.open([Topic(TOPIC, "anything", "this suite", (), Keep.FOR_A_TIME)])
        return transport

    yield open_one
    for transport in transports:
        await transport.close()


def a_record(key: str, n: int, mark: str) -> Record:
    return Record(TOPIC, key, {"ce_id": str(uuid4()), "n": str(n), "mark": mark}, b"{}")


async def read(
    subscriber: Subscriber, mark: str, count: int, *, seconds: float = 30.0
) -> list[Delivered]:
    """Read until so many records of a mark have come; other tests' records are passed over."""
    found: list[Delivered] = []
    async with asyncio.timeout(seconds):
        while len(found) < count:
            async with subscriber.batch(most=100, wait_seconds=0.5) as batch:
                found += [r for r in batch.records if r.headers.get("mark") == mark]
                batch.finish()
    return found


def numbers(records: Sequence[Delivered], key: str) -> list[int]:
    return [int(r.headers["n"]) for r in records if r.key == key]


async def test_what_is_published_is_read_with_key_headers_and_value(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    record = Record(TOPIC, "schlüssel", {"ce_id": "1", "mark": mark, "umlaut": "ü"}, b'{"a": 1}')
    await transport.producer().publish([record])
    (got,) = await read(await transport.subscribe(mark, [TOPIC]), mark, 1)
    assert (got.topic, got.key, got.headers, got.value) == (
        record.topic,
        record.key,
        record.headers,
        record.value,
    )
    assert abs((got.written_at - datetime.now(UTC)).total_seconds()) < 60


async def test_records_of_a_key_are_read_in_the_order_they_were_published(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    keys = [f"k{i}" for i in range(7)]
    producer = transport.producer()
    for start in range(0, 60, 20):
        await producer.publish(
            [a_record(key, n, mark) for n in range(start, start + 20) for key in keys]
        )
    got = await read(await transport.subscribe(mark, [TOPIC]), mark, 60 * len(keys))
    for key in keys:
        assert numbers(got, key) == list(range(60))


async def test_each_group_reads_everything(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    await transport.producer().publish([a_record("k", n, mark) for n in range(10)])
    for group in (f"{mark}-a", f"{mark}-b"):
        got = await read(await transport.subscribe(group, [TOPIC]), mark, 10)
        assert numbers(got, "k") == list(range(10))


async def test_a_batch_that_is_not_finished_comes_again(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    await transport.producer().publish([a_record("k", n, mark) for n in range(5)])
    subscriber = await transport.subscribe(mark, [TOPIC])
    seen = 0
    async with asyncio.timeout(30):
        while not seen:
            async with subscriber.batch(most=100, wait_seconds=0.5) as batch:
                seen = sum(r.headers.get("mark") == mark for r in batch.records)
                if not seen:
                    batch.finish()
    assert numbers(await read(subscriber, mark, 5), "k") == list(range(5))


async def test_a_batch_whose_handling_raises_comes_again(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    await transport.producer().publish([a_record("k", n, mark) for n in range(5)])
    subscriber = await transport.subscribe(mark, [TOPIC])
    raised = False
    async with asyncio.timeout(30):
        while not raised:
            try:
                async with subscriber.batch(most=100, wait_seconds=0.5) as batch:
                    if any(r.headers.get("mark") == mark for r in batch.records):
                        raise ZeroDivisionError
                    batch.finish()
            except ZeroDivisionError:
                raised = True
    assert numbers(await read(subscriber, mark, 5), "k") == list(range(5))


async def test_a_group_goes_on_where_it_left_off(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    producer = transport.producer()
    await producer.publish([a_record("k", n, mark) for n in range(5)])
    first = await transport.subscribe(mark, [TOPIC])
    await read(first, mark, 5)
    await first.close()
    await producer.publish([a_record("k", n, mark) for n in range(5, 8)])
    second = await (await opened()).subscribe(mark, [TOPIC])
    assert numbers(await read(second, mark, 3), "k") == [5, 6, 7]


async def test_a_member_that_dies_without_committing_loses_nothing(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    await transport.producer().publish([a_record("k", n, mark) for n in range(5)])
    dying = await opened()
    subscriber = await dying.subscribe(mark, [TOPIC])
    async with asyncio.timeout(30):
        seen = 0
        while not seen:
            async with subscriber.batch(most=100, wait_seconds=0.5) as batch:
                seen = sum(r.headers.get("mark") == mark for r in batch.records)
                if not seen:
                    batch.finish()
    await dying.close()
    again = await transport.subscribe(mark, [TOPIC])
    assert numbers(await read(again, mark, 5), "k") == list(range(5))


async def test_two_members_share_the_partitions_and_read_each_record_once(opened: Opener) -> None:
    mark = uuid4().hex
    one, two = await opened(), await opened()
    members = [await t.subscribe(mark, [TOPIC]) for t in (one, two)]
    got: list[list[Delivered]] = [[], []]
    stopping = asyncio.Event()

    async def consume(member: int) -> None:
        while not stopping.is_set():
            async with members[member].batch(most=50, wait_seconds=0.2) as batch:
                got[member] += [r for r in batch.records if r.headers.get("mark") == mark]
                batch.finish()

    tasks = [asyncio.create_task(consume(member)) for member in (0, 1)]
    async with asyncio.timeout(60):
        while not all(len(m.assigned()) == 2 for m in members):
            await asyncio.sleep(0.1)
        await one.producer().publish([a_record(f"k{n % 40}", n, mark) for n in range(400)])
        while sum(map(len, got)) < 400:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    stopping.set()
    await asyncio.gather(*tasks)
    assert all(got), "one member read everything"
    assert sorted(int(r.headers["n"]) for rs in got for r in rs) == list(range(400))
    for key in {f"k{n}" for n in range(40)}:
        assert sum(any(r.key == key for r in rs) for rs in got) == 1


async def test_a_partition_is_not_given_away_while_a_batch_is_held(opened: Opener) -> None:
    mark = uuid4().hex
    one, two = await opened(), await opened()
    first = await one.subscribe(mark, [TOPIC])
    await one.producer().publish([a_record(f"k{n}", n, mark) for n in range(40)])
    holding, release = asyncio.Event(), asyncio.Event()
    first_got: list[Delivered] = []
    stopping = asyncio.Event()

    async def hold_then_consume() -> None:
        while not stopping.is_set():
            async with first.batch(most=500, wait_seconds=0.2) as batch:
                mine = [r for r in batch.records if r.headers.get("mark") == mark]
                if mine and not holding.is_set():
                    holding.set()
                    await release.wait()
                first_got.extend(mine)
                batch.finish()

    second_got: list[Delivered] = []

    async def join_and_consume() -> None:
        second = await two.subscribe(mark, [TOPIC])
        while not stopping.is_set():
            async with second.batch(most=500, wait_seconds=0.2) as batch:
                second_got.extend(r for r in batch.records if r.headers.get("mark") == mark)
                batch.finish()

    tasks = [asyncio.create_task(hold_then_consume())]
    async with asyncio.timeout(60):
        await holding.wait()
        tasks.append(asyncio.create_task(join_and_consume()))
        await asyncio.sleep(4)  # long enough for the second member to have asked for its share
        held_back = len(second_got)
        release.set()
        while len(first_got) + len(second_got) < 40:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
    stopping.set()
    await asyncio.gather(*tasks)
    assert held_back == 0
    numbers_read = sorted(int(r.headers["n"]) for r in [*first_got, *second_got])
    assert numbers_read == list(range(40)), "a record was read twice or not at all"


async def test_a_topic_is_read_again_from_a_time(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    producer = transport.producer()
    await producer.publish([a_record("k", n, mark) for n in range(3)])
    await asyncio.sleep(0.05)
    between = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await producer.publish([a_record("k", n, mark) for n in range(3, 6)])
    subscriber = await transport.subscribe(mark, [TOPIC])
    assert numbers(await read(subscriber, mark, 6), "k") == list(range(6))
    assert await subscriber.seek_to_time(TOPIC, between)
    assert numbers(await read(subscriber, mark, 3), "k") == [3, 4, 5]


async def test_lag_tells_what_waits_to_be_read(opened: Opener) -> None:
    transport, mark = await opened(), uuid4().hex
    producer = transport.producer()
    await producer.publish([a_record("k", 0, mark)])
    subscriber = await transport.subscribe(mark, [TOPIC])
    await read(subscriber, mark, 1)
    async with asyncio.timeout(30):
        while sum((await subscriber.lag()).values()) > 0:
            async with subscriber.batch(most=100, wait_seconds=0.2) as batch:
                batch.finish()
    assert sum((await subscriber.lag()).values()) == 0


async def test_publishing_nothing_is_fine(opened: Opener) -> None:
    await (await opened()).producer().publish([])

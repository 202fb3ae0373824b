"""What a transaction says is published when it has committed, in order, and never lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from mejora_events.errors import EventTooLarge, TransportUnavailable
from mejora_events.ids import EventId
from mejora_events.record import Record
from mejora_events.sql import row, run
from mejora_events.store import Work
from mejora_events.transports import connect
from support.ground import Ground, a_ground, running
from support.proxy import Proxy, State

LOCK_ROW = """
insert into thing (name) values (:name) on conflict (name) do update set n = thing.n + 1
"""


@dataclass
class Broker:
    """A producer that remembers; it fails or hangs as a test asks."""

    away: bool = False
    silent: bool = False
    published: list[Record] = field(default_factory=list)
    calls: int = 0

    async def publish(self, records: Sequence[Record]) -> None:
        self.calls += 1
        if self.away:
            raise TransportUnavailable("nobody is there")
        if self.silent:
            await asyncio.Event().wait()
        self.published += records

    async def close(self) -> None:
        """Nothing is held."""

    def ids(self) -> list[str]:
        return [record.headers["ce_id"] for record in self.published]


async def change_and_emit(work: Work, ground: Ground, name: str, n: int) -> EventId:
    await run(work.conn, LOCK_ROW, name=name)
    return work.emit(ground.contract(name=name, n=n))


async def waiting(ground: Ground) -> int:
    return len(await ground.ask("select 1 from outbox"))


async def until_empty(ground: Ground) -> None:
    async with asyncio.timeout(20):
        while await waiting(ground):
            await asyncio.sleep(0.02)


async def test_a_state_change_and_its_events_commit_together(ground: Ground) -> None:
    async with ground.store.begin(actor="test") as work:
        event_id = await change_and_emit(work, ground, "a", 1)
        assert await ground.ask("select * from thing") == []
        assert await waiting(ground) == 0
    assert await ground.ask("select name from thing") == [{"name": "a"}]
    (kept,) = await ground.ask("select event_id, topic, key from outbox")
    assert kept == {"event_id": event_id, "topic": ground.topic, "key": "a"}


async def test_a_transaction_that_fails_says_nothing(ground: Ground) -> None:
    with pytest.raises(ZeroDivisionError):
        async with ground.store.begin(actor="test") as work:
            await change_and_emit(work, ground, "a", 1)
            raise ZeroDivisionError
    assert await ground.ask("select * from thing") == []
    assert await waiting(ground) == 0


async def test_an_event_that_no_broker_takes_is_refused_with_its_state_change(
    ground: Ground,
) -> None:
    with pytest.raises(EventTooLarge, match=r"counted\.v1 of xxx.* bytes"):
        async with ground.store.begin(actor="test") as work:
            await run(work.conn, LOCK_ROW, name="a")
            work.emit(ground.contract(name="x" * 1_000_001, n=1))
    assert await ground.ask("select * from thing") == []


async def test_events_are_published_in_the_order_of_commits_per_key(ground: Ground) -> None:
    """Many writers at once: what each key's row says it was changed by is what is published."""

    async def write(writer: int) -> None:
        for n in range(8):
            async with ground.store.begin(actor="test") as work:
                await run(work.conn, LOCK_ROW, name=f"k{(writer + n) % 3}")
                now = await row(
                    work.conn, "select n from thing where name = :name", name=f"k{(writer + n) % 3}"
                )
                assert now is not None
                await asyncio.sleep(0.001 * (writer % 3))
                work.emit(ground.contract(name=f"k{(writer + n) % 3}", n=now["n"]))

    broker = Broker()
    async with running(ground.relay(producer=broker, batch=5)):
        await asyncio.gather(*(write(writer) for writer in range(10)))
        await until_empty(ground)
    assert len(broker.published) == 80
    for key in ("k0", "k1", "k2"):
        said = [int(r.value.split(b'"n":')[1][:-1]) for r in broker.published if r.key == key]
        assert said == list(range(len(said)))


async def test_a_transaction_that_took_its_place_earlier_and_commits_later_is_not_lost(
    ground: Ground,
) -> None:
    broker = Broker()
    async with running(ground.relay(producer=broker)):
        async with ground.store.begin(actor="test") as late:
            first = await change_and_emit(late, ground, "late", 1)
            await late.append_to_outbox()
            late.forget_since(0)  # it is appended: the commit must not append it again
            second = (await ground.emit("soon", 1))[0]
            async with asyncio.timeout(10):
                while broker.ids() != [str(second)]:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)  # the relay looks again, and finds nothing more
        await until_empty(ground)
    assert broker.ids() == [str(second), str(first)]
    numbers = {r["event_id"] for r in await ground.ask("select event_id from journal")}
    assert numbers == {first, second}


async def test_one_relay_publishes_at_a_time_and_the_other_takes_over_when_it_dies(
    ground: Ground,
) -> None:
    silent, other = Broker(silent=True), Broker()
    await ground.emit("k", 1, 2, 3)
    dying = asyncio.create_task(ground.relay(producer=silent).run(asyncio.Event()))
    async with asyncio.timeout(10):
        while not silent.calls:
            await asyncio.sleep(0.01)
    async with running(ground.relay(producer=other)):
        await asyncio.sleep(0.5)
        assert other.published == [], "two relays published at once"
        dying.cancel()
        await asyncio.wait({dying})
        await until_empty(ground)
    assert [record.key for record in other.published] == ["k", "k", "k"]


async def test_while_the_broker_is_away_the_outbox_grows_then_drains_by_itself(
    ground: Ground,
) -> None:
    broker = Broker(away=True)
    relay = ground.relay(producer=broker)
    async with running(relay):
        for n in range(20):
            await ground.emit(f"k{n % 3}", n)
        await asyncio.sleep(0.2)
        events, oldest_seconds = await relay.waiting()
        assert events == 20
        assert 0 < oldest_seconds < 20
        assert relay.last_error is not None
        broker.away = False
        await until_empty(ground)
        assert await relay.waiting() == (0, 0.0)
        async with asyncio.timeout(5):
            while relay.last_error is not None:
                await asyncio.sleep(0.01)
    assert len(broker.ids()) == len(set(broker.ids())) == 20


async def test_a_relay_stops_within_seconds_though_the_broker_does_not_answer(
    ground: Ground,
) -> None:
    await ground.emit("k", 1)
    silent = Broker(silent=True)
    relay = ground.relay(producer=silent, patience_seconds=0.5)
    async with running(relay, seconds=3):
        async with asyncio.timeout(5):
            while relay.last_error is None:
                await asyncio.sleep(0.01)
        assert relay.last_error == "not confirmed within 0.5 seconds"
    assert await waiting(ground) == 1


async def test_an_error_that_nobody_thought_of_does_not_end_the_relay(ground: Ground) -> None:
    class Broken(Broker):
        async def publish(self, records: Sequence[Record]) -> None:
            if not self.calls:
                self.calls += 1
                raise AssertionError("the library met something that it did not expect")
            await super().publish(records)

    broker = Broken()
    await ground.emit("k", 1)
    async with running(ground.relay(producer=broker)):
        await until_empty(ground)
    assert len(broker.published) == 1


async def test_a_relay_waits_for_its_store(database: str) -> None:
    transport = connect(database, partitions=1)
    async with Proxy(database) as proxy, a_ground(proxy.address, transport) as ground:
        broker = Broker()
        relay = ground.relay(producer=broker)
        async with running(relay):
            await ground.emit("k", 1)
            await until_empty(ground)
            for state in (State.STARTING, State.REFUSING):
                await proxy.become(state)
                async with asyncio.timeout(10):
                    while relay.last_error is None:
                        await asyncio.sleep(0.01)
                await proxy.become(State.OPEN)
                await ground.emit("k", 2)
                await until_empty(ground)
        assert len(broker.published) == 3
    await transport.close()


async def test_what_a_crash_makes_it_publish_twice_takes_effect_once(each_ground: Ground) -> None:
    """The relay dies after the broker confirmed and before the outbox is emptied."""
    ids = await each_ground.emit("k", *range(10))

    class Crashing:
        def __init__(self) -> None:
            self.crashed = asyncio.Event()
            self.producer = each_ground.transport.producer()

        async def publish(self, records: Sequence[Record]) -> None:
            await self.producer.publish(records)
            self.crashed.set()
            await asyncio.Event().wait()

        async def close(self) -> None:
            """The transport closes the producer."""

    producer = Crashing()
    dying = asyncio.create_task(each_ground.relay(producer=producer).run(asyncio.Event()))
    await asyncio.wait_for(producer.crashed.wait(), 20)
    dying.cancel()
    await asyncio.wait({dying})
    assert await waiting(each_ground) == 10
    consumer = each_ground.consumer()
    async with running(each_ground.relay(), consumer):
        await until_empty(each_ground)
        await each_ground.until_effects(10)
        async with asyncio.timeout(20):
            while consumer.counts.repeated < 10:
                await asyncio.sleep(0.02)
    assert await each_ground.effects() == list(range(10))
    journal = [r["event_id"] for r in await each_ground.ask("select event_id from journal")]
    assert sorted(journal) == sorted(ids), "the journal has each event once"


async def test_a_committed_event_wakes_the_relay_at_once(ground: Ground) -> None:
    broker = Broker()
    async with running(ground.relay(producer=broker, poll_seconds=60)):
        await asyncio.sleep(0.2)
        await ground.emit("k", 1)
        async with asyncio.timeout(2):
            while not broker.published:
                await asyncio.sleep(0.005)

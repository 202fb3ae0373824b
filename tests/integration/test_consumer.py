"""Each event takes effect exactly once and in order, whatever is delivered, fails or is away."""

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from mejora_events.consumer import Consumer
from mejora_events.contracts import TOPICS
from mejora_events.contracts.dead_letters import DeadLetterRecorded
from mejora_events.envelope import Event, decode
from mejora_events.reactions import Reaction
from mejora_events.record import Delivered, Record
from mejora_events.sql import run
from mejora_events.store import Work
from mejora_events.tracing import trace_of
from mejora_events.transports import connect
from support.ground import Ground, a_ground, running
from support.proxy import Proxy, State

SCHEMAS = Path(__file__).parents[2] / "libs" / "events" / "schemas"


class Poison(Exception):
    """What a reaction raises for the number 13."""


def poisoned(ground: Ground) -> Reaction:
    """Give the ground's reaction, which cannot stand the number 13."""

    async def react(work: Work, events: Sequence[Event[Any]]) -> None:
        if any(event.data.n == 13 for event in events):
            raise Poison("thirteen")
        await ground.take_effect(work, events)

    return react


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_each_event_takes_effect_once_though_every_record_is_delivered_twice(
    each_ground: Ground,
) -> None:
    records = [each_ground.record(f"k{n % 4}", n) for n in range(40)]
    await each_ground.publish(*(record for record in records for _ in range(2)))
    await each_ground.publish(*records)
    consumer = each_ground.consumer(batch=7)
    async with running(consumer):
        await until(lambda: consumer.counts.applied + consumer.counts.repeated == 120)
    assert sorted(await each_ground.effects()) == list(range(40))
    for key in range(4):
        assert await each_ground.effects(f"k{key}") == list(range(key, 40, 4))
    assert consumer.counts.applied == 40


async def test_each_consumer_has_its_own_inbox(ground: Ground) -> None:
    await ground.publish(*(ground.record("k", n) for n in range(5)))
    async with running(ground.consumer(name="one"), ground.consumer(name="two")):
        await ground.until_effects(10)
    assert sorted(await ground.effects()) == sorted([*range(5), *range(5)])


async def test_a_batch_is_one_transaction(ground: Ground) -> None:
    await ground.publish(*(ground.record(f"k{n}", n) for n in range(100)))
    sizes: list[int] = []

    async def react(work: Work, events: Sequence[Event[Any]]) -> None:
        sizes.append(len(events))
        await ground.take_effect(work, events)

    consumer = ground.consumer(react)
    async with running(consumer):
        await ground.until_effects(100)
    assert sum(sizes) == 100
    assert len(sizes) <= 3
    assert consumer.counts.batches == len(sizes)


async def test_one_bad_record_stops_nobody_else(each_ground: Ground) -> None:
    """Its key is parked, what follows on it waits, and other keys go on."""
    await each_ground.publish(
        each_ground.record("a", 1),
        each_ground.record("bad", 13),
        each_ground.record("b", 2),
        each_ground.undecodable("torn"),
        each_ground.record("bad", 14),
        each_ground.record("torn", 3),
        each_ground.record("a", 4),
    )
    consumer = each_ground.consumer(poisoned(each_ground))
    async with running(consumer):
        await each_ground.until_effects(3)
        await each_ground.until_letters(4)
        await each_ground.publish(each_ground.record("bad", 15), each_ground.record("b", 5))
        await each_ground.until_effects(4)
        await each_ground.until_letters(5)
    assert await each_ground.effects("a") == [1, 4]
    assert await each_ground.effects("b") == [2, 5]
    assert [(state, key) for state, key, _ in await each_ground.letters()] == [
        ("dead", "bad"),
        ("waiting", "bad"),
        ("waiting", "bad"),
        ("dead", "torn"),
        ("waiting", "torn"),
    ]
    reasons = await each_ground.ask("select key, reason, attempts from dead_letter order by 1, 3")
    told = {r["key"]: (r["reason"], r["attempts"]) for r in reasons if r["attempts"]}
    assert told["bad"] == ("Poison('thirteen')", 3)
    assert told["torn"][0].startswith("Undecodable('the data is no ")
    assert told["torn"][1] == 1, "what cannot be decoded was tried again"


async def test_the_world_is_told_of_a_dead_letter(each_ground: Ground) -> None:
    """The event is valid by its schema, holds the record as it was, and goes on its trace."""
    record = each_ground.undecodable("k")
    hop = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    torn = Record(record.topic, record.key, {**record.headers, "traceparent": hop}, record.value)
    large = each_ground.record("large", 1)
    large = Record(large.topic, large.key, large.headers, b"x" * 1_000_000)
    async with running(each_ground.consumer(), each_ground.relay()):
        await each_ground.publish(torn, large)
        await each_ground.until_letters(2)
        told = await dead_letters_of(each_ground)
    letter, of_large = told["k"], told["large"]
    schema = SCHEMAS / f"{DeadLetterRecorded.TYPE}.json"
    Draft202012Validator(json.loads(schema.read_text()), format_checker=FormatChecker()).validate(
        json.loads(letter.value)
    )
    event = decode(letter)
    ((state, _, letter_id), _) = await each_ground.letters()
    assert (state, letter_id) == ("dead", event.data.letter_id)
    assert event.data.consumer == f"group-{each_ground.topic}"
    assert event.data.original_topic == each_ground.topic
    assert event.data.original_headers == torn.headers
    assert base64.b64decode(event.data.original_value_base64) == torn.value
    assert event.data.attempts == 1
    assert trace_of(event.traceparent) == trace_of(hop)
    assert base64.b64decode(decode(of_large).data.original_value_base64) == large.value


async def dead_letters_of(ground: Ground) -> dict[str, Delivered]:
    """Read the dead letters of the ground's consumer from the topic, until there are two."""
    await ground.transport.open([t for t in TOPICS if t.name == DeadLetterRecorded.TOPIC])
    subscriber = await ground.transport.subscribe(uuid4().hex, [DeadLetterRecorded.TOPIC])
    found: dict[str, Delivered] = {}
    async with asyncio.timeout(20):
        while len(found) < 2:
            async with subscriber.batch(most=100, wait_seconds=0.2) as batch:
                for record in batch.records:
                    if ground.topic.encode() in record.value:
                        found[record.key] = record
                batch.finish()
    await subscriber.close()
    return found


async def test_a_retry_takes_the_dead_and_then_the_waiting_in_order(ground: Ground) -> None:
    await ground.publish(*(ground.record("k", n) for n in (1, 13, 2, 3)))
    async with running(ground.consumer(poisoned(ground))):
        await ground.until_letters(3)
    mended = ground.consumer()
    ((_, _, letter_id), *_) = await ground.letters()
    assert await mended.retry(letter_id, "key:admin") == 3
    assert await ground.effects() == [1, 13, 2, 3]
    assert await ground.letters() == []
    async with running(mended):
        await ground.publish(ground.record("k", 4))
        await ground.until_effects(5)
    assert await ground.effects() == [1, 13, 2, 3, 4]


async def test_a_retry_that_fails_again_leaves_everything_as_it_was(ground: Ground) -> None:
    await ground.publish(*(ground.record("k", n) for n in (13, 2)))
    consumer = ground.consumer(poisoned(ground))
    async with running(consumer):
        await ground.until_letters(2)
    ((_, _, letter_id), *_) = await ground.letters()
    before = await ground.ask("select count(*) as events from outbox")
    assert await consumer.retry(letter_id, "key:admin") == 0
    assert await ground.effects() == []
    assert [state for state, _, _ in await ground.letters()] == ["dead", "waiting"]
    assert await ground.ask("select attempts from dead_letter where state = 'dead'") == [
        {"attempts": 4}
    ]
    assert await ground.ask("select count(*) as events from outbox") == before


async def test_a_retry_stops_at_the_next_that_fails_which_is_then_the_dead_one(
    ground: Ground,
) -> None:
    await ground.publish(ground.undecodable("k"), *(ground.record("k", n) for n in (1, 13, 2)))
    consumer = ground.consumer(poisoned(ground))
    async with running(consumer):
        await ground.until_letters(4)
    ((_, _, torn), *_) = await ground.letters()
    assert await consumer.drop(torn, "key:admin") == 1
    assert await ground.effects() == [1]
    states = [state for state, _, _ in await ground.letters()]
    assert states == ["dropped", "dead", "waiting"]
    (_, (_, _, poison), _) = await ground.letters()
    assert await ground.consumer().retry(poison, "key:admin") == 2
    assert await ground.effects() == [1, 13, 2]


async def test_a_drop_goes_on_with_what_waits(ground: Ground) -> None:
    await ground.publish(*(ground.record("k", n) for n in (13, 2, 3)))
    consumer = ground.consumer(poisoned(ground))
    async with running(consumer):
        await ground.until_letters(3)
        ((_, _, letter_id), *_) = await ground.letters()
        assert await consumer.drop(letter_id, "key:admin") == 2
        await ground.publish(ground.record("k", 4))
        await ground.until_effects(3)
    assert await ground.effects() == [2, 3, 4]
    assert [state for state, _, _ in await ground.letters()] == ["dropped"]


async def test_what_waits_goes_on_in_the_order_of_the_log_not_of_clocks(ground: Ground) -> None:
    consumer = ground.consumer(poisoned(ground))
    hours = {13: 9, 1: 7, 2: 8, 3: 6}  # the writers' clocks do not agree
    for offset, (n, hour) in enumerate(hours.items()):
        record = ground.record("k", n)
        at = datetime(2026, 3, 2, hour, tzinfo=UTC)
        told = Delivered(record.topic, "k", record.headers, record.value, 0, offset, at)
        assert await consumer._take([told], asyncio.Event())
    ((_, _, letter_id), *_) = await ground.letters()
    assert await consumer.drop(letter_id, "key:admin") == 3
    assert await ground.effects() == [1, 2, 3]


@pytest.mark.parametrize("settled_by", ["nobody", "drop", "retry"])
async def test_a_failed_record_that_comes_again_is_not_doubled(
    ground: Ground, settled_by: str
) -> None:
    poison = ground.record("k", 13)
    torn = ground.undecodable("torn")
    await ground.publish(poison, ground.record("k", 2), torn)
    consumer = ground.consumer(poisoned(ground))
    async with running(consumer):
        await ground.until_letters(3)
    mended = ground.consumer()
    letters = {
        key: letter_id for state, key, letter_id in await ground.letters() if state == "dead"
    }
    if settled_by == "drop":
        await mended.drop(letters["k"], "key:admin")
        await mended.drop(letters["torn"], "key:admin")
    elif settled_by == "retry":
        await mended.retry(letters["k"], "key:admin")
    before = await ground.letters()
    # Once more from the beginning, as after a crash before the offsets were committed.
    await ground.ask_for_replay(datetime(2020, 1, 1, tzinfo=UTC))
    async with running(mended):
        await ground.publish(ground.record("end", 99))
        await ground.until_effects(1, "end")
        await until(lambda: mended.counts.repeated >= (0 if settled_by == "nobody" else 2))
        await asyncio.sleep(0.5)
    assert await ground.effects("k") == {"nobody": [], "drop": [2], "retry": [13, 2]}[settled_by]
    assert await ground.letters() == before
    said = await ground.ask("select key from outbox where topic = 'mejora.dead-letters'")
    assert sorted(r["key"] for r in said) == ["k", "torn"], "a letter was told twice"


async def test_a_replay_applies_nothing_twice_and_brings_back_what_a_backup_lacks(
    each_ground: Ground,
) -> None:
    consumer = each_ground.consumer()
    await each_ground.publish(*(each_ground.record(f"k{n % 3}", n) for n in range(12)))
    async with running(consumer):
        await each_ground.until_effects(12)
        await asyncio.sleep(0.05)
        backup_at = datetime.now(UTC)
        await asyncio.sleep(0.05)
        await each_ground.publish(*(each_ground.record(f"k{n % 3}", n) for n in range(12, 24)))
        await each_ground.until_effects(24)

        await each_ground.ask_for_replay(backup_at)
        await until(lambda: consumer.counts.repeated == 12)
        assert sorted(await each_ground.effects()) == list(range(24))
    # The store as it was at the backup: effects and inbox are of the same age.
    async with each_ground.store.engine.begin() as conn:
        await run(conn, "delete from effect where n >= 12")
        await run(conn, "delete from inbox where received_at >= :at", at=backup_at)
        await run(conn, "delete from replay")
    restored = each_ground.consumer()
    async with running(restored):
        await each_ground.ask_for_replay(backup_at)
        await each_ground.until_effects(24)
    for key in range(3):
        assert await each_ground.effects(f"k{key}") == list(range(key, 24, 3))
    assert restored.counts.applied == 12


async def test_a_replay_from_a_time_not_reached_yet_skips_nothing(each_ground: Ground) -> None:
    """The consumer lags: what lies between where it is and the time asked for is read too."""
    await each_ground.publish(*(each_ground.record("k", n) for n in range(6)))
    subscriber = await each_ground.transport.subscribe(
        f"lag-{each_ground.topic}", [each_ground.topic]
    )
    async with asyncio.timeout(20):
        while True:
            async with subscriber.batch(most=2, wait_seconds=0.2) as batch:
                if batch.records:
                    batch.finish()
                    break
        await asyncio.sleep(0.05)
        between = datetime.now(UTC)
        await each_ground.publish(*(each_ground.record("k", n) for n in range(6, 8)))
        assert await subscriber.seek_to_time(each_ground.topic, between)
        read: list[Delivered] = []
        while len(read) < 6:
            async with subscriber.batch(most=100, wait_seconds=0.2) as batch:
                read += batch.records
                batch.finish()
    assert [b'"n":%d' % n in record.value for n, record in enumerate(read, 2)] == [True] * 6
    await subscriber.close()


async def test_while_the_store_is_away_a_batch_waits_and_nothing_is_lost(database: str) -> None:
    transport = connect(database, partitions=3)
    async with Proxy(database) as proxy, a_ground(proxy.address, transport) as ground:
        broken = asyncio.Event()

        async def cut_in_the_middle(work: Work, events: Sequence[Event[Any]]) -> None:
            if not broken.is_set():
                broken.set()
                await proxy.become(State.REFUSING)
            await ground.take_effect(work, events)

        await ground.publish(*(ground.record(f"k{n % 3}", n) for n in range(30)))
        consumer = ground.consumer(cut_in_the_middle, batch=10)
        async with running(consumer):
            await broken.wait()
            await asyncio.sleep(0.3)
            await proxy.become(State.STARTING)
            await asyncio.sleep(0.3)
            await proxy.become(State.OPEN)
            await ground.until_effects(30)
        assert sorted(await ground.effects()) == list(range(30))
        assert await ground.letters() == []
        assert consumer.counts.fallbacks == 0
    await transport.close()


async def test_a_consumer_stops_though_its_store_is_away_and_goes_on_later(database: str) -> None:
    transport = connect(database, partitions=3)
    async with Proxy(database) as proxy, a_ground(proxy.address, transport) as ground:
        await ground.publish(*(ground.record("k", n) for n in range(3)))
        await proxy.become(State.REFUSING)
        async with running(ground.consumer(), seconds=5):
            await asyncio.sleep(0.5)
        await proxy.become(State.OPEN)
        async with running(ground.consumer()):
            await ground.until_effects(3)
        assert await ground.effects() == [0, 1, 2]
    await transport.close()


async def test_a_stop_finishes_the_batch_in_hand_and_commits_its_offsets(
    each_ground: Ground,
) -> None:
    await each_ground.publish(*(each_ground.record("k", n) for n in range(5)))
    in_hand = asyncio.Event()

    async def slowly(work: Work, events: Sequence[Event[Any]]) -> None:
        in_hand.set()
        await asyncio.sleep(0.5)
        await each_ground.take_effect(work, events)

    async with running(each_ground.consumer(slowly)):
        await asyncio.wait_for(in_hand.wait(), 20)
    assert await each_ground.effects() == list(range(5))
    following = each_ground.consumer()
    async with running(following):
        await each_ground.publish(each_ground.record("k", 5))
        await each_ground.until_effects(6)
    assert following.counts.repeated == 0, "offsets were not committed"


async def test_two_members_share_the_work_and_each_event_takes_effect_once(
    each_ground: Ground, broker_address: str
) -> None:
    """A second member joins and leaves while events flow."""
    other_transport = connect(broker_address, partitions=3)

    async def slowly(work: Work, events: Sequence[Event[Any]]) -> None:
        await asyncio.sleep(0.01)
        await each_ground.take_effect(work, events)

    one = each_ground.consumer(slowly, batch=20)
    two = each_ground.consumer(slowly, batch=20, transport=other_transport)
    said = 0

    async def say_until(condition: Callable[[], bool]) -> None:
        nonlocal said
        async with asyncio.timeout(30):
            while not condition():
                numbers = range(said, said + 10)
                await each_ground.publish(*(each_ground.record(f"k{n % 9}", n) for n in numbers))
                said += 10
                await asyncio.sleep(0.02)

    async with running(one):
        await say_until(lambda: one.counts.applied >= 50)
        async with running(two):
            await say_until(lambda: two.counts.applied >= 50)
        alone = one.counts.applied
        await say_until(lambda: one.counts.applied >= alone + 50)
        await each_ground.until_effects(said)
    await other_transport.close()
    assert sorted(await each_ground.effects()) == list(range(said))
    for key in range(9):
        assert await each_ground.effects(f"k{key}") == list(range(key, said, 9))
    assert one.counts.applied + two.counts.applied == said
    assert await each_ground.letters() == []


async def test_transactions_that_collide_are_tried_again_as_a_batch(ground: Ground) -> None:
    async with ground.store.engine.begin() as conn:
        await run(conn, "insert into thing (name) values ('a'), ('b')")
    lock = "select 1 from thing where name = :name for update"
    holding = asyncio.Event()

    async def lock_crosswise(work: Work, events: Sequence[Event[Any]]) -> None:
        await run(work.conn, lock, name="a")
        holding.set()
        await run(work.conn, lock, name="b")
        await ground.take_effect(work, events)

    consumer = ground.consumer(lock_crosswise)
    await ground.publish(*(ground.record("k", n) for n in range(10)))
    async with running(consumer):
        async with ground.store.begin(actor="another") as work:
            await run(work.conn, lock, name="b")
            await holding.wait()
            # PostgreSQL ends the one that has waited longest, and that is the batch.
            await asyncio.sleep(0.2)
            await run(work.conn, lock, name="a")
        await ground.until_effects(10)
    assert await ground.effects() == list(range(10))
    assert consumer.counts.fallbacks == 0


async def test_an_error_of_the_library_below_does_not_end_the_consumer(ground: Ground) -> None:
    subscribe = ground.transport.subscribe
    calls = 0

    class Shaky:
        def __getattr__(self, name: str) -> Any:
            return getattr(ground.transport, name)

        async def subscribe(self, group: str, topics: Sequence[str]) -> Any:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise AssertionError("the library met something that it did not expect")
            return await subscribe(group, topics)

    await ground.publish(ground.record("k", 1))
    async with running(ground.consumer(transport=Shaky())):
        await ground.until_effects(1)


async def test_records_of_types_that_are_not_ours_are_passed_over(ground: Ground) -> None:
    stranger = ground.record("k", 1)
    unknown = dict(stranger.headers, ce_type=f"test.{uuid4().hex}.v2")
    await ground.publish(
        type(stranger)(stranger.topic, "k", unknown, b"anything"), ground.record("k", 2)
    )
    consumer: Consumer = ground.consumer()
    async with running(consumer):
        await ground.until_effects(1)
    assert await ground.effects() == [2]
    assert await ground.letters() == []

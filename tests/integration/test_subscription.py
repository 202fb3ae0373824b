"""The library that other services use, as docs/consuming-events.md shows it."""

import asyncio
import re
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import assert_type
from uuid import uuid4

import pytest

from mejora_events.contracts import TOPICS, TYPES
from mejora_events.contracts.problems import ProblemOpened
from mejora_events.envelope import Event, encode
from mejora_events.errors import Undecodable
from mejora_events.record import Record
from mejora_events.subscription import Subscription
from mejora_events.transports import connect
from support.ground import AT, Counted, Ground, a_ground, counted_on, event_of
from support.measured import a_problem
from support.proxy import Proxy, State

DOCUMENT = Path(__file__).parents[2] / "docs" / "consuming-events.md"

Read = Callable[[str], Awaitable[None]]


def shown_in_the_document() -> Read:
    """Make a function of an address out of the document's code, as it stands there."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    made: dict[str, Read] = {}
    exec(f"async def read(address):\n{textwrap.indent(code, '    ')}", made)
    return made["read"]


def test_it_takes_five_lines() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 5


async def test_the_documents_code_reads_events(
    broker_address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    transport = connect(broker_address, partitions=3)
    await transport.open([topic for topic in TOPICS if topic.name == ProblemOpened.TOPIC])
    title = f"Checkout times out {uuid4().hex}"
    problem = a_problem(1, AT).model_copy(update={"title": title})
    await transport.producer().publish([encode(event_of(ProblemOpened(problem=problem)))])
    reading = asyncio.ensure_future(shown_in_the_document()(broker_address))
    printed = ""
    async with asyncio.timeout(20):
        while title not in printed:
            assert not reading.done(), reading.result()
            await asyncio.sleep(0.05)
            printed += capsys.readouterr().out
    assert f"2026-03-02 09:30:00+00:00 {title}" in printed
    reading.cancel()
    await asyncio.wait({reading})
    await transport.close()


def subscription(ground: Ground, address: str, **settings: bool) -> Subscription[Counted]:
    return Subscription(address, ground.contract, group=f"g-{ground.topic}", **settings)


async def some(ground: Ground, address: str, count: int) -> list[int]:
    """Read so many numbers, then leave in the middle of what was fetched."""
    read: list[int] = []
    async with asyncio.timeout(20), subscription(ground, address) as subscribed:
        async for event in subscribed:
            assert_type(event, Event[Counted])
            read.append(event.data.n)
            if len(read) == count:
                break
    return read


async def test_what_was_used_does_not_come_again_and_the_rest_does(
    each_ground: Ground, broker_address: str
) -> None:
    await each_ground.publish(*(each_ground.record("k", n) for n in range(10)))
    assert await some(each_ground, broker_address, 3) == [0, 1, 2]
    assert await some(each_ground, broker_address, 4) == [3, 4, 5, 6]
    assert await some(each_ground, broker_address, 3) == [7, 8, 9]


async def test_one_that_an_error_met_comes_again(each_ground: Ground, broker_address: str) -> None:
    await each_ground.publish(*(each_ground.record("k", n) for n in range(4)))
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(20), subscription(each_ground, broker_address) as subscribed:
            async for event in subscribed:
                if event.data.n == 2:
                    raise ZeroDivisionError
    assert await some(each_ground, broker_address, 2) == [2, 3]


async def test_a_loop_that_is_left_goes_on_where_it_was(ground: Ground, database: str) -> None:
    await ground.publish(*(ground.record("k", n) for n in range(6)))
    async with asyncio.timeout(20), subscription(ground, database) as subscribed:
        async for event in subscribed:
            if event.data.n == 2:
                break
        assert [(await anext(subscribed)).data.n for _ in range(3)] == [3, 4, 5]


async def test_a_record_that_is_no_event_is_told_or_passed_over(
    ground: Ground, database: str
) -> None:
    await ground.publish(
        ground.record("k", 0),
        ground.undecodable("k"),
        Record(ground.topic, "k", {}, b"no event at all"),
        ground.record("k", 1),
    )
    async with asyncio.timeout(20), subscription(ground, database) as told:
        assert (await anext(told)).data.n == 0
        with pytest.raises(Undecodable, match="the data is no"):
            await anext(told)
        with pytest.raises(Undecodable, match="ce_type is missing"):
            await anext(told)
        assert (await anext(told)).data.n == 1
    async with (
        asyncio.timeout(20),
        Subscription(database, ground.contract, group="other", skip_undecodable=True) as passed,
    ):
        assert [(await anext(passed)).data.n for _ in range(2)] == [0, 1]


async def test_types_that_were_not_asked_for_are_passed_over(
    ground: Ground, database: str, another: type[Counted]
) -> None:
    stranger = encode(event_of(another(name="k", n=9)))
    await ground.publish(
        Record(ground.topic, "k", stranger.headers, stranger.value), ground.record("k", 1)
    )
    async with asyncio.timeout(20), subscription(ground, database) as subscribed:
        assert (await anext(subscribed)).data.n == 1


@pytest.fixture
async def another() -> AsyncIterator[type[Counted]]:
    """A type that a subscription does not ask for."""
    contract = counted_on(f"another.{uuid4().hex}")
    yield contract
    del TYPES[contract.TYPE]


async def test_a_broker_that_is_away_is_waited_for(database: str) -> None:
    transport = connect(database, partitions=2)
    async with (
        asyncio.timeout(30),
        a_ground(database, transport) as ground,
        Proxy(database) as proxy,
    ):
        await ground.publish(ground.record("k", 1))
        async with subscription(ground, proxy.address) as subscribed:
            assert (await anext(subscribed)).data.n == 1
            await proxy.become(State.REFUSING)
            await ground.publish(ground.record("k", 2))
            waiting = asyncio.ensure_future(anext(subscribed))
            await asyncio.sleep(0.5)
            assert not waiting.done()
            await proxy.become(State.OPEN)
            repeated_or_next = (await waiting).data.n
            assert repeated_or_next in (1, 2)
            if repeated_or_next == 1:
                assert (await anext(subscribed)).data.n == 2
    await transport.close()


async def test_it_has_to_be_opened_first(ground: Ground, database: str) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await anext(subscription(ground, database))

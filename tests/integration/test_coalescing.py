"""Many requests, few transactions: each is answered for what is its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
from asyncpg import SerializationError
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_events.sql import rows, run
from mejora_events.store import Store, Work
from mejora_service import coalesce
from mejora_service.coalesce import Coalescer
from mejora_service.errors import TooMany, Unavailable

Item = tuple[str, int]
"""What it is about, and its number."""


class Taking:
    """Takes items into a table, and tells for each which of its thing it is."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rounds: list[int] = []
        self.collisions = 0
        """How many rounds are yet to collide with another."""

    async def __call__(self, work: Work, items: Sequence[Item]) -> list[int]:
        self.rounds.append(len(items))
        if any(number < 0 for _, number in items):
            raise ValueError("a number is negative")
        if self.collisions:
            self.collisions -= 1
            raise SerializationError("on purpose")
        await run(
            work.conn,
            "insert into taken (thing, number)"
            " select * from unnest(cast(:things as text[]), cast(:numbers as integer[]))",
            things=[thing for thing, _ in items],
            numbers=[number for _, number in items],
        )
        return [number for _, number in items]

    async def taken(self) -> list[Item]:
        """Give what was committed, in its order."""
        async with self.store.read() as conn:
            found = await rows(conn, "select thing, number from taken order by place")
        return [(r["thing"], r["number"]) for r in found]


@pytest.fixture
async def taking(database: str) -> AsyncIterator[Taking]:
    engine = create_async_engine(database)
    store = Store(engine, "taking")
    async with engine.begin() as conn:
        await run(
            conn,
            "create table taken (place bigserial, thing text, number integer, primary key (place))",
        )
        await run(conn, "create table outbox (seq bigserial)")
    yield Taking(store)
    await engine.dispose()


def coalescer(taking: Taking, **bounds: int) -> Coalescer[Item, int]:
    return Coalescer(
        taking.store, "taking", taking, lambda item: item[0], size=lambda item: 10, **bounds
    )


async def test_each_request_is_answered_in_its_order_and_each_thing_keeps_its_own(
    taking: Taking,
) -> None:
    posts = [
        [(f"thing {number % 7}", number) for number in range(first, first + size)]
        for first, size in ((0, 100), (100, 1), (200, 100), (300, 19), (400, 250), (700, 1))
    ]
    async with coalescer(taking).running() as many:
        answers = await asyncio.gather(*(many.submit(post) for post in posts))
    assert answers == [[number for _, number in post] for post in posts]
    taken = await taking.taken()
    assert Counter(taken) == Counter(item for post in posts for item in post)
    for thing in {thing for thing, _ in taken}:
        numbers = [number for about, number in taken if about == thing and number < 700]
        assert numbers == sorted(numbers)
    assert len(taking.rounds) < len(posts) * 2


async def test_one_that_cannot_be_taken_fails_alone(taking: Taking) -> None:
    good = [[("good", number)] for number in range(1, 6)]
    async with coalescer(taking).running() as many:
        answers = await asyncio.gather(
            many.submit([("bad", -1)]),
            *(many.submit(post) for post in good),
            return_exceptions=True,
        )
    assert isinstance(answers[0], ValueError)
    assert answers[1:] == [[number] for number in range(1, 6)]
    assert sorted(await taking.taken()) == sorted(item for post in good for item in post)


async def test_a_round_that_collides_is_taken_again(taking: Taking) -> None:
    taking.collisions = 2
    async with coalescer(taking).running() as many:
        assert await many.submit([("thing", 1)]) == [1]
    assert await taking.taken() == [("thing", 1)]


async def test_what_waits_is_taken_before_the_end_and_too_much_is_refused(taking: Taking) -> None:
    async with coalescer(taking, most_waiting=100).running() as many:
        posts = [asyncio.create_task(many.submit([("thing", n)] * 40)) for n in range(5)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*posts, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, TooMany)]
    assert refused
    assert len(await taking.taken()) == 40 * (5 - len(refused))


async def test_too_many_bytes_are_refused_though_they_are_few_items(taking: Taking) -> None:
    async with coalescer(taking, most_bytes_waiting=1000).running() as many:
        posts = [asyncio.create_task(many.submit([("thing", n)] * 60)) for n in range(3)]
        await asyncio.sleep(0)
        answers = await asyncio.gather(*posts, return_exceptions=True)
        assert [isinstance(answer, TooMany) for answer in answers] == [False, True, True]
        assert len(await many.submit([("alone", 1)] * 200)) == 200


async def test_a_round_that_the_store_never_ends_is_broken_off(
    taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coalesce, "_LONGEST_ROUND_SECONDS", 0.3)
    async with coalescer(taking).running() as many:
        async with taking.store.begin(actor="another") as work:
            await run(work.conn, "lock table taken in access exclusive mode")
            with pytest.raises(Unavailable):
                await many.submit([("thing", 1)])
        assert await many.submit([("thing", 2)]) == [2]
    assert ("thing", 2) in await taking.taken()

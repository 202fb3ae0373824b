"""Which errors mean that the store is away: told by the errors that a real PostgreSQL gives."""

import asyncio
from collections.abc import AsyncIterator
from itertools import islice

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from mejora_events.faults import backoff, collided, store_is_away, wait_or
from mejora_events.sql import STORE_ERRORS, row, run
from support.proxy import Proxy, State


@pytest.fixture
async def proxy(database: str) -> AsyncIterator[Proxy]:
    """The way to a fresh database, which can be closed."""
    async with Proxy(database) as one:
        yield one


@pytest.fixture
async def engine(proxy: Proxy) -> AsyncIterator[AsyncEngine]:
    """Connections by way of the proxy, two at most."""
    made = create_async_engine(proxy.address, pool_size=2, max_overflow=0, pool_timeout=0.2)
    yield made
    await made.dispose()


async def error_of(engine: AsyncEngine, *script: str, **params: object) -> Exception:
    try:
        async with engine.begin() as conn:
            for sql in script:
                await run(conn, sql, **params)
    except Exception as error:  # noqa: BLE001 (whatever comes is what is looked at)
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("select cast(:n as integer)", {"n": "no number"}),  # asyncpg's own DataError
        ("select cast(:text as text)", {"text": "zero \0 byte"}),  # the server's DataError
        ("select 1 / 0", {}),
        ("select * from nowhere", {}),
        ("selec 1", {}),
        ("insert into t values (1), (1)", {}),
        ("set local statement_timeout = 20; select pg_sleep(5)", {}),
    ],
)
async def test_a_statement_that_cannot_succeed_does_not_mean_that_the_store_is_away(
    engine: AsyncEngine, sql: str, params: dict[str, object]
) -> None:
    async with engine.begin() as conn:
        await run(conn, "create table t (n integer primary key)")
    error = await error_of(engine, *sql.split("; "), **params)
    assert not store_is_away(error), repr(error)
    assert not collided(error)


async def test_a_store_that_cannot_be_reached_is_away_and_comes_back(
    proxy: Proxy, engine: AsyncEngine
) -> None:
    assert store_is_away(await error_while_cut(proxy, engine))
    assert store_is_away(await error_of(engine, "select 1")), "nobody listens"
    await proxy.become(State.STARTING)
    assert store_is_away(await error_of(engine, "select 1")), "it starts up"
    await proxy.become(State.OPEN)
    async with engine.connect() as conn:
        assert await row(conn, "select 1 as one")


async def error_while_cut(proxy: Proxy, engine: AsyncEngine) -> Exception:
    with pytest.raises(STORE_ERRORS) as caught:
        async with engine.begin() as conn:
            await run(conn, "select 1")
            await proxy.become(State.REFUSING)
            await run(conn, "select 1")
    error = caught.value
    assert isinstance(error, Exception)
    return error


@pytest.mark.parametrize(
    "sql",
    [
        "select pg_terminate_backend(pg_backend_pid())",
        "set transaction read only",
    ],
)
async def test_a_server_that_ends_our_session_or_only_reads_is_away(
    engine: AsyncEngine, sql: str
) -> None:
    error = await error_of(engine, sql, "create table t (n integer)")
    assert store_is_away(error), repr(error)


async def test_a_database_that_is_gone_is_away(engine: AsyncEngine, proxy: Proxy) -> None:
    elsewhere = create_async_engine(engine.url.set(database="not_there"))
    assert store_is_away(await error_of(elsewhere, "select 1"))
    await elsewhere.dispose()


async def test_a_pool_that_is_used_up_is_away(engine: AsyncEngine) -> None:
    async with engine.connect(), engine.connect():
        assert store_is_away(await error_of(engine, "select 1"))


async def test_transactions_that_collide_may_be_tried_again(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        await run(conn, "create table t (n integer primary key)")
        await run(conn, "insert into t values (1), (2)")
    first_has_locked, second_has_locked = asyncio.Event(), asyncio.Event()

    async def lock(one: int, other: int, mine: asyncio.Event, others: asyncio.Event) -> None:
        async with engine.begin() as conn:
            await run(conn, "select 1 from t where n = :n for update", n=one)
            mine.set()
            await others.wait()
            await run(conn, "select 1 from t where n = :n for update", n=other)

    outcomes = await asyncio.gather(
        lock(1, 2, first_has_locked, second_has_locked),
        lock(2, 1, second_has_locked, first_has_locked),
        return_exceptions=True,
    )
    (deadlock,) = [outcome for outcome in outcomes if outcome is not None]
    assert collided(deadlock), repr(deadlock)
    assert not store_is_away(deadlock)


def test_waits_double_up_to_a_limit_each_spread_by_half() -> None:
    waits = list(islice(backoff(0.1, 1.0), 8))
    for wait, longest in zip(waits, [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0], strict=True):
        assert longest / 2 <= wait <= longest


async def test_a_wait_ends_when_what_is_waited_for_comes() -> None:
    event = asyncio.Event()
    assert not await wait_or(event, 0.01)
    event.set()
    assert await wait_or(event, 30)

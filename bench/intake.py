"""`intake.single` and `intake.batch`: how fast signals become durable."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import asyncpg

from bench.figure import Figure
from bench.ground import Ground, RunningService, plain
from bench.load import Delivery, Mix, Order, in_own_process
from bench.scale import Scale

_SIGNALS = "/intake/v1/signals"
_TABLES = ("signal", "delivery")
"""Each signal leaves a row in both."""
_A_ROUND = 1000
"""How many signals intake takes in one transaction at most."""


async def single(ground: Ground, scale: Scale) -> list[Figure]:
    """Durable signals a second, one a post, against a route that only validates and answers."""
    limit_is = "a FastAPI route that validates the same body and answers"
    storm = Figure("intake.single", "signals/s", limit_is, least=0.6)
    all_new = Figure("intake.single.all_new", "signals/s", limit_is)
    async with AsyncExitStack() as stack:
        await ground.without_topics()
        floor = await stack.enter_async_context(ground.floor())
        intake = await stack.enter_async_context(ground.service("intake"))
        deliveries: list[Delivery] = []
        for number in range(scale.rounds):
            limit = await in_own_process(_order(scale, floor.port, "/v1/signals", f"l{number}"))
            _all_accepted([limit])
            for figure, mix in ((storm, Mix.STORM), (all_new, Mix.ALL_NEW)):
                name = f"{mix.value}{number}"
                order = _order(scale, intake.port, _SIGNALS, name, intake.key, mix)
                deliveries.append(await in_own_process(order))
                figure.add(limit=limit.per_second, ours=deliveries[-1].per_second)
                figure.notes["p50 ms"] = round(deliveries[-1].p50_ms, 1)
                figure.notes["p99 ms"] = round(deliveries[-1].p99_ms, 1)
        await _all_kept(intake, deliveries)
    return [storm, all_new]


async def batch(ground: Ground, scale: Scale) -> list[Figure]:
    """Durable signals a second in posts of a hundred, against COPY of the same rows.

    The limit commits as often as intake does at its most: what is not committed is not durable.
    """
    limit_is = f"asyncpg's COPY of the same rows, those of {_A_ROUND:,} signals a transaction"
    figure = Figure("intake.batch", "signals/s", limit_is, least=0.25)
    async with AsyncExitStack() as stack:
        await ground.without_topics()
        intake = await stack.enter_async_context(ground.service("intake"))
        conn = await stack.enter_async_context(plain(intake.database_url))
        for table in _TABLES:
            await conn.execute(f"create table copied_{table} (like {table} including all)")
        deliveries: list[Delivery] = []
        limits: list[float] = []
        for number in range(scale.rounds):
            order = a_batch_order(scale, intake, f"batch{number}")
            deliveries.append(await in_own_process(order))
            limits.append(await _copied_per_second(conn, scale.seconds))
        for limit, ours in zip(limits, deliveries, strict=True):
            figure.add(limit=limit, ours=ours.per_second)
        await _all_kept(intake, deliveries)
    return [figure]


def a_batch_order(scale: Scale, intake: RunningService, name: str) -> Order:
    """Order posts of a hundred signals."""
    order = _order(scale, intake.port, _SIGNALS, name, intake.key)
    order.signals_a_post, order.connections = 100, 32
    return order


def _order(
    scale: Scale, port: int, path: str, name: str, key: str = "none", mix: Mix = Mix.STORM
) -> Order:
    return Order(
        port=port,
        path=path,
        key=key,
        name=name,
        mix=mix,
        warm_up_seconds=scale.warm_up_seconds,
        seconds=scale.seconds,
        most_signals=scale.most_signals,
    )


async def _copied_per_second(conn: asyncpg.Connection, at_least_seconds: float) -> float:
    """Copy what intake has stored into tables like its own, with the same keys and indexes."""
    signals, deliveries = [
        [tuple(r) for r in await conn.fetch(f"select * from {table} limit 50000")]
        for table in _TABLES
    ]
    copied, seconds = 0, 0.0
    while seconds < at_least_seconds:
        await conn.execute("truncate " + ", ".join(f"copied_{table}" for table in _TABLES))
        began = time.perf_counter()
        for first in range(0, len(signals), _A_ROUND):
            async with conn.transaction():
                for table, rows in zip(_TABLES, (signals, deliveries), strict=True):
                    some = rows[first : first + _A_ROUND]
                    await conn.copy_records_to_table(f"copied_{table}", records=some)
        seconds += time.perf_counter() - began
        copied += len(signals)
    return copied / seconds


def _all_accepted(deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        if set(delivery.answers) != {202}:
            raise RuntimeError(f"not all posts were answered with 202: {delivery.answers}")


async def _all_kept(intake: RunningService, deliveries: Sequence[Delivery]) -> None:
    """Raise unless the store has every signal that was accepted, and no other."""
    _all_accepted(deliveries)
    accepted = sum(delivery.accepted for delivery in deliveries)
    async with plain(intake.database_url) as conn:
        kept = await conn.fetchval("select count(*) from signal")
    if kept != accepted:
        raise RuntimeError(f"{accepted} signals were accepted and {kept} are in the store")

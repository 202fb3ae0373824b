"""A batch takes the turn before it holds anything, so that no two instances wait in a circle."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_diagnosis.app import SERVICE
from mejora_diagnosis.reactions import react_by
from mejora_events.clock import SetClock
from mejora_events.contracts.base import EventData
from mejora_events.contracts.fixes import FixDeployed, FixVerified
from mejora_events.contracts.problems import ProblemOpened, ProblemRootCauseEstablished
from mejora_events.envelope import Event
from mejora_events.sql import row
from mejora_events.store import Store
from mejora_service.migrate import upgrade
from support.diagnosed import (
    RULES,
    a_fix,
    a_problem,
    an_incident,
    at,
    put_catalogue,
    reported,
    restored,
    tell,
    the_shop,
    told,
)

_WAITING = "select count(*) as waiting from pg_locks where not granted"


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store that knows the shop and a problem with its fix."""
    engine = create_async_engine(database)
    await upgrade(engine, SERVICE.migrations)
    made = Store(engine, SERVICE.name, SetClock(at(0)))
    await put_catalogue(made, the_shop())
    yield made
    await engine.dispose()


@dataclass(frozen=True, slots=True)
class _Batch:
    """One transaction of two reactions, the second of which waits to be let go on."""

    store: Store
    began: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def apply(self, first: Event[Any], then: Event[Any]) -> None:
        table = react_by(RULES)
        async with self.store.begin(actor="diagnosis") as work:
            await table[type(first.data)](work, [first])
            self.began.set()
            await self.go_on.wait()
            await table[type(then.data)](work, [then])


async def _until_somebody_waits(store: Store) -> None:
    async with asyncio.timeout(10), store.read() as conn:
        while not (found := await row(conn, _WAITING)) or not found["waiting"]:
            await asyncio.sleep(0.02)


_OVER = restored(an_incident(1, "db", version=2, restored=5))
_COUNTED = told(ProblemOpened(problem=a_problem("s", version=2)))
_EXPLAINED = told(
    ProblemRootCauseEstablished(problem=a_problem("s", version=3, cause="full", failure_point="db"))
)
_DEPLOYED = told(FixDeployed(fix=a_fix("s")))
_VERIFIED = told(FixVerified(fix=a_fix("s", verified=9, version=4)))


@pytest.mark.parametrize(
    ("first", "last"),
    [(_OVER, _OVER), (_COUNTED, _EXPLAINED), (_DEPLOYED, _VERIFIED)],
    ids=["incidents", "problems", "fixes"],
)
async def test_nobody_holds_rows_and_waits_for_the_turn(
    store: Store, first: Event[EventData], last: Event[EventData]
) -> None:
    """One batch has touched rows and goes on to diagnose; one diagnoses and goes on to those."""
    known = told(ProblemOpened(problem=a_problem("s")))
    await tell(store, reported(an_incident(1, "db")), known)
    other = Store(create_async_engine(store.engine.url), SERVICE.name, store.clock)
    one, two = _Batch(store), _Batch(other)
    two.go_on.set()
    async with asyncio.TaskGroup() as both:
        both.create_task(one.apply(first, reported(an_incident(2, "db", 1))))
        await one.began.wait()
        both.create_task(two.apply(reported(an_incident(3, "db", 1)), last))
        await _until_somebody_waits(store)
        one.go_on.set()
    await other.engine.dispose()

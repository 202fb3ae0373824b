"""What failed when is forgotten once it can no longer matter, and nothing that still does."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_diagnosis.app import SERVICE
from mejora_diagnosis.model.cascade import KEPT_SLOTS, NEEDED_SLOTS, minute_of, slot_of
from mejora_diagnosis.reactions.forgetting import KEPT_AFTER_NEWS, forget_failing
from mejora_diagnosis.store import habits
from mejora_events.clock import SetClock
from mejora_events.contracts.diagnoses import DiagnosisEstablished
from mejora_events.sql import row
from mejora_events.store import Store
from mejora_service.migrate import upgrade
from support.diagnosed import (
    RULES,
    an_incident,
    at,
    diagnosis_of,
    emitted,
    put_catalogue,
    reported,
    tell,
    the_shop,
)

_SLOT_MINUTES = 2 * RULES.window_minutes
_MANY = NEEDED_SLOTS + 30
_COUNTS = """
select (select count(*) from habit) as habits, (select count(*) from failing) as failing,
       (select count(*) from failing_slot) as slots
"""


@pytest.fixture
def clock() -> SetClock:
    return SetClock(at(0))


@pytest.fixture
async def store(database: str, clock: SetClock) -> AsyncIterator[Store]:
    """A store in which db failed in more stretches of time than matter, one incident each."""
    engine = create_async_engine(database)
    await upgrade(engine, SERVICE.migrations)
    made = Store(engine, SERVICE.name, clock)
    await put_catalogue(made, the_shop())
    await tell(made, *(reported(an_incident(n, "db", n * _SLOT_MINUTES)) for n in range(_MANY)))
    yield made
    await engine.dispose()


async def a_round(store: Store) -> dict[str, int]:
    """Forget what one round forgets; tell how much is left."""
    async with store.begin(actor="mejora") as work:
        await forget_failing(work, window_minutes=RULES.window_minutes)
    async with store.read() as conn:
        found = await row(conn, _COUNTS)
    assert found is not None
    return dict(found)


async def test_what_came_lately_is_kept_however_old_it_is(store: Store, clock: SetClock) -> None:
    assert await a_round(store) == {"habits": _MANY, "failing": _MANY, "slots": _MANY}
    clock.at = at(0) + KEPT_AFTER_NEWS + timedelta(minutes=1)
    assert set((await a_round(store)).values()) == {NEEDED_SLOTS}


async def test_a_round_takes_no_more_than_so_many_rows(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.at = at(0) + KEPT_AFTER_NEWS + timedelta(minutes=1)
    monkeypatch.setattr(habits, "MOST_FORGOTTEN", 20)
    left = await a_round(store)
    assert left["habits"] == left["failing"] == _MANY - 20
    assert set((await a_round(store)).values()) == {NEEDED_SLOTS}


async def test_what_is_usual_comes_out_as_before(store: Store, clock: SetClock) -> None:
    async def usual() -> object:
        newest = slot_of(minute_of(at((_MANY - KEPT_SLOTS) * _SLOT_MINUTES)), RULES.window_minutes)
        async with store.read() as conn:
            return await habits.before(conn, {newest: {"It does not answer"}})

    before = await usual()
    clock.at = at(0) + KEPT_AFTER_NEWS + timedelta(minutes=1)
    await a_round(store)
    assert await usual() == before


async def test_what_is_told_too_late_is_diagnosed_and_leaves_what_was_said(
    store: Store, clock: SetClock
) -> None:
    """Given what db did is forgotten, a late incident on top of it stands for itself."""
    clock.at = at(0) + KEPT_AFTER_NEWS + timedelta(minutes=1)
    await a_round(store)
    said = await diagnosis_of(store, 3)
    await tell(store, reported(an_incident(5_000, "checkout", 3 * _SLOT_MINUTES)))
    assert (await diagnosis_of(store, 5_000)).failure_point.component == "checkout"
    assert await diagnosis_of(store, 3) == said
    assert len(await emitted(store, DiagnosisEstablished)) == _MANY + 1


async def test_rounds_wait_for_nobody_who_diagnoses(store: Store, clock: SetClock) -> None:
    clock.at = at(0) + KEPT_AFTER_NEWS + timedelta(minutes=1)
    async with store.begin(actor="diagnosis") as work:
        await row(work.conn, "select count(*) from (select from habit for update) as held")
        left = await a_round(store)
    assert (left["habits"], left["slots"]) == (_MANY, _MANY)
    assert set((await a_round(store)).values()) == {NEEDED_SLOTS}

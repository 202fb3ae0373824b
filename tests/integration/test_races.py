"""What two instances are told of one failure at the same moment, on a real PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.ids import IncidentId
from mejora_events.sql import rows, run
from mejora_intake.api.waking import wake_failures
from mejora_intake.store import incidents
from support.servers import Postgres
from support.whole import Whole, a_whole, another_instance

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
FAILURES = 40

Two = tuple[Whole, Whole]


@pytest.fixture(scope="module")
async def both(postgres: Postgres) -> AsyncIterator[Two]:
    async with a_whole(postgres, "intake") as one, another_instance(one) as other:
        yield one, other


def told(failure: str, state: str) -> dict[str, Any]:
    at = {"firing": "started_at", "resolved": "ended_at"}[state]
    when = BEGAN if state == "firing" else BEGAN + timedelta(minutes=7)
    return {
        "source": "probe",
        "id": str(uuid4()),
        "fingerprint": failure,
        "component": failure,
        "summary": "It fails",
        "state": state,
        at: when.isoformat(),
    }


async def post_at_once(both: Two, failures: list[str], chance: random.Random) -> None:
    """Post that each failure began to one instance and that it ended to the other, at one time."""
    posts = []
    for failure in failures:
        ends_at = chance.randrange(2)
        posts += [(both[ends_at], told(failure, "resolved"))]
        posts += [(both[1 - ends_at], told(failure, "firing"))]
    chance.shuffle(posts)
    await asyncio.gather(*(whole.post("/intake/v1/signals", signal) for whole, signal in posts))


async def states_of(whole: Whole, failures: list[str]) -> dict[str, str]:
    """Give the state of each failure's incident, for those that have one."""
    async with whole.runtimes["intake"].store.read() as conn:
        found = await rows(
            conn,
            "select fingerprint, state from incident"
            " where fingerprint = any(cast(:failures as text[]))",
            failures=failures,
        )
    assert len({r["fingerprint"] for r in found}) == len(found), "two incidents of one failure"
    return {r["fingerprint"]: r["state"] for r in found}


@pytest.mark.parametrize("seed", range(8))
async def test_what_began_and_ended_at_one_moment_is_over(both: Two, seed: int) -> None:
    failures = [f"{seed} {number} {uuid4()}" for number in range(FAILURES)]
    await post_at_once(both, failures, random.Random(seed))
    states = await states_of(both[0], failures)
    assert states == dict.fromkeys(failures, "restored")


@pytest.mark.parametrize("seed", range(4))
async def test_what_began_and_ended_at_one_moment_of_a_silence_does_not_outlive_it(
    both: Two, seed: int
) -> None:
    failures = [f"silent {seed} {number} {uuid4()}" for number in range(FAILURES)]
    now = datetime.now(UTC)
    silence = await both[0].post(
        "/intake/v1/silences",
        {
            "kind": "maintenance",
            "components": failures,
            "starts_at": (now - timedelta(minutes=1)).isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
            "reason": "new disks",
        },
    )
    for whole in both:
        await whole.runtimes["intake"].resource.remembered.refresh()
    await post_at_once(both, failures, random.Random(seed))
    assert await states_of(both[0], failures) == {}
    await both[0].post(f"/intake/v1/silences/{silence['silence_id']}/end")
    async with both[0].runtimes["intake"].store.begin(actor="test") as work:
        await wake_failures(work, flap_window_seconds=0)
    states = await states_of(both[0], failures)
    assert set(states.values()) <= {"restored"}


async def test_so_many_at_once_that_all_failures_are_held_shut_nobody_out_for_good(
    both: Two,
) -> None:
    failures = [f"many {number} {uuid4()}" for number in range(300)]
    began = [told(failure, "firing") for failure in failures]
    ended = [told(failure, "resolved") for failure in failures]
    await asyncio.gather(
        both[0].post("/intake/v1/signals", began),
        both[1].post("/intake/v1/signals", ended[:270]),
        *(both[1].post("/intake/v1/signals", one) for one in ended[270:]),
    )
    assert await states_of(both[0], failures) == dict.fromkeys(failures, "restored")


ACTIONS = {
    "counted": lambda older, newer: [told(newer, "firing"), told(older, "firing")],
    "one counted, one changed": lambda older, newer: [
        told(newer, "resolved"),
        told(older, "firing"),
    ],
}


@pytest.mark.parametrize("action", [*ACTIONS, "annotated", "settled"])
async def test_whoever_waits_for_an_incident_holds_none_that_is_newer(
    both: Two, action: str
) -> None:
    """What holds rows in one order never waits in a circle."""
    failures = [f"{action} {age} {uuid4()}" for age in ("older", "newer")]
    opened = [(await both[0].post("/intake/v1/signals", told(one, "firing"))) for one in failures]
    older, newer = (IncidentId(UUID(answer["signals"][0]["incident_id"])) for answer in opened)
    store = both[0].runtimes["intake"].store

    async def act() -> None:
        if action in ACTIONS:
            await both[0].post("/intake/v1/signals", ACTIONS[action](*failures))
            return
        async with store.begin(actor="test") as work:
            if action == "annotated":
                said = (1, "a-signature", 2, "an owner")
                await incidents.annotate(work, {newer: said, older: said})
            else:
                await incidents.mark_settled(work, [newer, older], settled=True)

    async with store.begin(actor="test") as holding:
        await incidents.hold(holding, [older])
        acting = asyncio.create_task(act())
        await until_one_waits(holding.conn)
        assert not acting.done()
        async with store.begin(actor="test") as work:
            await run(work.conn, "set local lock_timeout = '1s'")
            await incidents.hold(work, [newer])
    await acting


async def until_one_waits(conn: AsyncConnection) -> None:
    """Return once a transaction waits for what this one holds."""
    async with asyncio.timeout(30):
        while not await rows(
            conn,
            "select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))",
        ):
            await asyncio.sleep(0.01)

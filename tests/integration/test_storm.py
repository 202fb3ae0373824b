"""A storm: a hundred thousand signals of twenty failures, posted as fast as they are taken."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_events.sql import row
from support.processes import ServiceProcess
from support.servers import Postgres
from support.whole import ADMIN_KEY

SIGNALS, FAILURES, A_POST, POSTERS = 100_000, 20, 100, 8
HOSTS = 500
ROUNDS_WITH_NEW_HOSTS = HOSTS // A_POST
"""A round takes a post or several, and the first five have all hosts."""
MOST_MIB = 300
MOST_MIB_HELD = 30
"""What the last 80,000 signals may add to the peak; to hold them would add a hundred."""
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_post(first: int) -> bytes:
    return orjson.dumps([a_signal(number) for number in range(first, first + A_POST)])


def a_signal(number: int) -> dict[str, Any]:
    failure = number % FAILURES
    return {
        "source": "storm",
        "id": f"storm-{number}",
        "fingerprint": f"failure-{failure}",
        "component": f"component-{failure}",
        "summary": f"Component {failure} does not answer",
        "severity": "error",
        "started_at": (BEGAN + timedelta(milliseconds=number)).isoformat(),
        "labels": {"host": f"host-{number % HOSTS}", "cluster": "north"},
    }


async def post_all(address: str, numbers: range) -> None:
    firsts = iter(numbers)
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}

    async def post_some(client: httpx.AsyncClient) -> None:
        for first in firsts:
            answer = await client.post("/intake/v1/signals", content=a_post(first))
            assert answer.status_code == 202, answer.text

    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        await asyncio.gather(*(post_some(client) for _ in range(POSTERS)))


def peak_mib(process: ServiceProcess) -> float:
    status = Path(f"/proc/{process.pid}/status")
    if not status.is_file():
        pytest.skip("this system does not tell a process's peak of memory")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


async def test_a_storm_is_few_incidents_with_right_counts(
    postgres: Postgres, tmp_path: Path
) -> None:
    database, log = await postgres.create_database(), await postgres.create_database()
    environment = {
        "MEJORA_DATABASE_URL": database,
        "MEJORA_BROKER_URL": log,
        "MEJORA_ADMIN_KEY": ADMIN_KEY,
        "MEJORA_LOG_LEVEL": "WARNING",
    }
    intake = ServiceProcess(["serve", "intake"], environment, tmp_path)
    intake.start()
    try:
        await intake.ready()
        numbers = range(0, SIGNALS, A_POST)
        await post_all(intake.address, numbers[:200])
        at_first = peak_mib(intake)
        await post_all(intake.address, numbers[200:])
        memory = peak_mib(intake)
        async with httpx.AsyncClient(
            base_url=intake.address, headers={"Authorization": f"Bearer {ADMIN_KEY}"}
        ) as client:
            incidents = (await client.get("/intake/v1/incidents?limit=200")).json()["items"]
    finally:
        intake.terminate()
        await intake.ended()
    assert [i["occurrences"] for i in incidents] == [SIGNALS // FAILURES] * FAILURES
    assert memory < MOST_MIB
    assert memory - at_first < MOST_MIB_HELD
    engine = create_async_engine(database)
    async with engine.connect() as conn:
        told = await row(
            conn,
            "select (select count(*) from journal) + (select count(*) from outbox) as events,"
            " (select count(*) from signal) as signals",
        )
    await engine.dispose()
    assert told is not None
    assert told["signals"] == SIGNALS
    at_most = FAILURES * (4 + ROUNDS_WITH_NEW_HOSTS) + 2
    assert told["events"] <= at_most, "reported, at 10, 100, 1,000, on more hosts; and the key"

"""A store that does not keep up, and clients that ask more than can be done: intake holds out."""

import asyncio
import gzip
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from mejora_events.sql import rows, run
from support.processes import ServiceProcess
from support.servers import Postgres
from support.whole import ADMIN_KEY, until

SIGNALS = "/intake/v1/signals"
AUTHORISED = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
POSTERS = 80
HELD_SECONDS = 6.0
LONGEST_SECONDS = 3.0
"""After which a request is told to come again."""
MOST_MIB_MORE = 350
"""What 32 MiB of bodies may take: coming, read, and again those that a round has begun to keep."""


class Intake:
    """Intake as a process, and its store."""

    def __init__(self, process: ServiceProcess, engine: AsyncEngine, came_from: str) -> None:
        self.process, self.engine, self.came_from = process, engine, came_from

    def not_keeping_up(self, how: str) -> AbstractAsyncContextManager[None]:
        """Let the store not keep up: a table is locked, or all of it stands still."""
        return self.locked(how, "access exclusive") if how else self.standing_still()

    def client(self, **settings: Any) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        given = {"timeout": 60.0, "limits": limits, **settings}
        return httpx.AsyncClient(base_url=self.process.address, headers=AUTHORISED, **given)

    def memory_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.is_file():
            pytest.skip("this system does not tell a process's memory")
        found = re.search(r"^VmRSS:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1024

    async def ask(self, sql: str) -> list[dict[str, Any]]:
        async with self.engine.connect() as conn:
            return [dict(r) for r in await rows(conn, sql)]

    @asynccontextmanager
    async def locked(self, table: str, mode: str) -> AsyncIterator[None]:
        """Let nobody write into a table meanwhile, or use it at all."""
        async with self.engine.begin() as conn:
            await run(conn, f"lock table {table} in {mode} mode")
            yield

    @asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """Let what serves intake in PostgreSQL stand still, as a disk that hangs does."""
        sql = "select pid from pg_stat_activity where datname = current_database()"
        pids = [r["pid"] for r in await self.ask(f"{sql} and pid <> pg_backend_pid()")]
        if self.came_from != "the wheel":
            pytest.skip("the PostgreSQL that was given runs elsewhere")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


@pytest.fixture
async def intake(
    postgres: Postgres, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Intake]:
    database, log = await postgres.create_database(), await postgres.create_database()
    environment = {
        "MEJORA_DATABASE_URL": database,
        "MEJORA_BROKER_URL": log,
        "MEJORA_ADMIN_KEY": ADMIN_KEY,
        "MEJORA_LOG_LEVEL": "WARNING",
        "MEJORA_LONGEST_WAIT_SECONDS": str(LONGEST_SECONDS),
        "MEJORA_SLOWEST_BODY_SECONDS": str(getattr(request, "param", 30)),
    }
    process = ServiceProcess(["serve", "intake"], environment, tmp_path)
    process.start()
    engine = create_async_engine(database)
    try:
        await process.ready()
        yield Intake(process, engine, postgres.came_from)
    finally:
        await process.kill()
        await engine.dispose()


def a_body(ids: list[str]) -> bytes:
    """Give signals of so many bytes that hundreds of such bodies are more than fits."""
    return orjson.dumps(
        [
            {
                "source": "pressure",
                "id": one,
                "fingerprint": f"failure {hash(one) % 20}",
                "component": "disk",
                "summary": "The disk is slow",
                "description": "x" * 30_000,
            }
            for one in ids
        ]
    )


class Posters:
    """Clients that post one big body after the other, and do not come again when told so."""

    def __init__(self) -> None:
        self.accepted: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.slowest_seconds = 0.0
        self.stop = False

    async def post(self, client: httpx.AsyncClient) -> None:
        loop = asyncio.get_running_loop()
        while not self.stop:
            ids = [str(uuid4()) for _ in range(30)]
            began = loop.time()
            answer = await client.post(SIGNALS, content=a_body(ids))
            self.slowest_seconds = max(self.slowest_seconds, loop.time() - began)
            self.answers[answer.status_code] += 1
            if answer.status_code == 202:
                self.accepted |= set(ids)
            else:
                assert answer.status_code in (429, 503), answer.text
                assert int(answer.headers["Retry-After"]) >= 1
                await asyncio.sleep(1)


async def all_kept_once(intake: Intake, accepted: set[str]) -> bool:
    found = await intake.ask("select signal_id, count(*) as n from signal group by 1")
    assert all(r["n"] == 1 for r in found)
    return accepted <= {r["signal_id"] for r in found}


@pytest.mark.parametrize("how", ["signal", "access_key", ""])
async def test_what_the_store_cannot_keep_up_with_is_refused_before_memory_grows(
    intake: Intake, how: str
) -> None:
    posters = Posters()
    before = intake.memory_mib()
    most = before
    async with intake.client() as client:
        working = [asyncio.create_task(posters.post(client)) for _ in range(POSTERS)]
        async with intake.not_keeping_up(how):
            for _ in range(int(HELD_SECONDS / 0.2)):
                await asyncio.sleep(0.2)
                most = max(most, intake.memory_mib())
        held = posters.answers.copy()
        posters.stop = True
        await asyncio.gather(*working)
        fresh = str(uuid4())
        answer = await client.post(SIGNALS, content=a_body([fresh]), timeout=5)
        assert answer.status_code == 202, "it takes signals at once when the store does"
    assert held[503] + held[429] > 0
    assert posters.slowest_seconds < LONGEST_SECONDS + 6
    assert most - before < MOST_MIB_MORE, f"{before:.0f} MiB, then {most:.0f}"
    await until(lambda: all_kept_once(intake, posters.accepted | {fresh}))
    counted = await intake.ask(
        "select sum(occurrences) as counted, (select count(*) from signal) as kept from incident"
    )
    assert counted[0]["counted"] == counted[0]["kept"]


async def test_small_bodies_that_unpack_to_large_ones_are_counted_as_large(intake: Intake) -> None:
    def packed(number: int) -> bytes:
        labels = {"alertname": f"Slow {number}", "service": "disk", "trace": "x" * 5_000_000}
        return gzip.compress(orjson.dumps({"alerts": [{"labels": labels}]}))

    bodies = [packed(number) for number in range(40)]
    before = intake.memory_mib()
    most = before
    async with intake.client() as client:
        async with intake.locked("failure", "access exclusive"):
            posts = [
                asyncio.create_task(client.post("/intake/v1/hooks/alertmanager", content=body))
                for body in bodies
            ]
            while not all(post.done() for post in posts):
                await asyncio.sleep(0.1)
                most = max(most, intake.memory_mib())
        answers = Counter([(await post).status_code for post in posts])
    assert set(answers) <= {429, 503}
    assert answers[429] > 20
    assert most - before < MOST_MIB_MORE, f"{before:.0f} MiB, then {most:.0f}"


async def test_questions_that_the_store_does_not_answer_keep_no_signal_waiting(
    intake: Intake,
) -> None:
    async with intake.client() as client:
        async with intake.locked("silence", "access exclusive"):
            asked = [asyncio.create_task(client.get("/intake/v1/silences")) for _ in range(60)]
            await asyncio.sleep(0.5)
            for number in range(20):
                body = a_body([f"{number} {n}" for n in range(3)])
                answer = await client.post(SIGNALS, content=body, timeout=5)
                assert answer.status_code == 202, answer.text
            done, _ = await asyncio.wait(asked, timeout=LONGEST_SECONDS + 4)
            refused = [it.result() for it in done]
            assert len(refused) == 50
            assert all(it.status_code == 503 and it.headers["Retry-After"] for it in refused)
        assert Counter([(await task).status_code for task in asked]) == {200: 10, 503: 50}


@pytest.mark.parametrize("intake", [2], indirect=True)
async def test_clients_that_go_away_or_are_slow_hold_nothing(intake: Intake) -> None:
    before = intake.memory_mib()
    host, port = intake.process.address.removeprefix("http://").split(":")
    head = (
        f"POST {SIGNALS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        "Content-Length: 4000000\r\n\r\n"
    ).encode()
    slow = []
    for number in range(60):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head + b"[" + b" " * 1_000_000)
        if number % 3 == 0:
            await writer.drain()
            writer.close()
        else:
            slow.append((reader, writer))
    answers = [await asyncio.wait_for(reader.read(20), 10) for reader, _ in slow]
    assert {answer.split()[1] for answer in answers} <= {b"408", b"503"}
    assert b"408" in {answer.split()[1] for answer in answers}
    for _, writer in slow:
        writer.close()
    assert intake.memory_mib() - before < MOST_MIB_MORE
    async with intake.client() as client:
        answer = await client.post(SIGNALS, content=a_body([str(uuid4())]))
        assert answer.status_code == 202, answer.text
    assert "failed" not in intake.process.tail()


async def test_bodies_without_an_end_or_a_bottom_are_refused(intake: Intake) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 200_000

    deep = b"[" * 100_000 + b"]" * 100_000
    within = b'{"source": "x", "component": "c", "summary": "s", "labels": ' + deep + b"}"
    async with intake.client() as client:
        try:
            answer = await client.post(SIGNALS, content=endless())
            assert answer.status_code == 413, answer.text
        except httpx.WriteError:  # it was answered before all was sent
            pass
        for path in (SIGNALS, "/intake/v1/hooks/generic", "/intake/v1/reports"):
            for body in (deep, within):
                answer = await client.post(path, content=body)
                assert 400 <= answer.status_code < 500, answer.text
        assert (await client.post(SIGNALS, content=a_body(["one"]))).status_code == 202

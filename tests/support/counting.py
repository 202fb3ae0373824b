"""The counter service as it runs, spoken to in this process as over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from mejora_events.contracts.access import AccessKeyIssued, Scope
from mejora_events.sql import rows
from mejora_service import keys
from mejora_service.host import host
from mejora_service.runtime import Runtime
from support.counter import SERVICE, CounterSettings

ADMIN_KEY = "the-admin-key-of-these-tests-only-0123456789"


def bearer(key: str) -> dict[str, str]:
    """Give the header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def a_runtime(database_url: str, **settings: Any) -> Runtime:
    """Give an instance of the counter; its log is in its own database unless told otherwise."""
    given = {"broker_url": database_url, "admin_key": ADMIN_KEY, "partitions": 2, **settings}
    return Runtime(SERVICE, CounterSettings(database_url=database_url, **given))


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter that answers, and a client with its admin key."""

    runtime: Runtime
    http: httpx.AsyncClient

    async def add(self, name: str, status: int = 201, **headers: str) -> dict[str, Any]:
        """Ask for a thing to be kept."""
        body = {"name": name}
        answer = await self.http.post("/counter/v1/things", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def ask(self, sql: str, **params: object) -> list[dict[str, Any]]:
        """Query its store."""
        async with self.runtime.store.read() as conn:
            return [dict(r) for r in await rows(conn, sql, **params)]

    async def until_there_are(self, count: int, sql: str, **params: object) -> list[dict[str, Any]]:
        """Wait until a query has so many rows, and give them."""
        async with asyncio.timeout(20):
            while len(found := await self.ask(sql, **params)) < count:
                await asyncio.sleep(0.02)
        return found

    async def issue(self, *scopes: Scope, **ties: Any) -> tuple[str, AccessKeyIssued]:
        """Let a key be used here, as if intake had told of it long ago."""
        async with self.runtime.store.begin(actor="test") as work:
            key, issued = keys.issue(work, scopes, label="a test", **ties)
            await keys.take(work, issued)
        return key, issued


@asynccontextmanager
async def serving(runtime: Runtime) -> AsyncIterator[Counter]:
    """Start an instance, speak to it, stop it."""
    application = host([runtime])
    transport = httpx.ASGITransport(application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(
            transport=transport, base_url="http://mejora.test", headers=bearer(ADMIN_KEY)
        ) as http,
    ):
        yield Counter(runtime, http)

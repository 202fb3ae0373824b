"""Intake and diagnosis as they are, in this process, to which alerts are posted as monitors do."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from bench.ground import plain
from mejora.embedded import PostgresServer
from mejora.services import SERVICES
from mejora_service.host import host
from mejora_service.runtime import Runtime
from mejora_service.settings import load

_NAMES = ("intake", "diagnosis")
_A_POST = 200
_DIAGNOSED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Replay:
    """The two services on fresh databases."""

    _client: httpx.AsyncClient
    _diagnosed: asyncpg.Connection

    async def catalogue(self, components: Sequence[dict[str, Any]]) -> None:
        """Put a catalogue in force."""
        answer = await self._client.put("/diagnosis/v1/catalogue", json={"components": components})
        answer.raise_for_status()

    async def alerts(self, alerts: Sequence[dict[str, Any]]) -> list[UUID]:
        """Post alerts as Alertmanager does; give the incidents that they opened."""
        return [
            incident
            for start in range(0, len(alerts), _A_POST)
            for incident in await self._post(
                "/intake/v1/hooks/alertmanager",
                {"version": "4", "alerts": alerts[start : start + _A_POST]},
            )
        ]

    async def signals(self, signals: Sequence[dict[str, Any]]) -> list[UUID]:
        """Post signals in our own form; give the incidents that they opened."""
        return [
            incident
            for start in range(0, len(signals), _A_POST)
            for incident in await self._post("/intake/v1/signals", signals[start : start + _A_POST])
        ]

    async def _post(self, path: str, body: Any) -> list[UUID]:
        answer = await self._client.post(path, json=body)
        answer.raise_for_status()
        return [
            UUID(signal["incident_id"])
            for signal in answer.json()["signals"]
            if signal["disposition"] == "opened"
        ]

    async def diagnosed(self, incidents: Collection[UUID]) -> None:
        """Wait until all these incidents are diagnosed."""
        counted = "select count(*) from diagnosis where incident_id = any($1)"
        async with asyncio.timeout(_DIAGNOSED_SECONDS):
            while await self._diagnosed.fetchval(counted, incidents) < len(incidents):
                await asyncio.sleep(0.05)

    async def failure_point(self, incident: UUID) -> dict[str, Any]:
        """Ask diagnosis where an incident began."""
        answer = await self._client.get(
            "/diagnosis/v1/diagnoses", params={"incident_id": str(incident)}
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()["items"][0]["failure_point"]
        return found

    async def cascades(self) -> dict[UUID, UUID]:
        """Tell of each incident which one its cascade began with."""
        found = await self._diagnosed.fetch(
            "select incident_id, cast(body -> 'failure_point' ->> 'cascade_id' as uuid) as first"
            " from diagnosis"
        )
        return {it["incident_id"]: it["first"] for it in found}


@asynccontextmanager
async def replay() -> AsyncIterator[Replay]:
    """Run both services on a PostgreSQL of their own, and leave nothing of it."""
    folder = Path(tempfile.mkdtemp(prefix="mejora-accuracy-"))
    postgres, key = PostgresServer(folder / "postgres"), f"mej_{uuid4().hex}"
    await postgres.start()
    try:
        urls = {}
        for name in (*_NAMES, "log"):
            await postgres.create_database(name)
            urls[name] = postgres.url(name)
        runtimes = [
            Runtime(
                SERVICES[name],
                load(
                    SERVICES[name].settings,
                    database_url=urls[name],
                    broker_url=urls["log"],
                    admin_key=key,
                    log_level="WARNING",
                ),
            )
            for name in _NAMES
        ]
        application = host(runtimes)
        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(application),
                base_url="http://mejora",
                headers={"Authorization": f"Bearer {key}"},
                timeout=60,
            ) as client,
            plain(urls["diagnosis"]) as diagnosed,
        ):
            yield Replay(client, diagnosed)
    finally:
        await postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)

"""All services as processes, on a Kafka and a PostgreSQL that can be tormented, under load."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from sqlalchemy.ext.asyncio import create_async_engine

from mejora.audit import Outcome, reconcile
from mejora.embedded import KafkaServer, PostgresServer
from mejora.embedded.kafka_settings import Node, settings
from mejora.embedded.postgres import USER
from mejora.services import SERVICES
from mejora_events.sql import rows, run
from support.kill_points import SESSION_MS
from support.load import Load
from support.processes import ServiceProcess

ADMIN_KEY = "the-admin-key-of-the-fault-tests"
_SETTLE_SECONDS = 60.0
_MADE_BY_COMMANDS = {
    # Mejora itself proposes improvements too.
    "improvement_id": (
        "improvement",
        "select improvement_id as id from improvement where proposed_by <> 'mejora'",
    ),
    "workaround_id": ("diagnosis", "select workaround_id as id from workaround"),
    "fix_id": ("problem", "select fix_id as id from fix"),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a fault test needs."""

    postgres: PostgresServer
    kafka: KafkaServer
    services: Mapping[str, ServiceProcess]
    urls: Mapping[str, str]
    load: Load

    @asynccontextmanager
    async def second_instances(self, folder: Path) -> AsyncIterator[Mapping[str, ServiceProcess]]:
        """Run a second instance of each service, and let the load ask either."""
        seconds = instances(self.urls, self.kafka, folder)
        alone = self.load.addresses
        try:
            for service in seconds.values():
                service.start()
            await asyncio.gather(*(service.ready() for service in seconds.values()))
            self.load.addresses = {
                name: [*alone[name], service.address] for name, service in seconds.items()
            }
            yield seconds
        finally:
            self.load.addresses = alone
            for service in seconds.values():
                await service.kill()

    async def up(self, *names: str) -> None:
        """Start those of the services that are not running (all, if none is named)."""
        down = [s for n, s in self.services.items() if n in (names or SERVICES) and not s.running]
        for service in down:
            service.start()
        await asyncio.gather(*(service.ready() for service in down))

    async def audit(self, *, wait_seconds: float = _SETTLE_SECONDS) -> Outcome:
        """Audit, with all that the load knows to have been accepted."""
        return await reconcile(self.urls, self.load.accepted, wait_seconds=wait_seconds)

    async def assert_nothing_lost_or_doubled(self) -> None:
        """Wait until all has settled, and have everything in its place exactly once."""
        outcome = await self.audit()
        found = [*outcome.findings, *outcome.under_way]
        assert not found, "\n".join(map(str, found[:20])) + f"\n({len(found)} in all)"
        for made, (service, sql) in _MADE_BY_COMMANDS.items():
            stored = {str(one["id"]) for one in await self.ask(service, sql)}
            answered = self.load.created.get(made, set())
            assert stored == answered, f"{made}: {stored ^ answered}"

    async def ask(self, service: str, sql: str, **params: object) -> Any:
        """Query a service's store."""
        engine = create_async_engine(self.urls[service])
        try:
            async with engine.connect() as conn:
                return await rows(conn, sql, **params)
        finally:
            await engine.dispose()

    async def change(self, service: str, *statements: str) -> None:
        """Change a service's store behind its back."""
        await change(self.urls[service], *statements)

    @asynccontextmanager
    async def copy(self, service: str) -> AsyncIterator[str]:
        """Give the address of a copy of a service's store; nobody may be using the store."""
        copy = f"copy_of_{service}"
        await self.postgres.sql(f"create database {copy} template {service} owner {USER}")
        try:
            yield self.postgres.url(copy)
        finally:
            await self.postgres.sql(f"drop database {copy} with (force)")

    async def call(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """Call a service with the admin key; anything but success is an error."""
        async with httpx.AsyncClient(
            headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=20
        ) as client:
            url = f"{self.services[service].address}/{service}{path}"
            answer = await client.request(method, url, json=body)
            assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
            return answer.json()


async def metric(service: ServiceProcess, name: str) -> float:
    """Give the sum of a metric's samples of one instance."""
    async with httpx.AsyncClient() as client:
        shown = (await client.get(f"{service.address}/metrics")).text
    samples = [line for line in shown.splitlines() if line.startswith(name + "{")]
    return sum(float(line.rpartition(" ")[2]) for line in samples)


async def change(url: str, *statements: str, **params: object) -> None:
    """Run statements on a database, each with those of the values that it names."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as conn:
            for sql in statements:
                named = {name: value for name, value in params.items() if f":{name}" in sql}
                await run(conn, sql, **named)
    finally:
        await engine.dispose()


def instances(
    urls: Mapping[str, str], kafka: KafkaServer, folder: Path
) -> dict[str, ServiceProcess]:
    """Give an instance of each service, not started yet."""
    return {
        name: ServiceProcess(
            ["serve", name],
            {
                "MEJORA_DATABASE_URL": url,
                "MEJORA_BROKER_URL": f"kafka://{kafka.bootstrap}",
                "MEJORA_ADMIN_KEY": ADMIN_KEY,
            },
            folder,
        )
        for name, url in urls.items()
    }


def _settings_with_short_sessions(node: Node, nodes: Sequence[Node]) -> str:
    return settings(node, nodes) + f"group.min.session.timeout.ms={SESSION_MS}\n"


@asynccontextmanager
async def a_stage(folder: Path) -> AsyncIterator[Stage]:
    """Bring servers and services up."""
    with patch("mejora.embedded.kafka.settings", _settings_with_short_sessions):
        async with AsyncExitStack() as stack:
            postgres, kafka = PostgresServer(folder / "postgres"), KafkaServer(folder / "kafka")
            stack.push_async_callback(postgres.stop, immediate=True)
            stack.push_async_callback(kafka.stop)
            await asyncio.gather(postgres.start(), kafka.start())
            for name in SERVICES:
                await postgres.create_database(name)
            urls = {name: postgres.url(name) for name in SERVICES}
            services = instances(urls, kafka, folder)
            for service in services.values():
                stack.push_async_callback(service.kill)
            addresses = {name: [service.address] for name, service in services.items()}
            stage = Stage(postgres, kafka, services, urls, Load(addresses, ADMIN_KEY))
            await stage.up()
            yield stage

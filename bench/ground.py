"""What is measured on: a PostgreSQL and a Kafka from the wheels, databases, service processes."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import make_url

from bench.load import Connection, status_of
from mejora.embedded import KafkaServer, PostgresServer
from mejora.embedded.kafka_settings import free_port
from mejora.embedded.process import tail
from mejora.services import SERVICES
from mejora_events.contracts import TOPIC_NAMES

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


@dataclass(slots=True)
class Running:
    """A process that answers HTTP."""

    name: str
    port: int
    pid: int


@dataclass(slots=True)
class RunningService(Running):
    """A service of Mejora, with a key that may do all and its database."""

    key: str
    database_url: str


class Ground:
    """The two servers while they run."""

    def __init__(self, postgres: PostgresServer, kafka: KafkaServer, logs: Path) -> None:
        self._postgres, self._kafka, self._logs = postgres, kafka, logs
        self._shared = AsyncExitStack()
        self._all: Mapping[str, RunningService] | None = None

    @property
    def bootstrap(self) -> str:
        """Tell Kafka's address."""
        return self._kafka.bootstrap

    async def postgres_version(self) -> str:
        """Tell which PostgreSQL this is."""
        return str((await self._postgres.sql("show server_version"))[0]["server_version"])

    async def database(self) -> str:
        """Make a fresh database and give its address."""
        name = f"bench_{uuid4().hex[:12]}"
        await self._postgres.create_database(name)
        return self._postgres.url(name)

    async def without_topics(self) -> None:
        """Delete what earlier measurements left in Kafka, and stop the services that share it."""
        await self.close()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            if ours := set(TOPIC_NAMES) & set(await admin.list_topics()):
                await admin.delete_topics(sorted(ours))
            while set(TOPIC_NAMES) & set(await admin.list_topics()):
                await asyncio.sleep(0.05)
        finally:
            await admin.close()

    @asynccontextmanager
    async def service(self, name: str, key: str = "") -> AsyncIterator[RunningService]:
        """Run a service as a process of its own, on a fresh database."""
        key, database_url = key or f"mej_{uuid4().hex}", await self.database()
        settings = {
            "MEJORA_DATABASE_URL": database_url,
            "MEJORA_BROKER_URL": f"kafka://{self.bootstrap}",
            "MEJORA_ADMIN_KEY": key,
            "MEJORA_LOG_LEVEL": "WARNING",
        }
        command = ("-m", "mejora.main", "serve", name)
        async with self._running(name, command, settings) as process:
            yield RunningService(process.name, process.port, process.pid, key, database_url)

    async def all_services(self) -> Mapping[str, RunningService]:
        """Run all services; they go on, for whoever asks next, until topics must go."""
        if self._all is None:
            await self.without_topics()
            async with asyncio.TaskGroup() as group:
                starting = {
                    name: group.create_task(self._shared.enter_async_context(self.service(name)))
                    for name in SERVICES
                }
            self._all = {name: started.result() for name, started in starting.items()}
        return self._all

    async def close(self) -> None:
        """Stop the services that measurements share."""
        self._all = None
        await self._shared.aclose()

    @asynccontextmanager
    async def floor(self) -> AsyncIterator[Running]:
        """Run the limit of `intake.single`."""
        async with self._running("floor", ("-m", "bench.floor", "{port}"), {}) as process:
            yield process

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[Running]:
        """Run the limit of `memory`."""
        async with self._running("bare", ("-m", "bench.bare", "{port}"), {}) as process:
            yield process

    @asynccontextmanager
    async def _running(
        self, name: str, arguments: Sequence[str], settings: Mapping[str, str]
    ) -> AsyncIterator[Running]:
        port, log = free_port(), self._logs / f"{name}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(argument.format(port=port) for argument in arguments),
                env={**os.environ, **settings, "MEJORA_PORT": str(port)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await _is_ready(port):
                    if process.returncode is not None:
                        raise RuntimeError(f"{name} did not start:\n{tail(log)}")
                    await asyncio.sleep(0.05)
            yield Running(name, port, process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Start both servers in a folder of their own, and leave nothing of them."""
    folder = Path(tempfile.mkdtemp(prefix="mejora-bench-"))
    postgres, kafka = PostgresServer(folder / "postgres"), KafkaServer(folder / "kafka")
    here = Ground(postgres, kafka, folder)
    try:
        await asyncio.gather(postgres.start(), kafka.start())
        await postgres.sql("alter system set track_commit_timestamp = on")  # bench/whole.py: why
        await postgres.restart()
        yield here
    finally:
        await here.close()
        await asyncio.gather(postgres.stop(), kafka.stop())
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def plain(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection of asyncpg's own, without anything between."""
    url = make_url(database_url)
    conn = await asyncpg.connect(
        user=url.username,
        password=url.password,
        host=url.host or url.query.get("host"),
        port=url.port or 5432,
        database=url.database,
    )
    try:
        yield conn
    finally:
        await conn.close()


async def _is_ready(port: int) -> bool:
    try:
        connection = await Connection.to(port)
    except OSError:
        return False
    try:
        async with asyncio.timeout(5):
            head = f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
            return status_of(await connection.send(head.encode())) == 200
    except (OSError, TimeoutError):
        return False
    finally:
        connection.close()

"""The real servers that tests run against: an address given, else Docker, else the wheels.

`MEJORA_TEST_POSTGRES` is a SQLAlchemy address of a PostgreSQL whose user may make databases,
`MEJORA_TEST_KAFKA` is host:port of a broker. Nothing is skipped for want of a server.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from mejora.embedded import KafkaServer, PostgresServer
from mejora.embedded.kafka_settings import free_port
from mejora.embedded.postgres import USER

log = logging.getLogger(__name__)

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.1.1"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL to test with, and where it came from."""

    came_from: str
    admin_url: str
    restart: Callable[[], Awaitable[None]] | None = None

    def url(self, database: str) -> str:
        """Give a database's address."""
        return make_url(self.admin_url).set(database=database).render_as_string(False)

    async def create_database(self) -> str:
        """Make a fresh database and give its address."""
        name = f"test_{uuid4().hex[:12]}"
        await self._admin(f'create database "{name}"')
        return self.url(name)

    async def drop_database(self, url: str) -> None:
        """Take a database away, whoever still uses it.

        While the server itself vacuums it, it may not be: that is over in a moment.
        """
        sql = f'drop database if exists "{make_url(url).database}" with (force)'
        for _ in range(50):
            with contextlib.suppress(ProgrammingError):
                await self._admin(sql)
                return
            await asyncio.sleep(0.1)
        raise RuntimeError(f"{url} is in use all the time")

    async def _admin(self, sql: str) -> None:
        engine = create_async_engine(self.admin_url, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as conn:
                await conn.execute(text(sql))
        finally:
            await engine.dispose()


@dataclass(frozen=True, slots=True)
class Kafka:
    """A Kafka to test with, and where it came from."""

    came_from: str
    bootstrap: str


@asynccontextmanager
async def a_postgres() -> AsyncIterator[Postgres]:
    """Give a PostgreSQL."""
    if given := os.environ.get("MEJORA_TEST_POSTGRES"):
        yield Postgres("the address given", given)
        return
    if _docker_runs(POSTGRES_IMAGE):
        from testcontainers.community.postgres import PostgresContainer

        with PostgresContainer(POSTGRES_IMAGE, driver="asyncpg") as container:
            yield Postgres(f"Docker, {POSTGRES_IMAGE}", container.get_connection_url())
        return
    folder = Path(tempfile.mkdtemp(prefix="mejora-postgres-"))
    server = PostgresServer(folder)
    await server.start()
    try:
        await server.create_database("mejora_admin")
        await server.sql(f"alter role {USER} createdb")
        yield Postgres("the wheel", server.url("mejora_admin"), server.restart)
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def a_kafka() -> AsyncIterator[Kafka]:
    """Give an Apache Kafka."""
    if given := os.environ.get("MEJORA_TEST_KAFKA"):
        yield Kafka("the address given", given)
        return
    if _docker_runs(KAFKA_IMAGE):
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy

        port = free_port()
        container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
        for name, value in _kafka_settings(port).items():
            container = container.with_env(name, value)
        with container.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
            yield Kafka(f"Docker, {KAFKA_IMAGE}", f"127.0.0.1:{port}")
        return
    folder = Path(tempfile.mkdtemp(prefix="mejora-kafka-"))
    server = KafkaServer(folder)
    await server.start()
    try:
        yield Kafka("the wheels", server.bootstrap)
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _kafka_settings(port: int) -> dict[str, str]:
    """One node, broker and controller in one, reached from outside by the port given."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }


def _docker_runs(image: str) -> bool:
    """Tell whether Docker runs here and has, or can get, the images that are needed."""
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from testcontainers.core.config import testcontainers_config as config

    # Asked only where it may answer: the client leaks its socket when nobody does.
    if not os.environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").is_socket():
        return False
    # Ryuk takes away what a test run that was killed has left behind.
    images = (image,) if config.ryuk_disabled else (image, config.ryuk_image)
    client = docker.from_env(timeout=60, version="1.44")
    try:
        client.ping()
        for wanted in images:
            if not client.images.list(wanted):
                client.images.pull(wanted)
    except (DockerException, RequestException) as error:
        log.info("no %s from Docker: %s", image, error)
        return False
    finally:
        client.close()
    return True

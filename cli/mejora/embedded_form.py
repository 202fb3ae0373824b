"""The embedded form: everything on one machine, beside a PostgreSQL from a wheel.

With the log in PostgreSQL all services run in this process. With Kafka they run as processes of
their own behind a gateway in this one, as they would on several machines.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mejora.embedded import KafkaServer, PostgresServer
from mejora.embedded.kafka_settings import free_port
from mejora.gateway import gateway
from mejora.services import SERVICES
from mejora.serving import Server, see_to_telemetry
from mejora_events.faults import backoff
from mejora_service.host import host
from mejora_service.runtime import Runtime
from mejora_service.settings import ServiceSettings, load

HOST = "127.0.0.1"
_LOG_DATABASE = "mejora_log"


class Broker(StrEnum):
    """What carries the events."""

    POSTGRES = "postgres"
    KAFKA = "kafka"


class EmbeddedSettings(BaseSettings):
    """What `mejora up` needs to know: the environment's PORT, DATA, BROKER and KAFKA_PORT."""

    model_config = SettingsConfigDict(extra="ignore")

    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    data: Path = Path("var")
    broker: Broker = Broker.POSTGRES
    kafka_port: Annotated[int, Field(ge=1, le=65_535)] = 19092


@asynccontextmanager
async def embedded(settings: EmbeddedSettings) -> AsyncIterator["Whole"]:
    """Bring everything up; when the block is left, stop it in order."""
    async with AsyncExitStack() as stack:
        postgres = PostgresServer(settings.data / "postgres")
        kafka = KafkaServer(settings.data / "kafka", port=settings.kafka_port)
        stack.push_async_callback(postgres.stop)
        starting = [postgres.start()]
        if settings.broker is Broker.KAFKA:
            stack.push_async_callback(kafka.stop)
            starting.append(kafka.start())
        await asyncio.gather(*starting)
        for name in (_LOG_DATABASE, *SERVICES):
            await postgres.create_database(name)
        databases = {name: postgres.url(name) for name in SERVICES}
        if settings.broker is Broker.KAFKA:
            broker_url = f"kafka://{kafka.bootstrap}"
            server = await stack.enter_async_context(_apart(settings, databases, broker_url))
        else:
            broker_url = postgres.url(_LOG_DATABASE)
            server = _together(settings, databases, broker_url)
        yield Whole(server, f"http://{HOST}:{settings.port}", databases, broker_url)


class Whole:
    """Everything while it runs."""

    def __init__(
        self, server: Server, address: str, databases: Mapping[str, str], broker_url: str
    ) -> None:
        self.server, self.address = server, address
        self.databases, self.broker_url = databases, broker_url


def _together(settings: EmbeddedSettings, databases: Mapping[str, str], broker_url: str) -> Server:
    runtimes = []
    for name, service in SERVICES.items():
        own = load(service.settings, database_url=databases[name], broker_url=broker_url)
        runtimes.append(Runtime(service, own))
    see_to_telemetry(runtimes[0].settings, "embedded")
    return Server(host(runtimes), host=HOST, port=settings.port)


@asynccontextmanager
async def _apart(
    settings: EmbeddedSettings, databases: Mapping[str, str], broker_url: str
) -> AsyncIterator[Server]:
    """Run each service as a process of its own; one that ends is started again."""
    ports = {name: free_port() for name in SERVICES}
    see_to_telemetry(
        load(ServiceSettings, database_url=databases["intake"], broker_url=broker_url), "gateway"
    )
    stopping = asyncio.Event()
    keepers = [
        asyncio.create_task(_keep_running(name, databases[name], broker_url, port, stopping))
        for name, port in ports.items()
    ]
    try:
        addresses = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
        yield Server(gateway(addresses), host=HOST, port=settings.port)
    finally:
        stopping.set()
        await asyncio.gather(*keepers)


async def _keep_running(
    name: str, database_url: str, broker_url: str, port: int, stopping: asyncio.Event
) -> None:
    environment = os.environ | {
        "MEJORA_DATABASE_URL": database_url,
        "MEJORA_BROKER_URL": broker_url,
        "MEJORA_HOST": HOST,
        "MEJORA_PORT": str(port),
    }
    waits = backoff(0.2)
    while not stopping.is_set():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mejora.main", "serve", name,
            env=environment,
            start_new_session=True,
        )  # fmt: skip
        ended = asyncio.create_task(process.wait())
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({ended, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not ended.done():
            process.terminate()
            await ended
        elif not stopping.is_set():
            await asyncio.sleep(next(waits))

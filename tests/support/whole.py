"""Services in this process on fresh databases, spoken to as a client would."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from mejora.services import SERVICES
from mejora_events.clock import Clock
from mejora_service.host import host
from mejora_service.runtime import Runtime
from mejora_service.settings import load
from support.servers import Postgres

ADMIN_KEY = "the-admin-key-of-the-tests"


@dataclass(frozen=True, slots=True)
class Whole:
    """Services that run, and a client that holds the admin key."""

    client: httpx.AsyncClient
    runtimes: dict[str, Runtime]
    application: FastAPI

    async def get(self, path: str, **params: Any) -> Any:
        """Get a path's JSON; anything but success is an error."""
        answer = await self.client.get(path, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None) -> Any:
        """Post JSON and give the answer's JSON; anything but success is an error."""
        answer = await self.client.post(path, json={} if body is None else body)
        assert answer.is_success, answer.text
        return answer.json()

    async def key(self, *scopes: str, **ties: str) -> dict[str, str]:
        """Issue a key and give the header that carries it."""
        wanted = {"label": "a test", "scopes": list(scopes), **ties}
        return {"Authorization": f"Bearer {(await self.post('/intake/v1/keys', wanted))['key']}"}


@asynccontextmanager
async def a_whole(
    postgres: Postgres,
    *names: str,
    broker_url: str | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncIterator[Whole]:
    """Run some services, or all, on the log in PostgreSQL unless told otherwise."""
    names = names or tuple(SERVICES)
    log_url = None if broker_url else await postgres.create_database()
    urls = {name: await postgres.create_database() for name in names}
    runtimes = {}
    for name in names:
        kind = SERVICES[name].settings
        own = {key: value for key, value in settings.items() if key in kind.model_fields}
        loaded = load(
            kind,
            database_url=urls[name],
            broker_url=broker_url or log_url,
            admin_key=ADMIN_KEY,
            **own,
        )
        runtimes[name] = Runtime(SERVICES[name], loaded, clock)
    application = host(list(runtimes.values()))
    try:
        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(application, raise_app_exceptions=False),
                base_url="http://mejora",
                headers={"Authorization": f"Bearer {ADMIN_KEY}"},
            ) as client,
        ):
            yield Whole(client, runtimes, application)
    finally:
        for url in (*urls.values(), *([log_url] if log_url else [])):
            await postgres.drop_database(url)


@asynccontextmanager
async def another_instance(whole: Whole) -> AsyncIterator[Whole]:
    """Run one more instance of each of the services, on the same databases."""
    runtimes = {
        name: Runtime(runtime.service, runtime.settings) for name, runtime in whole.runtimes.items()
    }
    application = host(list(runtimes.values()))
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(application, raise_app_exceptions=False),
            base_url="http://mejora",
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
        ) as client,
    ):
        yield Whole(client, runtimes, application)


@asynccontextmanager
async def an_address(whole: Whole, certificate: Path | None = None) -> AsyncIterator[str]:
    """Serve services at a port of their own, for clients that are no part of this process.

    With a certificate (a file that holds its key too) they are spoken to over TLS.
    """
    # The protocol is named: asyncio sends small answers at once only over what it knows as TCP.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(
                whole.application,
                lifespan="off",
                log_config=None,
                timeout_graceful_shutdown=2,
                ssl_certfile=certificate,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            while not server.started:
                assert not serving.done(), "it could not be served"
                await asyncio.sleep(0.01)
            scheme = "https" if certificate else "http"
            yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def until(what: Callable[[], Awaitable[Any]], *, seconds: float = 30.0) -> Any:
    """Ask again and again until the answer is true, and give it; fail loudly when it never is."""
    answer = None
    try:
        async with asyncio.timeout(seconds):
            while not (answer := await what()):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"it did not come true; the last answer was {answer!r}") from None
    return answer

"""Clients that are slow, or say too much, over real connections."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import FastAPI, Request

from mejora_service.connections import (
    HEAD_WITHIN_SECONDS,
    MOST_HEAD_BYTES,
    Connection,
    close_late_ones,
)
from support.posting import Client

POST = ("POST", "/echo")


@dataclass(frozen=True, slots=True)
class Served:
    """A server and its address."""

    server: uvicorn.Server
    address: str

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Give a connection to it."""
        client = await Client.to(self.address, "none")
        try:
            yield client
        finally:
            client.close()

    async def long_after(self) -> None:
        """Let all that is on its way arrive, and then so much time pass that it is late."""
        await asyncio.sleep(0.1)
        late = asyncio.get_running_loop().time() + HEAD_WITHIN_SECONDS + 1
        close_late_ones(self.server.server_state.connections, late)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    application = FastAPI()

    @application.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @application.post("/slow")
    async def slow(request: Request) -> int:
        await asyncio.sleep(0.3)
        return len(await request.body())

    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(application, http=Connection, lifespan="off", log_config=None)
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield Served(server, f"http://127.0.0.1:{listening.getsockname()[1]}")
        server.should_exit = True
        await serving


async def is_closed(client: Client) -> bool:
    """Tell whether the other side hangs up, and says nothing more."""
    async with asyncio.timeout(5):
        return await client.read() == b""


async def test_one_who_takes_too_long_over_a_head_or_never_begins_is_closed(
    served: Served,
) -> None:
    async with served.client() as slow, served.client() as silent:
        slow.writer.write(slow.head(*POST)[:-2])
        await served.long_after()
        for client in (slow, silent):
            assert (await client.told()).status == 408
            assert await is_closed(client)


async def test_a_head_without_end_is_refused(served: Served) -> None:
    async with served.client() as client:
        client.writer.write(client.head(*POST)[:-2] + b"X-Much: ")
        with suppress(ConnectionError):
            for _ in range(8):
                await asyncio.sleep(0.05)
                client.writer.write(b"x" * (MOST_HEAD_BYTES // 4))
                await client.writer.drain()
        with suppress(ConnectionError):
            assert b" 431 " in await client.read()
        assert not served.server.server_state.connections


async def test_one_who_waits_for_an_answer_or_says_nothing_after_it_is_left_alone(
    served: Served,
) -> None:
    async with served.client() as client:
        for path in ("/echo", "/slow"):
            asked = asyncio.create_task(client.send("POST", path, b"x" * 300_000))
            await served.long_after()
            assert (await asked).body == b"300000"
            await served.long_after()


async def test_what_is_sent_before_the_answer_to_what_came_before_is_answered_too(
    served: Served,
) -> None:
    async with served.client() as client:
        whole = client.head("POST", "/slow", "Content-Length: 3") + b"abc"
        half = client.head(*POST, "Content-Length: 100000") + b"x" * 50_000
        client.writer.write(whole + half)
        await served.long_after()
        assert (await client.told()).body == b"3"
        client.writer.write(b"x" * 50_000)
        assert (await client.told()).body == b"100000"

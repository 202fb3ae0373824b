"""A proxy in front of PostgreSQL, so that a store can be away for a while without being stopped."""

import asyncio
import contextlib
import struct
from enum import Enum
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

_SSL_REQUEST = 80877103


class State(Enum):
    """What a client meets."""

    OPEN = "the server"
    REFUSING = "nobody listens"
    STARTING = "the server says that it is starting up"


class Proxy:
    """Carries bytes between clients and the server of an address, unless told otherwise."""

    def __init__(self, address: str) -> None:
        self._target = make_url(address)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._state = State.OPEN
        self._carrying: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """The address of the same database by way of this proxy."""
        url = self._target.difference_update_query(["host"])
        return url.set(host="127.0.0.1", port=self._port).render_as_string(hide_password=False)

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.become(State.REFUSING)

    async def become(self, state: State) -> None:
        """Break every connection, and treat those that come from now on as said."""
        self._state = state
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        if state is not State.REFUSING:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            # A cancelled handler would be reported as an error of the server.
            with contextlib.suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
                if self._state is State.STARTING:
                    await _say_that_it_starts(reader, writer)
                else:
                    await self._carry(reader, writer)
        finally:
            self._carrying.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = self._target.query.get("host")
        if isinstance(socket, str):
            port = self._target.port or 5432
            there = await asyncio.open_unix_connection(f"{socket}/.s.PGSQL.{port}")
        else:
            there = await asyncio.open_connection(self._target.host, self._target.port or 5432)
        try:
            async with asyncio.TaskGroup() as group:
                one = group.create_task(_pass_on(reader, there[1]))
                other = group.create_task(_pass_on(there[0], writer))
                await asyncio.wait({one, other}, return_when=asyncio.FIRST_COMPLETED)
                one.cancel()
                other.cancel()
        finally:
            there[1].close()
            with contextlib.suppress(OSError):
                await there[1].wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _say_that_it_starts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as PostgreSQL does while it recovers (its protocol's ErrorResponse)."""
    while True:
        length, code = struct.unpack(">ii", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        if code != _SSL_REQUEST:
            break
        writer.write(b"N")
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    writer.write(b"E" + struct.pack(">i", len(fields) + 4) + fields)
    await writer.drain()

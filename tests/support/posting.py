"""A client of plain HTTP/1.1, to say what no library would."""

import asyncio
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Told:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection of plain HTTP/1.1."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str
    ) -> None:
        self._reader, self.writer, self._key = reader, writer, key

    @classmethod
    async def to(cls, address: str, key: str) -> Self:
        """Connect."""
        host, _, port = address.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port)), key)

    def head(self, method: str, path: str, *more: str) -> bytes:
        """Write the head of a request."""
        lines = (f"{method} {path} HTTP/1.1", "Host: mejora", f"Authorization: Bearer {self._key}")
        return "".join(f"{line}\r\n" for line in (*lines, *more, "")).encode()

    async def send(self, method: str, path: str, body: bytes = b"") -> Told:
        """Send a request and wait for its answer."""
        head = self.head(
            method, path, "Content-Type: application/json", f"Content-Length: {len(body)}"
        )
        self.writer.write(head)
        self.writer.write(body)
        return await self.told()

    async def told(self) -> Told:
        """Wait for an answer."""
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[:-1])
        }
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Told(int(status.split()[1]), headers, body)

    async def read(self) -> bytes:
        """Read what else is said until the other side hangs up."""
        return await self._reader.read()

    def close(self) -> None:
        """Go away."""
        self.writer.close()

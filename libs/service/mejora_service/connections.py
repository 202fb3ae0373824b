"""Clients' connections: the head of a request comes within bounds, or the connection is closed.

uvicorn bounds neither how large a head is nor for how long it comes; `bodies` sees to the rest.
"""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
HEAD_WITHIN_SECONDS = 30.0
"""How long a client may take over a head, once it has connected or begun with it."""

_TOO_SLOW = (408, "Request Timeout", "The request's head took too long to come.")
_HEAD_TOO_LARGE = (431, "Request Header Fields Too Large", "The request's head is too large.")


class Connection(HttpToolsProtocol):
    """A connection over which requests come, one after the other."""

    _in_head = True
    _head_bytes = 0
    """Of the head that is coming, without what came with its first byte."""
    _has_begun = False
    _until: float | None = None
    """By when the head that is coming must be whole; none while none is."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request soon."""
        super().connection_made(transport)
        self._until = self.loop.time() + HEAD_WITHIN_SECONDS

    def data_received(self, data: bytes) -> None:
        """Take what comes, but no head without end."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes = 0 if self._has_begun else self._head_bytes + len(data)
            self._has_begun = False
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self._refuse(*_HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = self._has_begun = True
        self._until = self.loop.time() + HEAD_WITHIN_SECONDS

    def on_headers_complete(self) -> None:
        """Know what is asked."""
        super().on_headers_complete()
        self._in_head, self._until = False, None

    def close_if_late(self, now: float) -> None:
        """Close it when a head has not come whole in time."""
        if self._until is None or self.transport.is_closing():
            return
        if self.flow.read_paused:  # it is we who do not read
            self._until = now + HEAD_WITHIN_SECONDS
        elif self._until < now:
            self._refuse(*_TOO_SLOW)

    def _refuse(self, status: int, reason: str, said: str) -> None:
        """Say why it ends, unless the answer to the request before is still owed, and end it."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                f"HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain\r\n"
                f"content-length: {len(said)}\r\nconnection: close\r\n\r\n{said}".encode()
            )
        self.transport.close()


def close_late_ones(connections: Iterable[object], now: float) -> None:
    """Close the connections on which a head has not come whole in time."""
    for connection in list(connections):
        if isinstance(connection, Connection):
            connection.close_if_late(now)
